"""Results and failures of actor calls."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

import ray
from ray.exceptions import RayActorError, RayTaskError

T = TypeVar("T")


async def result(reference: Any) -> Any:
    """Return the result of an actor call, or raise the actor's original exception without Ray's wrapper."""
    try:
        return await reference
    except RayTaskError as error:
        raise error.cause from error
    except RayActorError as error:
        if error.actor_init_failed:  # a restart would fail too
            raise RuntimeError(str(error).splitlines()[-1]) from error
        raise


async def gather_alive(references: Iterable[Any]) -> list[Any]:
    """Gather results from live actors and ignore dead ones, which their supervisors handle."""
    answers = await asyncio.gather(*(result(reference) for reference in references), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, RayActorError):
            raise answer
    return [answer for answer in answers if not isinstance(answer, RayActorError)]


async def wait_all(references: Iterable[Any], timeout_s: float) -> None:
    """Wait until all calls have returned or failed, at most `timeout_s` seconds."""
    answers = [asyncio.ensure_future(result(reference)) for reference in references]
    if answers:
        await asyncio.wait(answers, timeout=timeout_s)
    for answer in answers:
        answer.cancel()
    await asyncio.gather(*answers, return_exceptions=True)


async def run_while_alive(work: Awaitable[T], actors: Iterable[Any], reported: str) -> T:
    """Run work that needs all these actors, and fail as soon as one of them dies.

    Args:
        work: Awaitable to run.
        actors: Actors that take part in the work.
        reported: Start of the error message.

    Returns:
        The result of the work.

    Raises:
        RuntimeError: An actor died.
    """
    task = asyncio.ensure_future(work)
    calls = [actor.live.remote() for actor in actors]
    lives = [asyncio.ensure_future(result(call)) for call in calls]
    try:
        await asyncio.wait([task, *lives], return_when=asyncio.FIRST_COMPLETED)
        for life in lives:
            if life.done() and (death := life.exception()):
                raise RuntimeError(f"{reported}: {line(death)}")
        return await task
    finally:
        for one in (task, *lives):
            one.cancel()
        for call in calls:
            ray.cancel(call)  # otherwise it would wait in the actor forever


def line(error: BaseException) -> str:
    """Return the first line of an error."""
    return (str(error).splitlines() or [type(error).__name__])[0]
