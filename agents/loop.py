"""Running coroutines from synchronous code, even inside a running event loop, as in a notebook."""

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
        """Return the result of a coroutine, or raise its exception. An interrupt cancels the coroutine."""
        future = asyncio.run_coroutine_threadsafe(_kept(coroutine), self._loop)
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
        """Return this object."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the loop and end the thread."""
        self.close()


async def _kept(coroutine: Coroutine[Any, Any, T]) -> tuple[Any, BaseException | None]:
    """Return the result and exception of a coroutine.

    Exceptions are returned because SystemExit and KeyboardInterrupt would stop the loop.
    """
    try:
        return await coroutine, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return None, error


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine. Like `asyncio.run`, but uses a thread if an event loop is running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with LoopThread() as loop:
        return loop.run(coroutine)
