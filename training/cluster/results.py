"""What actors answer."""

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


def line(error: BaseException) -> str:
    """An error's first line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
