"""A limit on the number of actor restarts in a run."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from training.cluster.ray.calls import line

T = TypeVar("T")


class RestartBudget:
    """Counter of actor deaths that fails all guarded work once the run cannot continue."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.counts = {"learner": 0, "engine": 0, "worker": 0}
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def final(self) -> bool:
        """True if the run cannot continue."""
        return self._failure.done()

    def count(self, kind: str, error: Exception) -> None:
        """Count one death of an actor.

        After more than `limit` deaths, raise RuntimeError here and in all guarded work.
        """
        self.counts[kind] += 1
        if sum(self.counts.values()) > self.limit:
            counts = ", ".join(f"{name} {count}" for name, count in self.counts.items())
            failure = RuntimeError(f"more than cluster.restarts={self.limit} actors died ({counts}): {line(error)}")
            self.fail(failure)
            raise failure

    def fail(self, error: Exception) -> None:
        """Fail the run with `error`. Only the first failure counts."""
        if not self.final:
            self._failure.set_exception(error)
            self._failure.exception()  # marks it as retrieved, in case no guarded work is pending

    async def guarded(self, work: Awaitable[T]) -> T:
        """Return the result of `work`, or raise the failure if that comes first."""
        task = asyncio.ensure_future(work)
        both: set[asyncio.Future[Any]] = {task, self._failure}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self._failure.result()
            return await task
        finally:
            task.cancel()
