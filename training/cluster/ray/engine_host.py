"""An engine as a plain class, which the cluster turns into a Ray actor."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from agents.chat.types import Completion, Prompt
from agents.engines.base import EngineDead
from agents.engines.config import EngineConfig
from agents.models.config import ModelConfig
from training.cluster.ray.weights import unpack

FAREWELL_S = 1.0
"""Seconds between the death of an engine and the exit of its actor, in which `live` reports the cause."""


class EngineHost:
    """An engine in a separate process."""

    def __init__(self, gpus: str | None) -> None:
        if gpus is not None:  # must be set before torch initialises CUDA
            os.environ["CUDA_VISIBLE_DEVICES"] = gpus
        self.engine: Any = None
        self._dead = asyncio.Event()
        self._cause: EngineDead | None = None

    async def start(self, model: ModelConfig, config: EngineConfig) -> int | None:
        """Load the model and return the maximum context length in tokens."""
        from agents.engines.factory import make_engine

        self.engine = await make_engine(model.path, config)
        longest: int | None = self.engine.max_context
        return longest

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """Return the reply to a prompt."""
        async with self._exiting_if_dead():
            completion: Completion = await self.engine.generate(prompt, temperature)
        return completion

    async def load_weights(self, references: Sequence[Any], version: int) -> int:
        """Load new weights and return the version that the engine then has."""
        loaded = [await reference for reference in references]
        async with self._exiting_if_dead():
            await self.engine.load_weights((unpack(packed) for piece in loaded for packed in piece), version)
        held: int = self.engine.version
        return held

    async def call(self, method: str, *arguments: Any) -> None:
        """Run one step of a weight transfer (`agents/engines/transfer.py`)."""
        async with self._exiting_if_dead():
            await getattr(self.engine, method)(*arguments)

    async def sleep(self) -> None:
        """Release the GPU memory."""
        async with self._exiting_if_dead():
            await self.engine.sleep()

    async def wake(self) -> None:
        """Reclaim the GPU memory."""
        async with self._exiting_if_dead():
            await self.engine.wake()

    async def close(self) -> None:
        """Stop the engine and its processes."""
        await self.engine.close()

    async def pid(self) -> int:
        """Return this process's ID."""
        return os.getpid()

    async def live(self) -> None:
        """Wait for the death of the engine and raise EngineDead with its cause. The death of the actor ends it too."""
        await self._dead.wait()
        assert self._cause is not None
        raise self._cause

    @asynccontextmanager
    async def _exiting_if_dead(self) -> AsyncIterator[None]:
        """Exit this process if its engine dies, so that callers see the death and the actor is replaced."""
        try:
            yield
        except EngineDead as error:
            self._cause = error
            self._dead.set()
            await asyncio.sleep(FAREWELL_S)
            os._exit(1)
