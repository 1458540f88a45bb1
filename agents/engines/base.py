"""The interface that all engines have."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from agents.chat.types import Completion, Prompt

if TYPE_CHECKING:
    import torch


class EngineDead(RuntimeError):  # noqa: N818  (what has happened to it)
    """The process that generates has died: only another engine helps."""


class Engine(Protocol):
    """Generates replies, and takes new weights."""

    version: int
    """Of the newest weights loaded."""
    max_context: int | None
    """Prompt and reply together may have so many tokens; None: no limit is known."""

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """The reply to a prompt; temperature 0 is greedy. Many calls run at once.

        Raises:
            ContextFull: a server says that it is too long; of other engines `max_context` is asked before.
            EngineDead: the engine's process has died.
        """
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
