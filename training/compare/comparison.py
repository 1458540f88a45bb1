"""Evaluation of several policies on the same held-out episodes, with records and videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.episodes.episode import Ended, Episode, Start
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
from training.evaluation.paired import Played, compare
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
    paired: Sequence[str] = ()
    """Policies that are compared on the same starts: each with the first one."""


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
        self._played: dict[str, dict[str, dict[int, Played]]] = {}

    async def play(self, players: Sequence[Participant], bars: ProgressBars) -> None:
        """Evaluate all players in turn. Results are kept if a player fails."""
        for player in players:
            finished: dict[str, list[Episode]] = {}
            tasks = list(filter(player.plays, self.tasks.values()))
            kept = {task.name: self._kept(player, task) for task in tasks}
            is_whole = all(len(kept[task.name]) == len(self._starts(player, task)) for task in tasks)
            try:
                problem = "" if is_whole else await _opened(player)
                for task in tasks:
                    played = kept[task.name]
                    if problem:
                        self._keep(player, task, played, problem)
                    else:
                        played, problem = await self._play(player, task, played, bars)
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
            self._pair(player)
            self.out.write()

    def _title(self, player: Participant, task: Task) -> str:
        return player.name if len(self.tasks) == 1 else f"{player.name} · {task.name}"

    def _starts(self, player: Participant, task: Task) -> Sequence[Start]:
        return player.starts(task.name, held_out_starts(TEST_FIRST, self.spec.episodes))

    def _kept(self, player: Participant, task: Task) -> list[Episode]:
        """Return the episodes that were finished before the evaluation was resumed, in the order of the starts."""
        place = {start: number for number, start in enumerate(self._starts(player, task))}
        found = self.out.unfinished.episodes(player.label, task.name)
        return sorted((one for one in found if one.start in place), key=lambda episode: place[episode.start])

    async def _play(
        self, player: Participant, task: Task, kept: Sequence[Episode], bars: ProgressBars
    ) -> tuple[list[Episode], str]:
        """Play the starts of a task that are left.

        Args:
            player: Participant that plays.
            task: Task to play.
            kept: Episodes that are finished already.
            bars: Progress bars.

        Returns:
            All episodes in the order of the starts, and the problem that ended them early.
        """
        spec = self.spec
        starts = self._starts(player, task)
        place = {start: number for number, start in enumerate(starts)}
        done = list(kept)
        left = sorted(set(starts) - {episode.start for episode in kept}, key=place.__getitem__)
        problem = ""
        pictured = Pictured(spec.records)
        list(map(pictured.add, kept))
        runner = EpisodeRunner(task)
        with (
            bars.bar(self._title(player, task), len(starts), kept) as bar,
            self.out.unfinished.writer(player.label, task.name) as write,
        ):

            def keep(episode: Episode) -> None:
                done.append(episode)
                pictured.add(episode)
                if not spec.blind and episode.ended is not Ended.ERROR:  # a resumed evaluation plays it again
                    write(episode)
                bar.episode(episode)

            try:
                if left:
                    policy = ReportingPolicy(player.policy(task.name), bar)
                    num_filmed = sum(place[start] < spec.videos for start in left)
                    jobs = shared_out(task.name, left, spec.temperature, num_filmed, spec.blind)
                    await gather_or_cancel(
                        runner.play(job.starts, policy.with_temperature(job.temperature), job.film, job.blind, keep)
                        for job in jobs
                    )
                if spec.blind and left:  # images come from other episodes: all are kept, or none
                    list(map(write, done))
                check_room(task.name, done)
                check_started(task.name, done)
                player.check_played(task.name, done)
            except Exception as error:  # from custom envs and servers: stops only this policy
                problem = _line(error)
            except BaseException:  # Ctrl-C
                problem = "interrupted"
                raise
            finally:  # keep the finished episodes in any case: replies may cost money
                done.sort(key=lambda episode: place[episode.start])
                problem = _cut(problem, len(done), starts)
                self._keep(player, task, done, problem)
                runner.close()
        return done, problem

    def _pair(self, player: Participant) -> None:
        """Compare a player with the first one of `spec.paired` on the same starts."""
        first = next(iter(self.spec.paired), player.name)
        if player.name not in self.spec.paired or player.name == first:
            return
        one, other = self._played.get(first, {}), self._played.get(player.name, {})
        groups = {name: [name] for name in self.tasks} | {
            suite: names for suite, names in self.suites.items() if all(name in one and name in other for name in names)
        }
        for name, tasks in groups.items():
            parts = ({task: played[task] for task in tasks if task in played} for played in (one, other))
            if pair := compare(name, first, player.name, *parts):
                self.out.pairs.append(pair)

    def _keep(self, player: Participant, task: Task, played: Sequence[Episode], problem: str) -> None:
        """Write a player's row, records and videos."""
        if not problem:  # the finished part of an evaluation is no random sample
            results = {episode.start.seed: Played(episode.success, episode.score) for episode in played}
            self._played.setdefault(player.name, {})[task.name] = results
        turns = [turn for episode in played for turn in episode.turns]
        if (cut := sum(turn.cut for turn in turns)) > len(turns) * CUT:
            limit = f"{task.config.max_reply_tokens} tokens (env.max_reply_tokens)"
            self.out.notes.append(f"{player.name} in {task.name}: {cut} of {len(turns)} replies were cut at {limit}")
        failed = [episode.problem for episode in played if episode.ended is Ended.ERROR]
        if failed and not problem:
            self.out.notes.append(
                f"{player.name} in {task.name}: the env failed in {len(failed)} of {len(played)} episodes, which count "
                f"as no success: {failed[0]}"
            )
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


def check_started(task: str, played: Sequence[Episode]) -> None:
    """Raise UserError if the env could not start any episode."""
    if played and all(episode.ended is Ended.ERROR and not episode.turns for episode in played):
        raise UserError(f"task {task}: no episode could start: {played[0].problem}")


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
