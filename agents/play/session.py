"""Play session for a person: `python -m agents.play env=sokoban`.

Opens a window for any task of configs/env. The person plays the held-out starts used to evaluate models, with the same
observations, reply parsing and scoring. Each finished episode is saved at once in plays/<task>, which
`training.evaluate policy=human` adds to its table. An episode in which a reply was undone is saved as practice and
never counted. Closing the window during an episode gives it up.
"""

import asyncio
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from filelock import Timeout

import envs  # noqa: F401  (registers the ids)
from agents.episodes.episode import Episode, Start
from agents.episodes.policy import Policy
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_start
from agents.play.opponent import Opponent, check_opponent, load_opponent
from agents.play.person import Again, Closed, Person, SeenTask
from agents.play.screen import SIZE
from agents.policies.recorded import (
    HUMAN,
    PLAYS,
    PRACTICE,
    check_settings,
    counted,
    is_record,
    read_lines,
    save_settings,
)
from agents.records.record import as_record
from configs.cli import parse_overrides, read_options, split
from configs.errors import UserError
from configs.help import short_help
from configs.schema import Settings
from configs.types import NonNegativeInt, PositiveInt
from envs.task.config import load_task
from envs.task.openenv import task_name
from envs.task.task import Task
from render.draw.window import KeyWindow
from render.records.files import folder_lock
from render.records.writing import EpisodeWriter


@dataclass
class PlayOptions(Settings):
    """Options of the command."""

    env: str = "sokoban"
    """Task: a name in configs/env or a path ending in .yaml. env.k=value sets its keys."""
    episodes: PositiveInt = 20
    """Number of held-out starts, including those already played."""
    first: NonNegativeInt = 0
    """Index of the first start, from 0."""
    opponent: str = ""
    """Policy of the other seat in a task with two seats: random, expert, expert:P, or a run such as runs/a. The record
    is then <out>/<task>-against-<opponent>, and evaluation does not read it. Empty: the task's env.opponent."""
    out: str = str(PLAYS)
    """Folder for records. The episodes are saved in <out>/<task>."""


class Record:
    """Folder of played episodes, read at the start and extended."""

    def __init__(self, folder: Path, task: Task) -> None:
        """Read the folder; raise UserError if its task or settings differ."""
        self.folder, self._task, self._lock = folder, task, folder_lock(folder)
        self._read()

    def _read(self) -> None:
        folder, task = self.folder, self._task
        records = read_lines(folder) if is_record(folder) else []
        other = next((record["task"] for record in records if record["task"] != task.name), None)
        if other is not None:
            raise UserError(f"{folder} contains episodes of {other}; choose another out=…")
        if records:
            try:
                check_settings(task.config, folder)
            except UserError as error:
                raise UserError(f"{error}; choose another out=…, or use the recorded settings") from error
        self.outcomes = {seed: record["success"] for seed, record in counted(records).items()}
        """Success by seed, for starts that count."""
        self.played = {record["seed"] for record in records}

    def __enter__(self) -> Self:
        """Lock the folder and open it for writing.

        Raises:
            UserError: another window uses the folder.
            OSError: the folder is not writable.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UserError(f"another window is using {self.folder}; close it, or choose another out=…") from None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an incomplete last line was reported when it was read
            self._writer = EpisodeWriter(self.folder)
        self._read()  # another window may have added episodes
        save_settings(self._task.config, self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file and release the lock."""
        self._writer.close()
        self._lock.release()

    def add(self, episode: Episode, practice: bool) -> None:
        """Save a finished episode; raise OSError if the disk is full."""
        if not practice:
            self.outcomes.setdefault(episode.start.seed, episode.success)
        self._writer.write(as_record(episode, self._task, PRACTICE if practice else HUMAN))

    @property
    def tally(self) -> str:
        """Number of starts that succeeded and that count, as text."""
        return f"{sum(self.outcomes.values())} of {len(self.outcomes)} succeeded"


