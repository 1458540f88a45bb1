"""The learner's ranks: called all at once, and started anew together when one of them dies."""

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
"""Seconds in which Ray tells of a dead rank after another one failed for want of it."""


class Ranks:
    """All learner ranks.

    Args:
        reserved: Where they stand.
        model: What they load.
        config: How they compute.
        died: Called with every death, before the ranks are started anew; may raise to give up.
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
        """Start all ranks, in place of those that are there; they have the weights that the run began with."""
        for rank in self.actors:
            ray.kill(rank)
        world, gpu = self.reserved.cluster.learners, self.reserved.cluster.gpus > 0
        make = ray.remote(LearnerRank)
        self.actors = [
            make.options(**self.reserved.options("learner", rank)).remote(rank, world, gpu) for rank in range(world)
        ]
        address = (await self.call("address"))[0]
        await self.call("start", address, self.model, self.config)

    async def gpus(self, engine: int) -> str:
        """The GPUs of the ranks with which a colocated engine shares them, as CUDA_VISIBLE_DEVICES names them."""
        size = self.reserved.cluster.engine_gpus
        shared = self.actors[engine * size : (engine + 1) * size]
        return ",".join([await result(rank.gpus.remote()) for rank in shared])

    async def call(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of all ranks at once: the results by rank. LearnerLost, with new ranks, where one died."""
        calls = [asyncio.ensure_future(result(getattr(rank, method).remote(*arguments))) for rank in self.actors]
        try:
            await asyncio.wait(calls, return_when=asyncio.FIRST_EXCEPTION)
            if not all(call.done() for call in calls) or any(call.exception() for call in calls):
                await asyncio.wait(
                    calls, timeout=DEATH_GRACE_S
                )  # a rank that misses its peer may fail before that one's death
            errors = [error for call in calls if call.done() and (error := call.exception())]
        finally:
            for call in calls:
                call.cancel()
        if not errors:
            return [call.result() for call in calls]
        death = next((error for error in errors if isinstance(error, RayActorError)), None)
        if death is None:
            raise errors[0]
        from training.cluster.base import LearnerLost  # here, for actors import this file and need no learner

        self.died(death)
        await self.start()
        raise LearnerLost(f"a learner rank died: {line(death)}") from death
