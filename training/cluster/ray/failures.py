"""RestartBudget of actors: counted, until there are too many."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from training.cluster.ray.calls import line

T = TypeVar("T")


class RestartBudget:
    """Counts the dead, and ends everything that is awaited through it once a run cannot go on."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.counts = {"learner": 0, "engine": 0, "worker": 0}
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def final(self) -> bool:
        """Whether the run cannot go on."""
        return self._failure.done()

    def count(self, kind: str, error: Exception) -> None:
        """One more death; RuntimeError, here and wherever something is awaited, after too many."""
        self.counts[kind] += 1
        if sum(self.counts.values()) > self.limit:
            counts = ", ".join(f"{name} {count}" for name, count in self.counts.items())
            failure = RuntimeError(f"more than cluster.restarts={self.limit} actors died ({counts}): {line(error)}")
            self.fail(failure)
            raise failure

    def fail(self, error: Exception) -> None:
        """The run cannot go on."""
        if not self.final:
            self._failure.set_exception(error)
            self._failure.exception()  # nobody has to be waiting

    async def guarded(self, work: Awaitable[T]) -> T:
        """The result of some work, or the failure if that comes first."""
        task = asyncio.ensure_future(work)
        both: set[asyncio.Future[Any]] = {task, self._failure}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self._failure.result()
            return await task
        finally:
            task.cancel()
