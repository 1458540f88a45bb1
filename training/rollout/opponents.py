"""Opponents of a stage: the policy itself, past selves and scripted policies, and the results against each.

Among past selves and among scripted opponents, those that the policy wins least against are drawn most: prioritised
fictitious self-play (AlphaStar, Vinyals et al. 2019).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from agents.policies.jobs import SELF
from agents.seeds import mix
from envs.task.config import TaskConfig
from training.algorithm.groups import Group
from training.config.algo import AlgoConfig
from training.config.selfplay import SelfPlayConfig

POINTS: Final = {"win": 1.0, "draw": 0.5, "loss": 0.0}
"""Result of a match → points."""
PRIORITIES: Final[dict[str, Callable[[float], float]]] = {
    "hard": lambda share: (1 - share) ** 2,
    "even": lambda share: share * (1 - share),
    "uniform": lambda share: 1.0,
}
"""Share of the points won against an opponent → weight of the opponent."""


@dataclass(frozen=True)
class Drawn:
    """Opponent of a group."""

    kind: str
    """`current`, `past` or `scripted`."""
    opponent: str
    """Name of the opponent; `self` for the current policy."""
    lineup: tuple[str, ...]
    """Policy of each seat, as in `Job.lineup`."""


class Opponents:
    """Opponents of the tasks with seats. All random choices are hashes of the seed, the step and the group.

    Args:
        config: Shares and names of the opponents.
        tasks: Task name → settings. Tasks without seats have no opponents.
        seed: Seed of the choices.
        folder: Folder of the past selves, one subfolder each.
        algo: Algorithm settings of the stage.
    """

    def __init__(
        self, config: SelfPlayConfig, tasks: Mapping[str, TaskConfig], seed: int, folder: Path, algo: AlgoConfig
    ) -> None:
        self.config = config
        self.seats = {task: settings.seats for task, settings in tasks.items() if settings.seats}
        self.seed = seed
        self.folder = folder
        self.role_decay = algo.role_decay
        self.with_baseline = algo.advantage == "spiral"
        self.past: list[str] = []
        """Names of the past selves, oldest first. The first is the start of the stage."""
        self.results: dict[str, list[float]] = {}
        """`TASK/OPPONENT` → [points, matches], of which older ones count less."""
        self.means: dict[str, float] = {}
        """Role → running mean reward."""

    def draw(self, task: str, step: int, group: int) -> Drawn | None:
        """Return the opponent of a group, or None if the task has no seats or the stage has no opponents."""
        if not self.config.on or task not in self.seats:
            return None
        number = list(self.seats).index(task)

        def uniform(purpose: int) -> float:
            return mix(self.seed, step, number, group, purpose) / 2**64

        shares = {"current": self.config.current, "past": self.config.past, "scripted": self.config.scripted}
        kind = _choose(shares, uniform(0))
        if kind == "past" and not self.past:
            kind = "current"
        seats = self.seats[task]
        if kind == "current":
            return Drawn(kind, SELF, (SELF,) * len(seats))
        known = self.past if kind == "past" else self.config.opponents
        opponent = _choose({name: self.priority(task, name) for name in known}, uniform(1))
        own = int(uniform(2) * len(seats))
        path = str(self.folder / opponent) if kind == "past" else opponent
        return Drawn(kind, opponent, tuple(SELF if place == own else path for place in range(len(seats))))

    def share(self, task: str, opponent: str) -> float:
        """Return the share of the points won against an opponent. It begins at one half."""
        points, matches = self.results.get(f"{task}/{opponent}", [0.0, 0.0])
        return (points + 0.5) / (matches + 1)

    def priority(self, task: str, opponent: str) -> float:
        """Return the weight of an opponent."""
        return PRIORITIES[self.config.prioritise](self.share(task, opponent))

    def group(self, drawn: Drawn, group: Group) -> Group:
        """Return a group of the episodes of one seat with its role, its opponent and the mean of its role."""
        role = f"{group.task}/{group.episodes[0].seat}/{drawn.kind}"
        baseline = self.means.get(role, 0.0) if self.with_baseline else None
        return replace(group, role=role, opponent=drawn.opponent, baseline=baseline)

    def observe(self, groups: Sequence[Group]) -> dict[str, float]:
        """Update the results and the means with all groups of a step. Return metrics of the results."""
        self.results = {name: [value * self.config.decay for value in both] for name, both in self.results.items()}
        rewards: dict[str, list[float]] = {}
        points: dict[str, list[float]] = {}
        for group in groups:
            if not group.role:
                continue
            rewards.setdefault(group.role, []).extend(one.total for one in group.rewards)
            if group.opponent == SELF:
                continue
            won = [POINTS[episode.result] for episode in group.episodes if episode.result]
            both = self.results.setdefault(f"{group.task}/{group.opponent}", [0.0, 0.0])
            both[0] += sum(won)
            both[1] += len(won)
            points.setdefault(group.opponent if group.opponent not in self.past else "past", []).extend(won)
        for role, values in rewards.items():
            mean = sum(values) / len(values)
            self.means[role] = self.role_decay * self.means.get(role, mean) + (1 - self.role_decay) * mean
        return {f"points/{name}": sum(won) / len(won) for name, won in points.items() if won}

    def due(self, step: int) -> bool:
        """Return True if the weights after `step` steps of the stage become a past self. 0 is the start."""
        return bool(self.config.past and self.seats) and step % self.config.every == 0

    def add(self, name: str) -> None:
        """Add a past self, whose folder exists. If there are too many, one leaves: that which loses most.

        The start and the newest stay.
        """
        self.past = [*(one for one in self.past if one != name), name]
        while len(self.past) > max(2, self.config.keep):
            self.past.remove(max(self.past[1:-1], key=lambda one: sum(self.share(task, one) for task in self.seats)))
        known = {*self.past, *self.config.opponents}
        self.results = {key: both for key, both in self.results.items() if key.partition("/")[2] in known}

    def state(self) -> dict[str, Any]:
        """Return the state for a checkpoint, as JSON values."""
        return {"past": self.past, "results": self.results, "means": self.means}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a `state`."""
        self.past = list(state["past"])
        self.results = {name: list(both) for name, both in state["results"].items()}
        self.means = dict(state["means"])


def _choose(weights: Mapping[str, float], drawn: float) -> str:
    """Return a name with a probability in proportion to its weight. `drawn` is uniform in [0, 1)."""
    total = sum(weights.values())
    if not total:
        return list(weights)[int(drawn * len(weights))]
    left = drawn * total
    for name, weight in weights.items():
        left -= weight
        if left < 0:
            return name
    return max(weights, key=lambda name: weights[name])  # rounding
