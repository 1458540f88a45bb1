"""Policies against the same held-out starts: who plays what, and what is kept of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.engines import EngineDead
from agents.episodes import Arena, Episode, Start, together
from agents.starts import TEST_FIRST, held_out_starts
from envs.suites import SUITES
from envs.task import Observation, Task
from envs.task_config import TaskConfig
from training.measure import check_room, shared_out
from training.players import Entrant
from training.results import Results
from training.rollout import Job
from training.statistics import summary
from training.watched import Bars, Watched

MISHAPS = (ValueError, OSError, EngineDead)
"""What stops one policy and not the others: a server that is gone (ConfigError), an env that does not work."""


@dataclass(frozen=True)
class How:
    """How is measured."""

    episodes: int
    temperature: float = 1.0
    blind: bool = False
    records: int = 0
    """Episodes of each policy and task whose records are kept."""
    films: int = 0
    """Episodes of each policy and task that are filmed."""


class Contest:
    """Plays every policy in every task, and keeps what comes of it."""

    def __init__(self, tasks: Mapping[str, TaskConfig], how: How, out: Results) -> None:
        self.how = how
        self.tasks = {name: Task(name, settings) for name, settings in tasks.items()}
        self.out = out
        self.suites = suites_of(tasks)

    async def play(self, players: Sequence[Entrant], bars: Bars) -> None:
        """Everybody, one after another: what was measured before one fails is kept."""
        for player in players:
            everything: dict[str, list[Episode]] = {}
            try:
                problem = await _opened(player)
                for task in self.tasks.values():
                    played: list[Episode] = []
                    if not problem:
                        played, problem = await self._play(player, task, bars)
                    self._keep(player, task, played, problem)
                    everything[task.name] = [_light(episode) for episode in played]
                    bars.say(sentence(self.out.rows[-1]))
                    if problem:
                        break
            finally:
                await player.close()
            for suite, names in self.suites.items():
                parts = [everything[name] for name in names if name in everything]
                order = [kind for part in parts for kind in summary(part)["kinds"]]
                if parts:
                    self._add(suite, player, [episode for part in parts for episode in part], "", problem, order)
            self.out.write()

    async def _play(self, player: Entrant, task: Task, bars: Bars) -> tuple[list[Episode], str]:
        """The episodes of one player in one task, in the order of the starts; and what cut them short."""
        how = self.how
        starts = player.starts(task.name, held_out_starts(TEST_FIRST, how.episodes))
        done: list[Episode] = []
        problem = ""
        arena = Arena(task)
        with bars.bar(f"{player.name} · {task.name}", len(starts)) as bar:

            def keep(episode: Episode) -> None:
                done.append(episode)
                bar.episode(episode)

            policy = Watched(player.policy(task.name), bar)
            jobs = shared_out(task.name, starts, how.temperature, how.films, how.blind)
            try:
                await together(
                    arena.play(job.starts, policy.at(job.temperature), job.film, job.blind, keep, seen)
                    for job, seen in zip(jobs, _parts(how.records, jobs), strict=True)
                )
                check_room(task.name, done)
                player.check_played(task.name, done)
            except MISHAPS as error:
                problem = " ".join(str(error).split())
            finally:
                arena.close()
        place = {start: number for number, start in enumerate(starts)}
        return sorted(done, key=lambda episode: place[episode.start]), _cut(problem, len(done), starts)

    def _keep(self, player: Entrant, task: Task, played: Sequence[Episode], problem: str) -> None:
        """Write a player's row, records and films."""
        suite = next((name for name, names in self.suites.items() if task.name in names), "")
        self._add(task.name, player, played, suite, problem)
        self.out.record(task, player.label, played[: self.how.records], player.chat)
        name = player.label if len(self.tasks) == 1 else f"{player.label}-{task.name}"
        self.out.film(name, f"{player.name} · {task.name}", played[: self.how.films])
        self.out.write()

    def _add(
        self, task: str, player: Entrant, played: Sequence[Episode], suite: str, problem: str, order: Sequence[str] = ()
    ) -> None:
        named = {"task": task, "policy": player.name, "suite": suite}
        settings = {"temperature": self.how.temperature, "blind": self.how.blind}
        self.out.rows.append(named | summary(played, order) | settings | {"floor": player.floor, "problem": problem})


def _parts(first: int, jobs: Sequence[Job]) -> Iterator[int]:
    """How many of the first episodes each job has."""
    for job in jobs:
        yield max(0, min(first, len(job.starts)))
        first -= len(job.starts)


def suites_of(tasks: Mapping[str, TaskConfig]) -> dict[str, list[str]]:
    """The suites of a single world that are played whole: each has a row of its own for every policy."""
    found = {}
    for name, suite in SUITES.items():
        whole = len(suite) > 1 and all(task in tasks for task in suite)
        if whole and len({tasks[task].id for task in suite}) == 1:
            found[name] = list(suite)
    return found


def _light(episode: Episode) -> Episode:
    """An episode without what it has shown, for the sums of a suite."""
    turns = [replace(turn, observation=Observation(None, "")) for turn in episode.turns]
    return replace(episode, turns=turns, branches=(), frames=[])


def _cut(problem: str, played: int, starts: Sequence[Start]) -> str:
    """What cut a measurement short, and how short: the episodes that end first are not like the others."""
    return f"after {played} of {len(starts)} episodes: {problem}" if problem else ""


async def _opened(player: Entrant) -> str:
    """Get a player ready; what is in the way, if something is."""
    try:
        await player.open()
    except MISHAPS as error:
        return " ".join(str(error).split())
    return ""


def sentence(row: Mapping[str, Any]) -> str:
    """A row as a sentence."""
    success = row["success"]
    if success is None:
        return f"{row['task']}: {row['policy']} {row['problem']}"
    low, high = success["ci95"]
    return (
        f"{row['task']}: {row['policy']} succeeds in {success['mean']:.1%} of {success['n']} held-out episodes "
        f"(95% interval {low:.1%} to {high:.1%}); {row['turns']:.1f} turns, {row['valid']:.1%} valid replies"
        + (f"; {row['problem']}" if row["problem"] else "")
    )