async def play(
    runner: EpisodeRunner, person: Person, record: Record, start: Start, place: str, opponent: Opponent | None = None
) -> None:
    """Play one start until the person continues to the next. Each finished episode is saved at once.

    Args:
        runner: runner of the task's episodes.
        person: the person as a policy.
        record: record to extend, open for writing.
        start: start to play.
        place: label of the start, such as "3 of 20".
        opponent: policy of the other seat; None for a task without seats, or for the task's own opponent.
    """
    script: list[str] = []
    practice = False
    while True:
        person.prepare(place, record.tally, script, practice)
        try:
            if opponent is None:
                (episode,) = await runner.play([start], person)
            else:
                episode = await match(runner, person, start, opponent)
            record.add(episode, practice)
            person.prepare(place, record.tally, script, practice)
            if episode.turns:  # none if the opponent left before the first turn
                await person.finished(episode)
            return
        except Again as again:
            script, practice = again.replies, True


async def match(runner: EpisodeRunner, person: Person, start: Start, opponent: Opponent) -> Episode:
    """Play one match against an opponent. The seeds alternate between the seats. Return the person's episode."""
    seat = start.seed % 2
    person.task.own_seat = person.task.config.seats[seat]
    policies: list[tuple[Policy, str]] = [(opponent.policy, opponent.name), (person, HUMAN)]
    (first, _), (second, _) = lineup = policies if seat else policies[::-1]
    (episodes,) = await runner.play_matches([start], [first, second], [name for _, name in lineup])
    return replace(episodes[seat], start=start, player="")


async def play_on(
    task: SeenTask, window: KeyWindow, record: Record, starts: Sequence[tuple[str, Start]], opponent: str = ""
) -> None:
    """Play starts in order until the person closes the window. Starts that were played before are skipped.

    Args:
        task: task to play.
        window: window of the session.
        record: record to extend, open for writing.
        starts: label and start of each episode.
        opponent: name of the policy of the other seat, if there is one.
    """
    runner, person = EpisodeRunner(task), Person(task, window, str(record.folder))
    other = await load_opponent(opponent) if opponent else None
    try:
        for place, start in starts:
            if start.seed in record.played:
                continue
            await play(runner, person, record, start, place, other)
    except Closed:
        pass
    finally:
        runner.close()
        if other is not None:
            await other.close()


def main(argv: Sequence[str]) -> None:
    """Open the window, play, and print a summary."""
    of_task, own = split(parse_overrides(argv), "env")
    options = read_options(PlayOptions, own)
    task = SeenTask(task_name(options.env), load_task(options.env, of_task))
    against = ""
    if options.opponent:
        check_opponent(options.opponent, task)
        label = re.sub(r"[^\w.-]+", "-", options.opponent).strip("-.")
        against = f"-against-{label}"
    record = Record(Path(options.out) / f"{task.name}{against}", task)
    starts = [
        (f"{number + 1} of {options.episodes}", held_out_start(TEST_FIRST, options.first + number))
        for number in range(options.episodes)
    ]
    left = [(place, start) for place, start in starts if start.seed not in record.played]
    if len(left) < len(starts):
        print(
            f"{record.folder}: {len(starts) - len(left)} of {len(starts)} starts are already played, {len(left)} left"
        )
    if not left:
        print("set a larger episodes=… to play more")
        return
    before = len(record.outcomes)
    print(f"Opening a window with {task.name}, from start {left[0][0]}. In the window, H or F1 shows the help.")
    try:
        task.make().close()  # report invalid settings before a window opens
        window = KeyWindow(SIZE)
    except ValueError as error:
        raise UserError(str(error)) from error
    try:
        with record:
            asyncio.run(play_on(task, window, record, left, options.opponent))
    finally:
        window.close()
    print(f"{record.folder}: {record.tally}, {len(record.outcomes) - before} new")


def usage(_: Sequence[str]) -> str:
    """Return the --help text."""
    what = "Play a task yourself, on the held-out starts used to evaluate models. The window shows the keys."
    return short_help("agents.play", what, PlayOptions)
