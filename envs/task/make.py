"""Creation of a task's environment, with checks of its images, actions and texts."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.wrappers import RenderCollection

from configs.errors import suggest
from configs.imports import load_object
from envs.matches.games import make_game
from envs.matches.match import Match
from envs.matches.seat import SeatEnv, strength_of
from envs.task.config import TaskConfig
from envs.task.openenv import create

SMALLEST_PICTURE = 16
"""Minimum side of an image in pixels. A smaller uint8 array [H, W, 3] is treated as an encoded grid."""


def make_env(name: str, config: TaskConfig, render_mode: str | None) -> gymnasium.Env[Any, Any]:
    """Create the environment of a task. In a task with seats, the other seats are played by the task's opponent.

    Args:
        name: Name of the task, for errors.
        config: Settings of the task.
        render_mode: None, `rgb_array`, or `rgb_array_list` for a video.

    Raises:
        ValueError: The id, the kwargs or the action names do not match (one line).
    """
    return _checked(name, config, render_mode, lambda mode: [_create(config, mode)])[0]


def make_seat_envs(name: str, config: TaskConfig, render_mode: str | None) -> list[gymnasium.Env[Any, Any]]:
    """Create one environment per seat of a match, which the caller plays all. The arguments are those of `make_env`."""
    return _checked(name, config, render_mode, lambda mode: [*_seats(config, mode)])


def _checked(
    name: str,
    config: TaskConfig,
    render_mode: str | None,
    create_all: Callable[[str | None], list[gymnasium.Env[Any, Any]]],
) -> list[gymnasium.Env[Any, Any]]:
    """Create environments and check them. Only the first one records a video."""
    if ":" not in config.id and config.id not in gymnasium.registry:  # module:id imports the module first
        raise ValueError(suggest("env id", config.id, list(gymnasium.registry)))
    envs = create_all(render_mode)
    if config.image and not shows_itself(name, config, envs[0].observation_space):
        if "rgb_array" not in envs[0].metadata.get("render_modes", []):
            raise ValueError(f"task {name}: {config.id} renders no images; set image=false caption=true")
        if render_mode != "rgb_array":  # one frame per call; the wrapper collects them for a video
            envs[0].close()
            envs = create_all("rgb_array")
            envs[0] = RenderCollection(envs[0]) if render_mode == "rgb_array_list" else envs[0]
    _check_actions(name, config, envs[0].action_space)
    _check_text(name, config, envs[0].observation_space)
    return envs


def _create(config: TaskConfig, render_mode: str | None) -> gymnasium.Env[Any, Any]:
    if config.seats:
        return _seat(config, render_mode)
    kwargs = dict(config.kwargs)
    if config.difficulty is not None:
        kwargs["difficulty"] = config.difficulty
    try:
        return create(config.id, render_mode, kwargs)
    except (gymnasium.error.Error, ImportError) as error:
        raise ValueError(f"{config.id} cannot be created: {error}") from error
    except (KeyError, AttributeError, AssertionError) as error:  # third-party environments raise any of these
        raise ValueError(f"{config.id} does not work with these kwargs: {error!r}") from error


def _seat(config: TaskConfig, render_mode: str | None) -> SeatEnv:
    """Create the environment of a match whose other seats the task's opponent plays; ValueError in one line."""
    return SeatEnv(_match(config, render_mode), opponent=strength_of(config.opponent), **_hints(config))


def _seats(config: TaskConfig, render_mode: str | None) -> list[SeatEnv]:
    """Create one environment for each seat of the same match, in the order of the seats; ValueError in one line."""
    match = _match(config, render_mode)
    return [SeatEnv(match, seat, **_hints(config)) for seat in config.seats]


def _match(config: TaskConfig, render_mode: str | None) -> Match:
    kwargs = config.kwargs if config.difficulty is None else config.kwargs | {"difficulty": config.difficulty}
    try:
        return Match(make_game(config.id, render_mode, kwargs), config.seats)
    except ValueError as error:
        raise ValueError(f"{config.id}: {error}" if config.id not in str(error) else str(error)) from error


def _hints(config: TaskConfig) -> dict[str, Any]:
    return {
        "expert": load_object(config.expert) if config.expert else None,
        "describe": load_object(config.describe) if config.describe else None,
    }


def shows_itself(name: str, config: TaskConfig, space: gymnasium.Space[Any]) -> bool:
    """Return True if the observations of `space` contain the image, False if render() provides it."""
    part = space["image"] if isinstance(space, gymnasium.spaces.Dict) and "image" in space.keys() else space
    shape = part.shape if isinstance(part, gymnasium.spaces.Box) and part.dtype == np.uint8 else None
    fits = shape is not None and len(shape) == 3 and shape[2] == 3
    if config.image_from == "auto":
        return fits and shape is not None and min(shape[:2]) >= SMALLEST_PICTURE
    if config.image_from == "observation" and not fits:
        raise ValueError(f"task {name}: image_from=observation needs uint8 [H, W, 3], this env gives {space}")
    return config.image_from == "observation"


def _check_actions(name: str, config: TaskConfig, space: gymnasium.Space[Any]) -> None:
    """Raise ValueError unless the action names match the action space."""
    actions = config.actions
    counts = [len(part) for part in config.action_parts]
    if config.in_parts:
        fits = isinstance(space, gymnasium.spaces.MultiDiscrete) and space.nvec.tolist() == counts
    else:
        fits = isinstance(space, gymnasium.spaces.Discrete) and space.n == len(actions) and space.start == 0
    if fits or isinstance(space, gymnasium.spaces.Text):
        return
    if not isinstance(space, gymnasium.spaces.Discrete | gymnasium.spaces.MultiDiscrete):
        raise ValueError(
            f"task {name}: a reply cannot name an action of {space}; wrap the env so that its actions are "
            "Discrete, MultiDiscrete or Text"
        )
    if not actions:
        raise ValueError(f"task {name}: {space} needs action names (actions: [...])")
    raise ValueError(f"task {name}: {' and '.join(map(str, counts))} action names do not fit {space}")


def _check_text(name: str, config: TaskConfig, space: gymnasium.Space[Any]) -> None:
    """Raise ValueError unless a changed `text_from` is a key of the observation."""
    key = config.text_from
    if key in ("", "text"):
        return
    if not isinstance(space, gymnasium.spaces.Dict):
        raise ValueError(f"task {name}: text_from={key} needs a Dict observation, this env gives {space}")
    if key not in space.keys():
        raise ValueError(f"task {name}: {suggest('text_from', key, map(str, space.keys()))}")
