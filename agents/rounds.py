"""Rounds: calls that are made before the event loop is idle, and answered together."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

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
