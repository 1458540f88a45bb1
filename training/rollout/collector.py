"""Collector: plays the groups of each step concurrently and selects those to learn from."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from agents.episodes.episode import Ended, Episode, Start
from agents.episodes.starts import TRAIN_SEEDS
from agents.policies.jobs import Job
from agents.seeds import mix
from envs.task.config import TaskConfig
from training.algorithm.groups import Group, make_group
from training.rollout.opponents import Opponents

TRIES = 3
"""Maximum number of times a stale group is played again before an error."""


def group_starts(
    run_seed: int, stage: int, step: int, task: int, group: int, size: int, recorded: bool = False
) -> tuple[Start, ...]:
    """Return the starts of one group: the same env seed, each with its own sampling seed.

    Args:
        run_seed: Seed of the run.
        stage: Index of the stage.
        step: Step of the stage.
        task: Index of the task in the stage.
        group: Index of the group in the step's groups of the task.
        size: Number of episodes.
        recorded: True to keep what records need.
    """
    seed = mix(run_seed, stage, step, task, group) % TRAIN_SEEDS
    return tuple(
        Start(seed, mix(run_seed, stage, step, task, group, player), group, recorded) for player in range(size)
    )


@dataclass(frozen=True)
class Collected:
    """Groups played for one step. Each list is in the order of tasks and starts."""

    groups: list[Group]
    """Groups to learn from."""
    dropped: list[Group]
    """Groups with equal rewards, which are not learned from."""
    metrics: dict[str, float]
    """Staleness in versions over the tokens of `groups`, and the number of dropped, refilled and stale groups."""

    @property
    def played(self) -> list[Group]:
        """All groups. Success is measured on them."""
        return self.groups + self.dropped


@dataclass
class _Place:
    """Slot for one group of a step, or for one group per seat if the policy plays all seats of its matches.

    It is played until a group has differing rewards, or no refill is left.
    """

    step: int
    task: str
    index: int
    seed: int | None = None
    """Env seed to play again, or None for the next new one."""
    groups: list[Group] = field(default_factory=list)
    dropped: list[tuple[int, Group]] = field(default_factory=list)


@dataclass
class _Counts:
    refilled: int = 0
    stale: int = 0
    failed: int = 0


class Collector:
    """Collector of the groups of a stage, step by step.

    All groups of a step start at once and run independently. Dynamic sampling: a group with equal rewards is dropped
    and replaced by the next start of its task, while refills are left. Each dropped group starts exactly one other. The
    starts of a step therefore depend on the results, not on timing. With `max_staleness` 0 they are reproducible. The
    first groups of a task can replay given env seeds, with new sampling seeds. A replacement always has a new start.

    With `max_staleness` k, the groups of the next k steps also play, even during the update. At most
    (step + k + 1) x groups are started in total (AReaL, arXiv 2505.24298). Steps are learned from in order, each with
    its own groups. Unlike first-come-first-served, this does not favour short episodes. No token is older than k
    versions: a group that is too old because its worker was slow is played again.
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
        recorded: int = 0,
        replays: Callable[[int], Mapping[str, Sequence[int]]] = lambda step: {},
        opponents: Opponents | None = None,
    ) -> None:
        """Create the collector of one stage.

        Args:
            play: Plays a job.
            tasks: Task name → settings. The order affects the seeds of the starts.
            shares: Step → number of groups per task. Called when the groups of a step start.
            seed: Seed of the run.
            stage: Index of the stage.
            steps: Number of steps in the stage. No groups are played for later steps.
            group_size: Number of episodes per group.
            temperature: Sampling temperature.
            refill: Maximum number of replaced groups, as a multiple of the task's groups in the step, rounded up.
            max_staleness: Maximum age of a sampled token, in versions of the weights.
            recorded: Number of groups per task and step that keep what records need, from the first.
            replays: Step → env seeds of each task's first groups. Called when the groups of a step start.
            opponents: Opponents in tasks with seats. None: the task's own.
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
        self.recorded = recorded
        self.replays = replays
        self.opponents = opponents
        self._numbers = {task: number for number, task in enumerate(self.tasks)}
        self._running: dict[int, list[asyncio.Task[_Place]]] = {}
        self._next: dict[tuple[int, str], range] = {}
        self._counts = _Counts()

    async def collect(self, step: int, version: int) -> Collected:
        """Return the groups of a step when all are played. `version` is the version of the learner's weights."""
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
        groups = [(p.task, p.index, group) for p in places for group in p.groups]
        dropped = [(p.task, index, group) for p in places for index, group in p.dropped]
        counts, self._counts = self._counts, _Counts()
        metrics = staleness([group for *_, group in groups], version) | {
            "groups/dropped": float(len(dropped)),
            "groups/refilled": float(counts.refilled),
            "groups/stale": float(counts.stale),
            **({"episodes/failed": float(counts.failed)} if counts.failed else {}),
        }
        return Collected(self._sorted(groups), self._sorted(dropped), metrics)

    async def close(self) -> None:
        """Cancel the groups that are playing for later steps."""
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
        replays = self.replays(step)
        for task, groups in self.shares(step).items():
            extra = math.ceil(self.refill * groups - 1e-9)
            self._next[step, task] = range(groups, groups + extra)
            seeds = [*replays.get(task, ()), *[None] * groups][:groups]
            places = [_Place(step, task, index, seed) for index, seed in enumerate(seeds)]
            running += [asyncio.create_task(self._fill(place)) for place in places]
        return running

    async def _fill(self, place: _Place) -> _Place:
        """Play the start of a slot. After each group with equal rewards, play the next refill that is left."""
        while True:
            groups = await self._groups(place)
            place.groups = [group for group in groups if group.varied]
            place.dropped += [(place.index, group) for group in groups if not group.varied]
            if place.groups:
                return place
            left = self._next[place.step, place.task]
            if not left:
                return place
            place.index, self._next[place.step, place.task] = left[0], left[1:]
            place.seed = None
            self._counts.refilled += 1

    async def _groups(self, place: _Place) -> list[Group]:
        """Play one group without the episodes whose env failed. If all failed, one stays and the group is dropped.

        If the policy plays all seats of its matches, the result is one group per seat.
        """
        number = self._numbers[place.task]
        recorded = place.index < self.recorded
        starts = group_starts(self.seed, self.stage, place.step, number, place.index, self.group_size, recorded)
        if place.seed is not None:
            starts = tuple(replace(start, seed=place.seed) for start in starts)
        drawn = self.opponents.draw(place.task, place.step, place.index) if self.opponents else None
        lineup = drawn.lineup if drawn else ()
        episodes = await self.play(Job(place.task, starts, self.temperature, lineup=lineup))
        whole = [episode for episode in episodes if episode.ended is not Ended.ERROR]
        self._counts.failed += len(episodes) - len(whole)
        if drawn is None:
            return [make_group(place.task, self.tasks[place.task], whole or episodes[:1])]
        assert self.opponents is not None
        return [
            self.opponents.group(drawn, make_group(place.task, self.tasks[place.task], of_seat))
            for seat in self.tasks[place.task].seats
            if (of_seat := [episode for episode in episodes if episode.seat == seat])
        ]

    async def _fresh(self, place: _Place, version: int) -> _Place:
        """Return the slot, played again if its group is too old."""
        for _ in range(TRIES):
            oldest = min((group.oldest for group in place.groups if group.oldest is not None), default=None)
            if oldest is None or version - oldest <= self.max_staleness:
                return place
            self._counts.stale += 1
            place.groups = []
            place = await self._fill(place)
        raise RuntimeError(
            f"groups of {place.task} are still sampled with version {oldest} of the weights after {TRIES} tries; the "
            f"learner has version {version} and max_staleness is {self.max_staleness}; load the weights into the engine"
        )


def staleness(groups: Sequence[Group], version: int) -> dict[str, float]:
    """Return the mean and maximum age of the sampled tokens, in versions of the weights."""
    behind = [
        version - sequence.policy_version[sequence.loss_mask]
        for group in groups
        for episode in group.episodes
        for sequence in episode.sequences
    ]
    ages = np.concatenate(behind) if behind else np.zeros(1)
    return {"staleness/mean": float(ages.mean()), "staleness/max": float(ages.max())}
