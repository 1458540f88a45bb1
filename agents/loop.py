"""Runs coroutines from synchronous code, including code inside a running event loop, such as a notebook."""

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class LoopThread:
    """Event loop in a separate thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="event loop", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return the result of a coroutine, or raise its exception. Ctrl-C cancels the coroutine first."""
        future = asyncio.run_coroutine_threadsafe(_result_or_error(coroutine), self._loop)
        try:
            result: T
            result, error = future.result()
        except BaseException:
            future.cancel()
            raise
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Stop the loop and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        """Return the loop thread."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the loop."""
        self.close()


async def _result_or_error(coroutine: Coroutine[Any, Any, T]) -> tuple[Any, BaseException | None]:
    """Await a coroutine and return its result or its exception, including SystemExit and KeyboardInterrupt.

    Raised inside the loop, those two would stop it.
    """
    try:
        return await coroutine, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return None, error


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine. If a loop is already running, use a new thread instead of `asyncio.run`."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with LoopThread() as loop:
        return loop.run(coroutine)
