"""Served tasks: their starts by split, and a pool of their environments."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium

from configs.errors import UserError, suggest
from envs.serve.protocol import Code, RequestError, Reset
from envs.task.config import load_task
from envs.task.splits import TEST_FIRST, VALIDATION_FIRST, Split, split_of_seed
from envs.task.task import Task

FIRST: dict[Split, int] = {"train": 0, "validation": VALIDATION_FIRST, "test": TEST_FIRST}
"""First env seed of each split. Start `index` of a split has the seed FIRST + index, as in evaluations."""
LISTED: dict[Split, int] = {"train": 10_000, "validation": 1_000, "test": 1_000}
"""Number of starts of each split that the task API lists. Any other seed can be reset, too."""


@dataclass(frozen=True)
class Start:
    """Start of one episode."""

    world: "World"
    seed: int
    split: Split
    index: int


class World:
    """A served task, with a pool of environments. An environment is used by one session at a time."""

    def __init__(self, name: str, task: Task) -> None:
        self.name = name
        self.task = task
        self.free: list[gymnasium.Env[Any, Any]] = []
        """Environments that no session uses."""

    def warm_up(self) -> None:
        """Start one episode: errors of the settings come now, and imports and compilation delay no client."""
        env = self.borrow()
        self.task.observe(env, *env.reset(seed=0))
        self.give_back(env)

    def borrow(self) -> gymnasium.Env[Any, Any]:
        """Return a free environment, or a new one."""
        return self.free.pop() if self.free else self.task.make()

    def give_back(self, env: gymnasium.Env[Any, Any]) -> None:
        """Return an environment to the pool. Its next reset removes all traces of this episode."""
        self.free.append(env)

    def close(self) -> None:
        """Close the free environments."""
        while self.free:
            self.free.pop().close()

    def listing(self, split: Split, start: int | None, stop: int | None) -> list[dict[str, Any]]:
        """Return the descriptions of the starts `start` to `stop` − 1 of a split, with Python's slice rules."""
        return [self.description(split, index) for index in range(LISTED[split])[start:stop]]

    def description(self, split: Split, index: int) -> dict[str, Any]:
        """Return the description of one start, which `reset` takes as `task`, `split` and `index`."""
        if not 0 <= index < LISTED[split]:
            raise RequestError(
                Code.VALIDATION_ERROR, f"index={index}: {split} has the indices 0 to {LISTED[split] - 1}"
            )
        return {
            "id": f"{self.name}-{split}-{index}",
            "task": self.name,
            "split": split,
            "index": index,
            "seed": FIRST[split] + index,
        }


class Worlds:
    """All served tasks by name."""

    def __init__(self, names: Sequence[str], overrides: Mapping[str, Any] | None = None) -> None:
        """Load the tasks and create one environment of each.

        Args:
            names: Tasks of configs/env, or paths ending in .yaml.
            overrides: `env.k` overrides of all tasks. `env.rules` is true unless given here, since the model of a
                client must be able to read the rules.

        Raises:
            UserError: A task is unknown or cannot be served (one line).
        """
        settings = {"env.rules": "true"} | dict(overrides or {})
        self.by_name: dict[str, World] = {}
        for name in names:
            config = load_task(name, settings)
            if config.reward not in ("success", "return"):
                raise UserError(f"env.reward={config.reward}: a served task has success or return")
            short = name.removesuffix(".yaml").rpartition("/")[2]
            world = World(short, Task(short, config))
            try:
                world.warm_up()
            except ValueError as error:
                raise UserError(f"env={name}: {error}") from None
            self.by_name[short] = world
        self._names = list(self.by_name)

    def named(self, name: str) -> World:
        """Return a task by name.

        Raises:
            RequestError: The task is not served.
        """
        if name not in self.by_name:
            raise RequestError(Code.VALIDATION_ERROR, suggest("task", name[:80], self.by_name))
        return self.by_name[name]

    def start(self, asked: Reset) -> Start:
        """Return the start that a reset asks for. Without a seed or an index, it is a random training start."""
        if asked.split is not None or asked.index is not None:
            if asked.seed is not None:
                raise RequestError(Code.VALIDATION_ERROR, "give either seed, or split and index")
            split: Split = asked.split or "train"
            index = secrets.randbelow(LISTED[split]) if asked.index is None else asked.index
            world = self._choose(asked.task, index)
            world.description(split, index)  # checks the index
            return Start(world, FIRST[split] + index, split, index)
        seed = secrets.randbelow(VALIDATION_FIRST) if asked.seed is None else asked.seed
        split = split_of_seed(seed)
        return Start(self._choose(asked.task, seed), seed, split, seed - FIRST[split])

    def _choose(self, name: str | None, number: int) -> World:
        return self.by_name[self._names[number % len(self._names)]] if name is None else self.named(name)

    def close(self) -> None:
        """Close the free environments of all tasks."""
        for world in self.by_name.values():
            world.close()
