"""Contact sheet of all tasks and of all families, scenarios and rooms of the environments."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from envs.football.scenarios import SCENARIOS
from envs.geometry.families.table import FAMILIES as GEOMETRY
from envs.reasoning.env import DEFAULT_TASKS
from envs.task.config import load_task, task_names
from envs.task.task import Task
from envs.visual.env import FAMILIES as VISUAL
from render.draw.contact_sheet import Section, Tile
from render.draw.page import page

SEED = 1
"""Seed of all images, so that the sheet is the same every time."""
LARGEST = 1024


def sections(side: int) -> Iterator[Section]:
    """Yield the sections of the sheet. A task that cannot be drawn is reported on stderr and left out.

    Args:
        side: height and width of the images in pixels.
    """
    yield Section(f"Tasks (env=NAME), {side} x {side} pixels", list(_tasks(side)))
    image = {"image_size": (side, side)}
    choices: list[tuple[str, str, dict[str, dict[str, Any]]]] = [
        ("kickoff/Geometry-v0", "families=[NAME]", {name: image | {"families": [name]} for name in GEOMETRY}),
        ("kickoff/Visual-v0", "families=[NAME]", {name: image | {"families": [name]} for name in VISUAL}),
        ("kickoff/Football-v0", "scenario=NAME", {name: image | {"scenario": name} for name in SCENARIOS}),
        (
            "kickoff/Reasoning-v0",
            "tasks=[NAME]",
            {name: {"tasks": [name]} for names in DEFAULT_TASKS.values() for name in names},
        ),
    ]
    for id, how, kwargs in choices:
        yield Section(f"{id}, {how}", [_tile(id, name, side, chosen) for name, chosen in kwargs.items()])


def _tasks(side: int) -> Iterator[Tile]:
    """Yield a tile of every task."""
    for name in task_names():
        config = load_task(name)
        if "image_size" in config.kwargs:  # the environment draws at any size
            config.kwargs["image_size"] = [side, side]
        else:
            config.image_size = (side, side)
        task = Task(name, config)
        try:
            env = task.make()
            observation, info = env.reset(seed=SEED)
            seen = task.observe(env, observation, info)
        except ValueError as error:  # a missing extra, a missing file, or a size that the environment does not draw
            print(f"{name}: not drawn: {error}", file=sys.stderr)
            continue
        env.close()
        image = seen.image if seen.image is not None else page(seen.text, (side, side))
        yield Tile(name, image, "" if seen.image is None else seen.text)


def _tile(id: str, name: str, side: int, kwargs: Mapping[str, Any]) -> Tile:
    """Return the tile of one family, scenario or kind of question."""
    env = gymnasium.make(id, **kwargs)
    observation, _ = env.reset(seed=SEED)
    env.close()
    parts = observation if isinstance(observation, dict) else {"image": observation}
    image: NDArray[np.uint8] | str = parts["image"]
    if isinstance(image, str):
        return Tile(name, page(image, (side, side)))
    return Tile(name, image, parts.get("text", ""))
