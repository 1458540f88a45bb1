"""What passes between conversations and engines, and what is trained of it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
NO_TOKENS = np.zeros(0, dtype=np.int32)


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
    count: int = 0
    """Tokens of such a reply, as its server counts them; 0 where it does not say."""


class ContextFull(Exception):  # noqa: N818  (how an episode may end, no fault)
    """A prompt and its reply do not fit the engine's context; the text says by how much."""


@dataclass(frozen=True)
class TokenSequence:
    """One context and the replies trained in it. T tokens, F frames."""

    tokens: NDArray[np.int32]
    """[T], prompts and replies, placeholders expanded."""
    loss_mask: NDArray[np.bool_]
    """[T], true where a token was sampled and is trained here."""
    engine_logprobs: NDArray[np.float32]
    """[T], of sampled tokens; 0 elsewhere."""
    turn: NDArray[np.int16]
    """[T], the turn that each token belongs to."""
    policy_version: NDArray[np.int32]
    """[T], the weights that sampled each token; -1 elsewhere."""
    images: tuple[NDArray[np.uint8], ...]
    """[F] frames in the order of their placeholders."""
    image_ids: tuple[str, ...]
    """[F] hashes of them."""
