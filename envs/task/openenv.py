"""Names of tasks on OpenEnv servers: `openenv:ADDRESS`, as `env=…` or as the `id` of a task."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import gymnasium

from configs.errors import UserError

PREFIX: Final = "openenv:"
ID: Final = "kickoff/OpenEnv-v0"
"""Environment of all servers."""


def is_server(name: object) -> bool:
    """Return True for `openenv:ADDRESS`."""
    return isinstance(name, str) and name.startswith(PREFIX)


def is_file(name: str) -> bool:
    """Return True if a task's name is a path of a YAML file or the address of a server."""
    return name.endswith(".yaml") or is_server(name)


def task_name(name: str) -> str:
    """Return the short name of a task: `sums` for path/to/sums.yaml, `openenv_127_0_0_1_8000` for a server."""
    if is_server(name):
        place = name.removeprefix(PREFIX).partition("://")[2]
        return "_".join(["openenv", *re.findall(r"[A-Za-z0-9]+", place)])
    return Path(name).stem if name.endswith(".yaml") else name


def create(id: str, render_mode: str | None, kwargs: Mapping[str, Any]) -> gymnasium.Env[Any, Any]:
    """Return `gymnasium.make` of an id, which may be `openenv:ADDRESS`.

    Raises:
        ValueError: The environment does not take the kwargs (one line).
    """
    name, given = (ID, {"address": id.removeprefix(PREFIX), **kwargs}) if is_server(id) else (id, kwargs)
    try:
        return gymnasium.make(name, render_mode=render_mode, **given)
    except TypeError as error:
        problem, *_ = str(error).split(" was raised from ")  # drop Gymnasium's list of all arguments
        raise ValueError(f"{id} does not accept these kwargs: {problem}") from error


def proposed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a server's answers suggest for a task (`OpenEnvEnv.task_settings`).

    Args:
        settings: Settings of the task: its `id`, and its `kwargs` if any.

    Raises:
        UserError: The server cannot be reached, or an argument is invalid (one line).
    """
    kwargs = settings.get("kwargs") or {}
    try:
        env: Any = create(settings["id"], None, kwargs).unwrapped
    except ValueError as error:
        raise UserError(str(error)) from None
    found: dict[str, Any] = env.task_settings()
    return found
