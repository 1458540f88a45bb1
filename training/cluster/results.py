"""What actors answer."""

import asyncio
from collections.abc import Iterable
from typing import Any

from ray.exceptions import RayActorError, RayTaskError


async def result(reference: Any) -> Any:
    """What an actor's method returns or raises: its own exception, not Ray's wrapping of it."""
    try:
        return await reference
    except RayTaskError as error:
        raise error.cause from error
    except RayActorError as error:
        if error.actor_init_failed:  # no death: it cannot live
            raise RuntimeError(str(error).splitlines()[-1]) from error
        raise


async def living(references: Iterable[Any]) -> list[Any]:
    """What all the actors that are alive answer; the dead ones are others' business."""
    answers = await asyncio.gather(*(result(reference) for reference in references), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, RayActorError):
            raise answer
    return [answer for answer in answers if not isinstance(answer, RayActorError)]


def line(error: BaseException) -> str:
    """An error's first line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
