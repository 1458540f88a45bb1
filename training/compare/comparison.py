"""Policies against the same held-out starts: who plays what, and what is kept of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.episodes.episode import Episode, Start
from agents.episodes.footage import PackedFrames
from agents.episodes.jobs import Job
from agents.episodes.runner import EpisodeRunner, gather_or_cancel
from agents.episodes.starts import TEST_FIRST, held_out_starts
from configs.errors import UserError
from envs.task.config import TaskConfig
from envs.task.suites import SUITES
from envs.task.task import Observation, Task
from training.compare.participants import Participant
from training.compare.results import Results
from training.evaluation.measure import check_room, shared_out
from training.evaluation.statistics import summary
from training.runs.display import ProgressBars, ReportingPolicy

CUT = 0.05
"""Where more of a player's replies were cut off, its row says little of what it can do: a note tells."""


@dataclass(frozen=True)
class EvaluationSpec:
    """How is measured."""

    episodes: int
    temperature: float = 1.0
    blind: bool = False
    records: int = 0
    """Episodes of each policy and task whose records are kept."""
    videos: int = 0
    """Episodes of each policy and task that are filmed."""


class Comparison:
    """Plays every policy in every task, and keeps what comes of it."""

    def __init__(self, tasks: Mapping[str, TaskConfig], spec: EvaluationSpec, out: Results) -> None:
        self.spec = spec
        self.tasks = {name: Task(name, settings) for name, settings in tasks.items()}
        self.out = out
        self.suites = suites_of(tasks)

    async def play(self, players: Sequence[Participant], bars: ProgressBars) -> None:
        """Everybody, one after another: what was measured before one fails is kept."""
        for player in players:
            finished: dict[str, list[Episode]] = {}
            try:
                problem = await _opened(player)
                for task in filter(player.plays, self.tasks.values()):
                    if problem:
                        self._keep(player, task, [], problem)
                    else:
                        played, problem = await self._play(player, task, bars)
                    bars.say(sentence(self.out.rows[-1]))
                    if problem:
                        problem = f"{task.name}: {problem}"
                        break
                    finished[task.name] = [_light(episode) for episode in played]
            finally:
                await player.close()
            for suite, names in self.suites.items():
                parts = [finished[name] for name in names if name in finished]
                if not (parts or problem):
                    continue
                whole = summary(*parts)
                if len(parts) < len(names):  # a mean over other tasks than the others'
                    whole = summary() | {"kinds": whole["kinds"]}
                self._add(suite, player, whole, "", problem)
            self.out.write()

    async def _play(self, player: Participant, task: Task, bars: ProgressBars) -> tuple[list[Episode], str]:
        """The episodes of one player in one task, in the order of the starts; and what cut them short."""
        spec = self.spec
        starts = player.starts(task.name, held_out_starts(TEST_FIRST, spec.episodes))
        done: list[Episode] = []
        problem = ""
        runner = EpisodeRunner(task)
        with bars.bar(f"{player.name} · {task.name}", len(starts)) as bar:

            def keep(episode: Episode) -> None:
                done.append(episode)
                bar.episode(episode)

            policy = ReportingPolicy(player.policy(task.name), bar)
            jobs = shared_out(task.name, starts, spec.temperature, spec.videos, spec.blind)
            try:
                await gather_or_cancel(
                    runner.play(
                        job.starts, policy.with_temperature(job.temperature), job.film, job.blind, keep, num_recorded
                    )
                    for job, num_recorded in zip(jobs, _parts(spec.records, jobs), strict=True)
                )
                check_room(task.name, done)
                player.check_played(task.name, done)
            except Exception as error:  # of other people's envs and servers: it stops this policy, not the others
                problem = _line(error)
            except BaseException:  # Ctrl-C
                problem = "interrupted"
                raise
            finally:  # whatever ends it: replies are paid for
                place = {start: number for number, start in enumerate(starts)}
                done.sort(key=lambda episode: place[episode.start])
                problem = _cut(problem, len(done), starts)
                self._keep(player, task, done, problem)
                runner.close()
        return done, problem

    def _keep(self, player: Participant, task: Task, played: Sequence[Episode], problem: str) -> None:
        """Write a player's row, records and films."""
        turns = [turn for episode in played for turn in episode.turns]
        if (cut := sum(turn.cut for turn in turns)) > len(turns) * CUT:
            limit = f"{task.config.max_reply_tokens} tokens (env.max_reply_tokens)"
            self.out.notes.append(f"{player.name} in {task.name}: {cut} of {len(turns)} replies were cut at {limit}")
        suite = next((name for name, names in self.suites.items() if task.name in names), "")
        self._add(task.name, player, summary(played) if played else summary(), suite, problem)
        self.out.write()  # before what else can go wrong
        self.out.record(task, player.label, played[: self.spec.records], player.chat)
        name = player.label if len(self.tasks) == 1 else f"{player.label}-{task.name}"
        self.out.video(name, f"{player.name} · {task.name}", played[: self.spec.videos])

    def _add(self, task: str, player: Participant, figures: Mapping[str, Any], suite: str, problem: str) -> None:
        named = {"task": task, "policy": player.name, "suite": suite}
        settings = {"temperature": self.spec.temperature, "blind": self.spec.blind}
        self.out.rows.append(named | dict(figures) | settings | {"floor": player.is_reference, "problem": problem})


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
    return replace(episode, turns=turns, sequences=(), frames=PackedFrames())


def _cut(problem: str, played: int, starts: Sequence[Start]) -> str:
    """What cut a measurement short, and how short: the episodes that end first are not like the others."""
    return f"after {played} of {len(starts)} episodes: {problem}" if problem else ""


async def _opened(player: Participant) -> str:
    """Get a player ready; what is in the way, if something is."""
    try:
        await player.open()
    except Exception as error:
        return _line(error)
    return ""


def _line(error: Exception) -> str:
    """What went wrong, in one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"


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
