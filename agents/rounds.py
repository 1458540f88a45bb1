"""Rounds: calls that are made before the event loop is idle, and answered together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar

T = TypeVar("T")
C = TypeVar("C")

QUIET: Final = 3
"""Turns of the event loop without a new call before a round starts."""


async def no_more_calls(waiting: Callable[[], int]) -> None:
    """Return when `waiting`, the number of calls, has not grown for `QUIET` turns of the event loop."""
    gathered, quiet = 0, 0
    while quiet < QUIET:
        await asyncio.sleep(0)
        quiet = 0 if waiting() > gathered else quiet + 1
        gathered = waiting()


def settle(future: "asyncio.Future[T]", result: T | BaseException) -> None:
    """Give a call its result, or its exception, unless it was cancelled."""
    if future.done():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)


class SerialRounds(Generic[C, T]):
    """Rounds that run one after another.

    A round takes all calls that were made before the event loop was idle. Their results are returned together and in
    order, before the next round starts. So equal calls form equal rounds, regardless of speed.
    """

    def __init__(self, answer: Callable[[list[C]], Awaitable[Sequence[T | BaseException]]]) -> None:
        """Answer the calls of each round with `answer`, which returns a result or an exception for each call."""
        self._answer = answer
        self._waiting: list[tuple[C, asyncio.Future[T]]] = []
        self._round: asyncio.Task[None] | None = None
        self._pauses = 0

    async def run(self, call: C) -> T:
        """Return the result of a call, which starts with the next round."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, future))
        self._begin()
        return await future

    @asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        """Hold exclusive access: no round runs inside. It has priority over the next round."""
        self._pauses += 1
        try:
            await self.finish()
            yield
        finally:
            self._pauses -= 1
            self._begin()

    async def finish(self) -> None:
        """Return when no round runs."""
        while self._round is not None:
            await asyncio.wait([self._round])

    def _begin(self) -> None:
        if self._round is None and self._waiting and not self._pauses:
            self._round = asyncio.get_running_loop().create_task(self._play())
            self._round.add_done_callback(self._end)

    def _end(self, _: "asyncio.Task[None]") -> None:
        self._round = None
        self._begin()

    async def _play(self) -> None:
        await no_more_calls(lambda: len(self._waiting))  # callers answered by the last round may call again
        calls, self._waiting = [call for call in self._waiting if not call[1].done()], []
        results = await self._answer([call for call, _ in calls])
        for (_, future), result in zip(calls, results, strict=True):
            settle(future, result)
