"""Data exchanged between conversations, engines and training."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
NO_TOKENS = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True)
class Message:
    """Message of a conversation as text, for OpenAI-compatible servers."""

    role: Literal["user", "assistant"]
    text: str
    image: NDArray[np.uint8] | None = None
    more: tuple[NDArray[np.uint8], ...] = ()
    """Images after the first, placed as in `envs.questions.places`."""


@dataclass(frozen=True)
class Prompt:
    """Context to generate a reply for. T expanded and C collapsed tokens."""

    tokens: NDArray[np.int32]
    """[T], expanded, as the model sees them: one image placeholder per visual token."""
    collapsed: NDArray[np.int32]
    """[C], one placeholder per image, for engines that expand images themselves (vLLM)."""
    images: tuple[NDArray[np.uint8], ...]
    """Images [H, W, 3] in the order of their placeholders."""
    image_ids: tuple[str, ...]
    """Hash of each image, in the same order."""
    seed: int
    """Sampling seed of this reply, independent of other prompts in the batch."""
    max_tokens: int
    """Maximum reply length in tokens."""
    messages: tuple[Message, ...] = ()
    """The context as messages, for engines that take text."""
    distributions: bool = False
    """True to return the distributions of the reply's tokens."""


@dataclass(frozen=True)
class Distributions:
    """Distributions from which the R tokens of a reply were sampled, in short form for records."""

    entropies: NDArray[np.float32] | None
    """[R], entropy of each distribution in nats; None if the engine does not give it."""
    top_tokens: NDArray[np.int32]
    """[A, k], the k most likely tokens at each of the last A positions, in falling order."""
    top_logprobs: NDArray[np.float32]
    """[A, k], their log-probs."""


TOP = 6
"""k of `Distributions`: the sampled token and five others."""
LAST = 64
"""Largest A of `Distributions`. The answer is at the end of a reply."""


@dataclass(frozen=True)
class Completion:
    """Sampled reply of R tokens."""

    tokens: NDArray[np.int32]
    """[R], including the end token if it was sampled."""
    logprobs: NDArray[np.float32]
    """[R], log-prob of each sampled token under the distribution it was sampled from."""
    finished: bool
    """True if the reply ended with the end token before the limit."""
    versions: NDArray[np.int32]
    """[R], version of the weights that sampled each token."""
    text: str | None = None
    """Reply as text, from an engine that returns no tokens."""
    count: int = 0
    """Number of tokens of a text reply as reported by its server; 0 if not reported."""
    distributions: Distributions | None = None
    """Distributions of the tokens, if the prompt asks for them and the engine gives them."""


class ContextFull(Exception):  # noqa: N818  (a way for an episode to end, not an error)
    """The prompt and its reply do not fit the engine's context. The message gives the numbers."""


@dataclass(frozen=True)
class TokenSequence:
    """One context and the replies trained in it. T tokens, F images."""

    tokens: NDArray[np.int32]
    """[T], prompts and replies, with expanded placeholders."""
    loss_mask: NDArray[np.bool_]
    """[T], True for sampled tokens that are trained in this sequence."""
    engine_logprobs: NDArray[np.float32]
    """[T], log-probs of sampled tokens; 0 elsewhere."""
    turn: NDArray[np.int16]
    """[T], turn of each token."""
    policy_version: NDArray[np.int32]
    """[T], version of the weights that sampled each token; -1 elsewhere."""
    images: tuple[NDArray[np.uint8], ...]
    """[F] images in the order of their placeholders."""
    image_ids: tuple[str, ...]
    """[F] hashes of the images."""
