"""Episodes of a task for the adapters, played by one model, or in football by one on each side.

The rules, observations and rewards are those of the server (`envs.serve`), and so those of training.
"""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from configs.errors import UserError
from envs.adapters.match import Match
from envs.adapters.view import View
from envs.serve.protocol import RequestError, Reset, checked
from envs.serve.session import Session
from envs.serve.worlds import Worlds
from envs.task.config import load_task
from envs.task.task import Task


class Game(Protocol):
    """Episodes of one task, one after the other."""

    seats: int
    """Number of models that play."""

    def reset(self, **start: Any) -> list[View]:
        """Start an episode and return the view of each seat.

        Args:
            start: `seed` of the env, or `split` and `index` of a start. Without them, a random start of training.

        Raises:
            UserError: The start does not exist, or the env failed (one line).
        """
        ...

    def step(self, replies: Sequence[str]) -> list[View]:
        """Play one reply of each seat and return the views after them.

        Raises:
            UserError: No episode is in progress, or the env failed (one line).
        """
        ...

    def close(self) -> None:
        """End the episode."""
        ...


def open_game(name: str, settings: Mapping[str, Any] | None = None) -> Game:
    """Return a game of a task.

    Args:
        name: Task of configs/env, or a path ending in .yaml.
        settings: `env.k` overrides, such as {"env.kwargs.room": [7, 7]}. `env.rules` is true unless given here, since
            the model must be able to read the rules. With `env.kwargs.control` of [1, 1], football has two seats.

    Raises:
        UserError: The task or a setting is invalid (one line).
    """
    given = {"env.rules": "true"} | {key: as_text(value) for key, value in (settings or {}).items()}
    config = load_task(name, given)
    if config.kwargs.get("control") in ([1, 1], (1, 1)):
        return Match(Task(name.removesuffix(".yaml").rpartition("/")[2], config))
    return Solo(_worlds(name, tuple(given.items())))


def as_text(value: Any) -> str:
    """Return the value of a setting as the command line has it."""
    return value if isinstance(value, str) else json.dumps(value)


@functools.cache
def _worlds(name: str, settings: tuple[tuple[str, str], ...]) -> Worlds:
    """Return the environments of a task, which all games of a process share."""
    return Worlds([name], dict(settings))


class Solo:
    """Game with one seat."""

    seats = 1

    def __init__(self, worlds: Worlds) -> None:
        self._session = Session(worlds)

    def reset(self, **start: Any) -> list[View]:
        """Start an episode, as described in `Game`."""
        return _view(lambda: self._session.reset(checked(Reset, start)))

    def step(self, replies: Sequence[str]) -> list[View]:
        """Play a reply."""
        (message,) = replies
        return _view(lambda: self._session.step(message))

    def close(self) -> None:
        """End the episode."""
        self._session.close()


def _view(play: Callable[[], dict[str, Any]]) -> list[View]:
    try:
        data = play()
    except RequestError as error:
        raise UserError(str(error)) from None
    return [View(data["observation"]["content"], float(data["reward"] or 0.0), data["done"], data["metadata"])]
