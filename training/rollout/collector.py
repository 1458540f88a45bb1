"""Plays groups of episodes concurrently: which starts, on which seeds; who plays them; and which are learned from."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.episodes.episode import Episode, Start
from agents.episodes.jobs import Job
from agents.episodes.starts import TRAIN_SEEDS
from agents.seeds import mix
from envs.task.config import TaskConfig
from training.algorithm.groups import Group, make_group

TRIES = 3
"""So often is a group that is too old played again, before this is an error."""


def group_starts(run_seed: int, stage: int, step: int, task: int, group: int, size: int) -> tuple[Start, ...]:
    """The starts of one group: one env seed, played by `size` players with their own sampling."""
    seed = mix(run_seed, stage, step, task, group) % TRAIN_SEEDS
    return tuple(Start(seed, mix(run_seed, stage, step, task, group, player), group) for player in range(size))


@dataclass(frozen=True)
class Collected:
    """What was played for one step, each list in the order of tasks and starts."""

    groups: list[Group]
    """To learn from."""
    dropped: list[Group]
    """Played too, but without a difference among the players."""
    metrics: dict[str, float]
    """Staleness in versions, over the tokens of `groups`; how many groups were dropped, refilled and too old."""

    @property
    def played(self) -> list[Group]:
        """All of them: what success is measured on."""
        return self.groups + self.dropped


@dataclass
class _Place:
    """One group's place in a step: it is played until a group with a difference is there, or no refill is left."""

    step: int
    task: str
    index: int
    group: Group | None = None
    dropped: list[tuple[int, Group]] = field(default_factory=list)


@dataclass
class _Counts:
    refilled: int = 0
    stale: int = 0


class Collector:
    """Plays the groups of a stage, step by step.

    All groups of a step are started at once and complete by themselves. A group without a difference among its players
    makes room for the next start of its task. Each dead group starts exactly one more, so which starts a step plays
    depends on what came out and not on what came first; with `max_staleness` 0 the result is the same every time.

    With `max_staleness` k the groups of the next k steps are played as well, also while the learner updates: no more
    than (step + k + 1) x groups are ever started (AReaL, arXiv 2505.24298). Steps are learned from in their order, each
    with its own groups: unlike first come, first served, this does not favour short episodes, and no token is older
    than k versions. A group that is too old all the same (its worker fell behind) is played again.
    """

    def __init__(
        self,
        play: Callable[[Job], Awaitable[list[Episode]]],
        tasks: Mapping[str, TaskConfig],
        shares: Callable[[int], Mapping[str, int]],
        *,
        seed: int,
        stage: int,
        steps: int,
        group_size: int,
        temperature: float = 1.0,
        refill: float = 0.0,
        max_staleness: int = 0,
    ) -> None:
        """A collector for one stage.

        Args:
            play: plays a job somewhere.
            tasks: the stage's tasks; their order is part of the starts' seeds.
            shares: the groups of each task in a step; asked when the step's groups are started.
            seed: of the run.
            stage: its index.
            steps: how many the stage has: nothing is played for later ones.
            group_size: players a group.
            temperature: of the sampling.
            refill: groups that replace dead ones are at most this share of a task's groups in the step, rounded up.
            max_staleness: versions that tokens may be behind.
        """
        self.play = play
        self.tasks = dict(tasks)
        self.shares = shares
        self.seed = seed
        self.stage = stage
        self.steps = steps
        self.group_size = group_size
        self.temperature = temperature
        self.refill = refill
        self.max_staleness = max_staleness
        self._numbers = {task: number for number, task in enumerate(self.tasks)}
        self._running: dict[int, list[asyncio.Task[_Place]]] = {}
        self._next: dict[tuple[int, str], range] = {}
        self._counts = _Counts()

    async def collect(self, step: int, version: int) -> Collected:
        """The groups of a step, once all are played; `version` is that of the weights they are learned with."""
        for ahead in range(step, min(step + self.max_staleness + 1, self.steps)):
            if ahead not in self._running:
                self._running[ahead] = self._start(ahead)
        try:
            places = list(await asyncio.gather(*self._running[step]))
            for number, place in enumerate(places):
                places[number] = await self._fresh(place, version)
        except BaseException:
            await self.close()
            raise
        del self._running[step]
        self._next = {key: left for key, left in self._next.items() if key[0] in self._running}
        groups = [(p.task, p.index, p.group) for p in places if p.group is not None]
        dropped = [(p.task, index, group) for p in places for index, group in p.dropped]
        counts, self._counts = self._counts, _Counts()
        metrics = staleness([group for *_, group in groups], version) | {
            "groups/dropped": float(len(dropped)),
            "groups/refilled": float(counts.refilled),
            "groups/stale": float(counts.stale),
        }
        return Collected(self._sorted(groups), self._sorted(dropped), metrics)

    async def close(self) -> None:
        """Stop what is being played for later steps."""
        tasks = [task for running in self._running.values() for task in running]
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _sorted(self, found: list[tuple[str, int, Group]]) -> list[Group]:
        ordered = sorted(found, key=lambda one: (self._numbers[one[0]], one[1]))
        return [group for *_, group in ordered]

    def _start(self, step: int) -> list[asyncio.Task[_Place]]:
        """Start all groups of a step."""
        running = []
        for task, groups in self.shares(step).items():
            extra = math.ceil(self.refill * groups - 1e-9)
            self._next[step, task] = range(groups, groups + extra)
            places = [_Place(step, task, index) for index in range(groups)]
            running += [asyncio.create_task(self._fill(place)) for place in places]
        return running

    async def _fill(self, place: _Place) -> _Place:
        """Play a place's start, and after every dead group the next start that is left."""
        while True:
            group = await self._group(place)
            if group.varied:
                place.group = group
                return place
            place.dropped.append((place.index, group))
            left = self._next[place.step, place.task]
            if not left:
                return place
            place.index, self._next[place.step, place.task] = left[0], left[1:]
            self._counts.refilled += 1

    async def _group(self, place: _Place) -> Group:
        """Play one start."""
        number = self._numbers[place.task]
        starts = group_starts(self.seed, self.stage, place.step, number, place.index, self.group_size)
        episodes = await self.play(Job(place.task, starts, self.temperature))
        return make_group(place.task, self.tasks[place.task], episodes)

    async def _fresh(self, place: _Place, version: int) -> _Place:
        """The same place, played again while its group is older than may be."""
        for _ in range(TRIES):
            oldest = place.group.oldest if place.group is not None else None
            if oldest is None or version - oldest <= self.max_staleness:
                return place
            self._counts.stale += 1
            place.group = None
            place = await self._fill(place)
        raise RuntimeError(
            f"groups of {place.task} are still sampled with weights of version {oldest} after {TRIES} tries; the "
            f"learner is at {version} and max_staleness is {self.max_staleness}: load the weights into the engine"
        )


def staleness(groups: Sequence[Group], version: int) -> dict[str, float]:
    """How many versions sampled tokens are behind: mean and most."""
    behind = [
        version - sequence.policy_version[sequence.loss_mask]
        for group in groups
        for episode in group.episodes
        for sequence in episode.sequences
    ]
    ages = np.concatenate(behind) if behind else np.zeros(1)
    return {"staleness/mean": float(ages.mean()), "staleness/max": float(ages.max())}
