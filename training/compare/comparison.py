"""Evaluation of several policies on the same held-out episodes, with records and videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.episodes.episode import Episode, Start
from agents.episodes.footage import PackedFrames
from agents.episodes.runner import EpisodeRunner, gather_or_cancel
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.records.pictured import Pictured
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
"""Fraction of truncated replies above which a note warns that the row says little about the policy."""


@dataclass(frozen=True)
class EvaluationSpec:
    """Evaluation settings shared by all policies."""

    episodes: int
    """Number of held-out episodes of each task."""
    temperature: float = 1.0
    """Sampling temperature of models. 0 is greedy."""
    blind: bool = False
    """True to replace every image with one from another episode."""
    records: int = 0
    """Number of episodes of each policy and task that are recorded with frames, failures first."""
    videos: int = 0
    """Number of episodes of each policy and task that are written as video."""


class Comparison:
    """Evaluation of every policy on every task, with results written to `out`.

    Args:
        tasks: Task settings by name.
        spec: Evaluation settings.
        out: Rows and files of the results.
    """

    def __init__(self, tasks: Mapping[str, TaskConfig], spec: EvaluationSpec, out: Results) -> None:
        self.spec = spec
        self.tasks = {name: Task(name, settings) for name, settings in tasks.items()}
        self.out = out
        self.suites = suites_of(tasks)

    async def play(self, players: Sequence[Participant], bars: ProgressBars) -> None:
        """Evaluate all players in turn. Results are kept if a player fails."""
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
                if len(parts) < len(names):  # the mean would not cover the same tasks as the other rows
                    whole = summary() | {"kinds": whole["kinds"]}
                self._add(suite, player, whole, "", problem)
            self.out.write()

    async def _play(self, player: Participant, task: Task, bars: ProgressBars) -> tuple[list[Episode], str]:
        """Play one task. Return the episodes in the order of the starts, and the problem that ended them early."""
        spec = self.spec
        starts = player.starts(task.name, held_out_starts(TEST_FIRST, spec.episodes))
        done: list[Episode] = []
        problem = ""
        pictured = Pictured(spec.records)
        runner = EpisodeRunner(task)
        with bars.bar(f"{player.name} · {task.name}", len(starts)) as bar:

            def keep(episode: Episode) -> None:
                done.append(episode)
                pictured.add(episode)
                bar.episode(episode)

            policy = ReportingPolicy(player.policy(task.name), bar)
            jobs = shared_out(task.name, starts, spec.temperature, spec.videos, spec.blind)
            try:
                await gather_or_cancel(
                    runner.play(job.starts, policy.with_temperature(job.temperature), job.film, job.blind, keep)
                    for job in jobs
                )
                check_room(task.name, done)
                player.check_played(task.name, done)
            except Exception as error:  # from custom envs and servers: stops only this policy
                problem = _line(error)
            except BaseException:  # Ctrl-C
                problem = "interrupted"
                raise
            finally:  # keep the finished episodes in any case: replies may cost money
                place = {start: number for number, start in enumerate(starts)}
                done.sort(key=lambda episode: place[episode.start])
                problem = _cut(problem, len(done), starts)
                self._keep(player, task, done, problem)
                runner.close()
        return done, problem

    def _keep(self, player: Participant, task: Task, played: Sequence[Episode], problem: str) -> None:
        """Write a player's row, records and videos."""
        turns = [turn for episode in played for turn in episode.turns]
        if (cut := sum(turn.cut for turn in turns)) > len(turns) * CUT:
            limit = f"{task.config.max_reply_tokens} tokens (env.max_reply_tokens)"
            self.out.notes.append(f"{player.name} in {task.name}: {cut} of {len(turns)} replies were cut at {limit}")
        suite = next((name for name, names in self.suites.items() if task.name in names), "")
        self._add(task.name, player, summary(played) if played else summary(), suite, problem)
        self.out.write()  # before records and videos, which can fail
        if self.spec.records:
            self.out.record(task, player.label, played, player.chat)
        name = player.label if len(self.tasks) == 1 else f"{player.label}-{task.name}"
        self.out.video(name, f"{player.name} · {task.name}", played[: self.spec.videos])

    def _add(self, task: str, player: Participant, figures: Mapping[str, Any], suite: str, problem: str) -> None:
        named = {"task": task, "policy": player.name, "suite": suite}
        settings = {"temperature": self.spec.temperature, "blind": self.spec.blind}
        self.out.rows.append(named | dict(figures) | settings | {"floor": player.is_reference, "problem": problem})


def suites_of(tasks: Mapping[str, TaskConfig]) -> dict[str, list[str]]:
    """Return the suites of a single env with all of their tasks played. Each suite gets a row for every policy."""
    found = {}
    for name, suite in SUITES.items():
        whole = len(suite) > 1 and all(task in tasks for task in suite)
        if whole and len({tasks[task].id for task in suite}) == 1:
            found[name] = list(suite)
    return found


def _light(episode: Episode) -> Episode:
    """Return an episode without images and token sequences, for the totals of a suite."""
    turns = [replace(turn, observation=Observation(None, "")) for turn in episode.turns]
    return replace(episode, turns=turns, sequences=(), frames=PackedFrames())


def _cut(problem: str, played: int, starts: Sequence[Start]) -> str:
    """Return the problem with the number of finished episodes, which are not a random sample (short ones end first)."""
    return f"after {played} of {len(starts)} episodes: {problem}" if problem else ""


async def _opened(player: Participant) -> str:
    """Open a player and return the problem, or an empty string."""
    try:
        await player.open()
    except Exception as error:
        return _line(error)
    return ""


def _line(error: Exception) -> str:
    """Return an error as one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"


def sentence(row: Mapping[str, Any]) -> str:
    """Return a row as a sentence."""
    success = row["success"]
    if success is None:
        return f"{row['task']}: {row['policy']} {row['problem']}"
    low, high = success["ci95"]
    return (
        f"{row['task']}: {row['policy']} succeeds in {success['mean']:.1%} of {success['n']} held-out episodes "
        f"(95% interval {low:.1%} to {high:.1%}); {row['turns']:.1f} turns, {row['valid']:.1%} valid replies"
        + (f"; {row['problem']}" if row["problem"] else "")
    )
