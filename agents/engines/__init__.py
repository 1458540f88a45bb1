"""Engines generate tokens for prompts; all of them speak this small interface."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

KINDS = ("auto", "transformers", "vllm", "api")


@dataclass
class EngineConfig:
    """How replies are generated."""

    kind: str = "auto"
    """Which engine generates: transformers, vllm, api (any OpenAI-compatible server, to evaluate only), or auto: vllm
    where there is a GPU, else transformers."""
    max_batch: int = 64
    """Sequences in one batch of the transformers engine; more are generated in several batches."""
    threads: int = 2
    """Batches generated side by side by the transformers engine; the replies do not depend on it."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        for key in ("max_batch", "threads"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")


@dataclass(frozen=True)
class Message:
    """One message of a conversation, in words: what an OpenAI-compatible server is sent."""

    role: Literal["user", "assistant"]
    text: str
    image: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Prompt:
    """A context to go on from."""

    tokens: NDArray[np.int32]
    """[T], expanded, as the model sees it: one image placeholder for every visual token."""
    collapsed: NDArray[np.int32]
    """[C], one placeholder an image: for engines that expand images themselves (vLLM)."""
    images: tuple[NDArray[np.uint8], ...]
    """Frames [H, W, 3] in the order of their placeholders."""
    image_ids: tuple[str, ...]
    """A hash of each frame, in the same order."""
    seed: int
    """Seeds the sampling of this reply, whatever else is in the batch."""
    max_tokens: int
    """Longest reply, in tokens."""
    messages: tuple[Message, ...] = ()
    """The same in words."""


@dataclass(frozen=True)
class Completion:
    """A sampled reply."""

    tokens: NDArray[np.int32]
    """[R], the end token included where it was sampled."""
    logprobs: NDArray[np.float32]
    """[R], of each sampled token under the distribution that it was sampled from."""
    finished: bool
    """Whether the end token came before the limit."""
    versions: NDArray[np.int32]
    """[R], the version of the weights that sampled each token."""
    text: str | None = None
    """The reply in words, from an engine that gives no tokens."""


class Engine(Protocol):
    """Generates replies, and takes new weights."""

    version: int
    """Of the newest weights loaded."""
    max_context: int | None
    """Prompt and reply together may have so many tokens; None: no limit is known."""

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """The reply to a prompt; temperature 0 is greedy. Many calls run at once."""
        ...

    async def load_weights(self, weights: Iterable[tuple[str, "torch.Tensor"]], version: int) -> None:
        """Take new weights: full tensors by their transformers names."""
        ...

    async def sleep(self) -> None:
        """Give the device's memory away while a learner on it works."""
        ...

    async def wake(self) -> None:
        """Take the memory back."""
        ...

    async def close(self) -> None:
        """Stop for good."""
        ...
