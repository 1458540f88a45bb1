"""Running coroutines from synchronous code, even inside a running event loop, as in a notebook."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class LoopThread:
    """Event loop in a separate thread."""

    def __init__(self) -> None:
        started: concurrent.futures.Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = (
            concurrent.futures.Future()
        )
        self._thread = threading.Thread(target=asyncio.run, args=(_serve(started),), name="event loop", daemon=True)
        self._thread.start()
        self._loop, self._closed = started.result()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return the result of a coroutine, or raise its exception; Ctrl-C cancels it and waits for its clean-up."""
        tasks: list[asyncio.Task[tuple[Any, BaseException | None]]] = []
        ended: concurrent.futures.Future[asyncio.Task[tuple[Any, BaseException | None]]] = concurrent.futures.Future()

        def start() -> None:
            tasks.append(self._loop.create_task(_kept(coroutine)))
            tasks[0].add_done_callback(ended.set_result)

        def cancel() -> None:
            for task in tasks:
                task.cancel()
            if not tasks:  # interrupted before it was started
                coroutine.close()
                ended.set_exception(asyncio.CancelledError())

        try:
            self._loop.call_soon_threadsafe(start)
            task = ended.result()
        except BaseException:
            self._loop.call_soon_threadsafe(cancel)
            concurrent.futures.wait([ended])  # a second Ctrl-C ends the wait
            raise
        result: T
        result, error = task.result()
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Cancel what still runs, close the loop and end the thread."""
        self._loop.call_soon_threadsafe(self._closed.set)
        self._thread.join()

    def __enter__(self) -> Self:
        """Return this object."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the loop and end the thread."""
        self.close()


async def _serve(started: "concurrent.futures.Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]") -> None:
    """Keep the loop running until its event is set."""
    closed = asyncio.Event()
    started.set_result((asyncio.get_running_loop(), closed))
    await closed.wait()


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
