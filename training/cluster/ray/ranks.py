"""The learner ranks: called together, and restarted together if one of them dies."""

import asyncio
from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import RayActorError

from agents.models.config import ModelConfig
from training.cluster.ray.actors import LearnerRank
from training.cluster.ray.calls import line, result
from training.cluster.ray.reservation import Reservation
from training.config.learner import LearnerConfig

DEATH_GRACE_S = 10.0
"""Seconds to wait for Ray to report a dead rank after another rank has failed because of it."""


class Ranks:
    """All learner ranks.

    Args:
        reserved: Resources reserved for the ranks.
        model: Model settings.
        config: Learner settings.
        died: Called with every death, before the ranks are restarted. May raise to give up.
    """

    def __init__(
        self, reserved: Reservation, model: ModelConfig, config: LearnerConfig, died: Callable[[Exception], None]
    ) -> None:
        self.reserved = reserved
        self.model = model
        self.config = config
        self.died = died
        self.actors: list[Any] = []

    async def start(self) -> None:
        """Start all ranks with the run's initial weights, and kill existing ranks."""
        for rank in self.actors:
            ray.kill(rank)
        world, gpu = self.reserved.cluster.learners, self.reserved.cluster.gpus > 0
        make = ray.remote(LearnerRank)
        self.actors = [
            make.options(**self.reserved.options("learner", rank)).remote(rank, world, gpu) for rank in range(world)
        ]
        address = (await self.call("meeting"))[0]
        await self.call("start", address, self.model, self.config)

    async def gpus(self, engine: int) -> str:
        """Return the GPUs of a colocated engine, which its learner ranks also use, as in CUDA_VISIBLE_DEVICES."""
        size = self.reserved.cluster.engine_gpus
        shared = self.actors[engine * size : (engine + 1) * size]
        return ",".join([await result(rank.gpus.remote()) for rank in shared])

    async def gpu_bytes(self) -> float:
        """Return the memory of the first rank's GPU in bytes."""
        memory: float = await result(self.actors[0].gpu_bytes.remote())
        return memory

    async def call(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of all ranks at once.

        Args:
            method: Name of a method of `LearnerRank`.
            arguments: Arguments of the method, the same for every rank.

        Returns:
            The results, by rank.

        Raises:
            LearnerLost: A rank died. All ranks have been restarted.
        """
        calls = [asyncio.ensure_future(result(getattr(rank, method).remote(*arguments))) for rank in self.actors]
        try:
            await asyncio.wait(calls, return_when=asyncio.FIRST_EXCEPTION)
            if not all(call.done() for call in calls) or any(call.exception() for call in calls):
                await asyncio.wait(calls, timeout=DEATH_GRACE_S)  # a survivor may fail before the death is reported
            errors = [error for call in calls if call.done() and (error := call.exception())]
        finally:
            for call in calls:
                call.cancel()
        if not errors:
            return [call.result() for call in calls]
        death = next((error for error in errors if isinstance(error, RayActorError)), None)
        if death is None:
            raise errors[0]
        from training.cluster.base import LearnerLost  # imported here: actors import this file but need no learner

        self.died(death)
        await self.start()
        raise LearnerLost(f"a learner rank died: {line(death)}") from death
