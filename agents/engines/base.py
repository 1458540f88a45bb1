"""Engine interface."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from agents.chat.types import Completion, Prompt

if TYPE_CHECKING:
    import torch


class EngineDead(RuntimeError):  # noqa: N818  (describes a state)
    """The engine's process died. Only a new engine helps."""


class Engine(Protocol):
    """Generator of replies with updatable weights."""

    version: int
    """Version of the newest weights loaded."""
    max_context: int | None
    """Maximum number of tokens of a prompt and its reply together; None: no known limit."""

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """Generate the reply to a prompt. Calls may run concurrently.

        Args:
            prompt: context to reply to.
            temperature: sampling temperature; 0 is greedy.

        Raises:
            ContextFull: a server rejects the prompt as too long. For other engines, check `max_context` first.
            EngineDead: the engine's process died.
        """
        ...

    async def load_weights(self, weights: Iterable[tuple[str, "torch.Tensor"]], version: int) -> None:
        """Load new weights: full tensors by their transformers names."""
        ...

    async def sleep(self) -> None:
        """Free device memory while a learner uses the device."""
        ...

    async def wake(self) -> None:
        """Restore device memory for new weights. Replies continue after the next `load_weights`."""
        ...

    async def close(self) -> None:
        """Stop the engine permanently."""
        ...
