"""Creation of a task's environment, with checks of its images, actions and texts."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.wrappers import RenderCollection

from configs.errors import suggest
from envs.task.config import TaskConfig
from envs.task.openenv import create

SMALLEST_PICTURE = 16
"""Minimum side of an image in pixels. A smaller uint8 array [H, W, 3] is treated as an encoded grid."""


def make_env(name: str, config: TaskConfig, render_mode: str | None) -> gymnasium.Env[Any, Any]:
    """Create the environment of a task.

    Args:
        name: Name of the task, for errors.
        config: Settings of the task.
        render_mode: None, `rgb_array`, or `rgb_array_list` for a video.

    Raises:
        ValueError: The id, the kwargs or the action names do not match (one line).
    """
    if ":" not in config.id and config.id not in gymnasium.registry:  # module:id imports the module first
        raise ValueError(suggest("env id", config.id, list(gymnasium.registry)))
    env = _create(config, render_mode)
    if config.image and not shows_itself(name, config, env.observation_space):
        if "rgb_array" not in env.metadata.get("render_modes", []):
            raise ValueError(f"task {name}: {config.id} renders no images; set image=false caption=true")
        if render_mode != "rgb_array":  # one frame per call; the wrapper collects them for a video
            env.close()
            env = _create(config, "rgb_array")
            env = RenderCollection(env) if render_mode == "rgb_array_list" else env
    _check_actions(name, config, env.action_space)
    _check_text(name, config, env.observation_space)
    return env


def _create(config: TaskConfig, render_mode: str | None) -> gymnasium.Env[Any, Any]:
    kwargs = dict(config.kwargs)
    if config.difficulty is not None:
        kwargs["difficulty"] = config.difficulty
    try:
        return create(config.id, render_mode, kwargs)
    except (gymnasium.error.Error, ImportError) as error:
        raise ValueError(f"{config.id} cannot be created: {error}") from error
    except (KeyError, AttributeError, AssertionError) as error:  # third-party environments raise any of these
        raise ValueError(f"{config.id} does not work with these kwargs: {error!r}") from error


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
