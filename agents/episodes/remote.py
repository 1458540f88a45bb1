"""Calls of envs on servers: `reset` and `step` of several episodes at the same time, in threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import gymnasium

from agents.rounds import no_more_calls, settle

T = TypeVar("T")

THREADS: Final = 256
"""Maximum number of calls at the same time."""

Call = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Rounds:
    """Runner of blocking calls in threads.

    The calls that are made before the event loop is idle form a round. They start together, and their results are
    returned together and in order. So episodes whose replies arrived together ask for their next replies together:
    the transformers engine then forms equal batches, regardless of the server's speed. Rounds may overlap.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "remote")
        self._waiting: list[Call] = []
        self._rounds: set[asyncio.Task[None]] = set()

    async def run(self, env: gymnasium.Env[Any, Any], function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Return the result of a function that calls `env`. For a local env, call it at once."""
        if not getattr(env.unwrapped, "remote", False):
            return function(*args, **kwargs)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((lambda: function(*args, **kwargs), future))
        if len(self._waiting) == 1:
            task = loop.create_task(self._round())
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        return await future

    async def _round(self) -> None:
        await no_more_calls(lambda: len(self._waiting))
        calls, self._waiting = self._waiting, []
        loop = asyncio.get_running_loop()
        running = [loop.run_in_executor(self._pool, call) for call, _ in calls]
        for (_, future), result in zip(calls, await asyncio.gather(*running, return_exceptions=True), strict=True):
            settle(future, result)

    def close(self) -> None:
        """Start no further calls. Those that run end when their envs are closed."""
        self._pool.shutdown(wait=False, cancel_futures=True)
