"""Engines generate tokens for prompts; all of them speak this small interface."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


@dataclass
class EngineConfig:
    """How replies are generated."""

    kind: str = "transformers"
    """Which engine generates: transformers."""
    max_batch: int = 64
    """Sequences in one batch; more are generated in several batches."""
    threads: int = 2
    """Batches generated side by side; the replies do not depend on it."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if self.kind != "transformers":
            raise ValueError(f"kind must be transformers, got {self.kind!r}")
        for key in ("max_batch", "threads"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")


@dataclass(frozen=True)
class Prompt:
    """A context to go on from, as the model sees it."""

    tokens: NDArray[np.int32]
    """[T], expanded: one image placeholder for every visual token."""
    images: tuple[NDArray[np.uint8], ...]
    """Frames [H, W, 3] in the order of their placeholders."""
    seed: int
    """Seeds the sampling of this reply, whatever else is in the batch."""
    max_tokens: int
    """Longest reply, in tokens."""


@dataclass(frozen=True)
class Completion:
    """A sampled reply."""

    tokens: NDArray[np.int32]
    """[R], the end token included where it was sampled."""
    logprobs: NDArray[np.float32]
    """[R], of each sampled token under the distribution that it was sampled from."""
    finished: bool
    """Whether the end token came before the limit."""
    version: int
    """The weights' version that sampled it."""


class Engine(Protocol):
    """Generates replies, and takes new weights."""

    version: int

    def generate(self, prompts: Sequence[Prompt], temperature: float) -> list[Completion]:
        """A completion for each prompt; temperature 0 is greedy."""
        ...

    def load_weights(self, weights: "Mapping[str, torch.Tensor]", version: int) -> None:
        """Take new weights, by their names in the model."""
        ...
