"""The command that compares policies: `python -m training.evaluate env=football policy=runs/football,tiny`.

Every policy plays the same held-out episodes. A run is evaluated in the envs of its training, with their settings, and
all other policies play the same tasks. Overrides change the settings (`env.max_turns=20`) or the envs (`env=`).
"""

import dataclasses
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.engines.config import EngineConfig
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.episodes.task_check import check_task
from agents.loop import run as run_coroutine
from configs.cli import parse_overrides
from configs.errors import UserError
from configs.schema import Settings
from configs.types import NonNegativeFloat, PositiveInt
from envs.task.config import TaskConfig
from envs.task.task import Task
from training.compare.comparison import Comparison, EvaluationSpec, suites_of
from training.compare.ladder import LadderGames, check_ladder
from training.compare.participants import Participant, ScriptedParticipant
from training.compare.resolve import participants
from training.compare.results import Results
from training.compare.settings import as_shipped, notes_on_settings, notes_on_starts, tasks_of, with_test_rows
from training.compare.tables import published, show, tables
from training.config.compose import Composed, compose
from training.config.help import help_text
from training.evaluation.measure import REFERENCES
from training.runs.display import ProgressBars
from training.runs.inputs import fingerprint, fingerprints


@dataclass
class EvaluateOptions(Settings):
    """Options of the evaluation command."""

    policy: str = "expert"
    """Policies, separated by commas: random, idle, expert, tiny, human (recorded by agents.play), a run or baseline
    such as runs/football, a record such as plays/sokoban, a model as in model.path, or api:MODEL for a model on an
    OpenAI-compatible server (engine.server)."""
    episodes: PositiveInt = 256
    """Number of held-out episodes of each env."""
    temperature: NonNegativeFloat = 1.0
    """Sampling temperature of a model. 0 is greedy."""
    blind: bool = False
    """Control experiment: replace every image with one from another episode."""
    ladder: bool = False
    """Matches: play every policy against every other one, on the same held-out starts and from both sides, and rate
    them. The env needs two seats. `expert:P` in policy= is a scripted opponent of strength P, from 0 to 1."""
    floors: bool = True
    """Include the reference policies random, idle and expert. A ladder has only those in policy=."""
    save: str = ""
    """Folder for tables (results.json, .csv, .md) and evaluation.records episodes of each policy, for render.watch."""
    video: bool = False
    """Write captioned MP4 and GIF videos of the first evaluation.videos episodes of each policy to save's videos/."""
    json: str = ""
    """File for the results of the policies in policy=. Empty: no file."""

    def __post_init__(self) -> None:
        """Check the values, and those that need each other."""
        super().__post_init__()
        if self.blind and self.episodes < 2:
            raise ValueError("blind=true needs at least 2 episodes: each episode shows the images of another one")
        if self.json and not Path(self.json).resolve().parent.is_dir():
            raise ValueError(f"json={self.json}: the folder of this file does not exist")
        if self.json and Path(self.json).is_dir():
            raise ValueError(f"json={self.json} is a folder; name a file, or use save= for a folder")
        if self.video and not self.save:
            raise ValueError("video=true needs a folder for the videos; set save=FOLDER")
        if self.ladder and (self.blind or self.video):
            raise ValueError("ladder=true has no blind control and no videos; remove blind= and video=")
        if not all(self.names):
            raise ValueError(f"policy must be one name, or several separated by commas, got {self.policy!r}")

    @property
    def names(self) -> list[str]:
        """Names of the policies."""
        return [name.strip() for name in self.policy.split(",")]


def with_references(players: Sequence[Participant], tasks: Mapping[str, TaskConfig]) -> list[Participant]:
    """Return the players, followed by the reference policies that are not among them."""
    there = {player.name for player in players}
    floors = [ScriptedParticipant(name) for name in REFERENCES if name not in there]
    return [*players, *(floor for floor in floors if any(floor.plays(Task(*task)) for task in tasks.items()))]


def main(argv: Sequence[str]) -> None:
    """Evaluate policies on one or several tasks. Exit with status 1 if a policy could not finish."""
    out = evaluate_policies(compose(parse_overrides(argv), EvaluateOptions))
    if any(row["problem"] for row in out.rows):
        sys.exit(1)


def evaluate_policies(composed: Composed[EvaluateOptions]) -> Results:
    """Evaluate policies on one or several tasks, print the tables, and write them to `save` and `json`.

    Args:
        composed: Config with the options of the command.

    Returns:
        The rows of all policies and tasks, with notes.

    Raises:
        UserError: A policy does not exist or cannot play a task.
    """
    config, options, overrides = composed.config, composed.options, composed.overrides
    out = Results(Path(options.save) if options.save else None)
    if options.ladder and config.engine.kind == "auto":
        config.engine.kind = "transformers"  # all models are in memory at once
    players = participants(options.names, config)
    trained = next((player for player in players if player.tasks), None)
    tasks, taken = tasks_of(config, trained, overrides)
    out.notes += notes_on_settings(players, taken, tasks)
    tasks, split = with_test_rows(tasks, overrides)
    out.notes += split
    for name, settings in tasks.items():
        check_task(name, settings, None)
    check(players, tasks, options)
    if options.ladder:
        check_ladder(players, tasks)
    usual = held_out_starts(TEST_FIRST, options.episodes)
    out.notes += notes_on_starts(players, tasks)
    suites = suites_of(tasks)
    asked = {**suites, **{name: [name] for name in tasks if not any(name in names for names in suites.values())}}
    out.notes += [note for player in players for name in asked for note in player.notes(name, asked[name], usual)]
    if options.video:
        out.notes += [f"{name} has no images: no video is written" for name in tasks if not tasks[name].image]
    for note in out.notes:
        print(note, file=sys.stderr)
    if out.notes:
        print(file=sys.stderr)
    named = len(players)
    if options.floors and not options.ladder:
        players = with_references(players, tasks)
    videos = -(-config.evaluation.videos // len(tasks)) if options.video else 0
    spec = EvaluationSpec(
        options.episodes,
        options.temperature,
        options.blind,
        config.evaluation.records if options.save else 0,
        videos,
        options.names,
    )
    comparison: Comparison | LadderGames = Comparison(tasks, spec, out)
    if options.ladder:
        comparison = LadderGames(Task(*next(iter(tasks.items()))), spec, out)
    same = [name for name in asked if all(as_shipped(task, tasks[task]) for task in asked[name])]
    out.published, differs = published([] if options.blind or options.ladder else same)
    out.notes += differs
    out.check_folder()  # last: a mistake in the settings is the more useful message
    resumed = out.unfinished.exists
    with out.unfinished.locked():
        out.begin(*determining(spec, tasks, players, config.engine))
        if resumed:
            print(f"resuming the unfinished evaluation in {options.save}", file=sys.stderr)
        play(comparison, players, players[:named], options)
    return out


def play(
    comparison: Comparison | LadderGames,
    players: Sequence[Participant],
    named: Sequence[Participant],
    options: EvaluateOptions,
) -> None:
    """Evaluate the players, then write and print the results. Ctrl-C keeps the finished episodes.

    Args:
        comparison: Evaluation of the players.
        players: All participants.
        named: Participants in `policy=`.
        options: Options of the command.
    """
    out, told = comparison.out, list(comparison.out.notes)
    try:
        with ProgressBars() as bars:
            run_coroutine(comparison.play(players, bars))
        if not any(row["problem"] for row in out.rows):
            out.unfinished.remove()
    finally:
        if options.json and options.ladder:
            Path(options.json).write_text(json.dumps(out.ladder, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        elif options.json:
            own = {player.name for player in named}
            write_json(Path(options.json), [row for row in out.rows if row["policy"] in own])
        width = shutil.get_terminal_size().columns
        show(tables(out.document, width), Console(highlight=False, markup=False, width=width), told)
        for written in (options.json, options.save):
            if written:
                print(f"written to {written}", file=sys.stderr)
        if out.unfinished.exists:
            print(f"{options.save} is unfinished: the same command resumes it", file=sys.stderr)


def determining(
    spec: EvaluationSpec, tasks: Mapping[str, TaskConfig], players: Sequence[Participant], engine: EngineConfig
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings that can change an episode, and a fingerprint of each policy.

    Args:
        spec: Settings of the evaluation.
        tasks: Task settings by name.
        players: Participants.
        engine: Engine settings.
    """
    settings = dataclasses.asdict(spec) | {"max_context": engine.max_context}
    del settings["paired"]
    for name, task in tasks.items():
        settings |= {f"tasks.{name}.{key}": value for key, value in dataclasses.asdict(task).items()}
    settings |= fingerprints({"tasks": {name: dataclasses.asdict(task) for name, task in tasks.items()}})
    return settings, {player.name: " ".join(map(fingerprint, player.inputs)) for player in players}


def check(players: Sequence[Participant], tasks: Mapping[str, TaskConfig], options: EvaluateOptions) -> None:
    """Check players, tasks and options before the first episode.

    Args:
        players: Participants to check.
        tasks: Task settings by name.
        options: Options of the command.

    Raises:
        UserError: A participant cannot play a task (one-line message).
    """
    for player in players:
        player.check(tasks)
        for name in tasks:
            player.starts(name, held_out_starts(TEST_FIRST, options.episodes))
        if options.blind and not player.uses_images():
            raise UserError(f"blind=true replaces images, but policy={player.name} uses none; remove one of them")


def write_json(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write one row as an object, or several rows as a list under "results"."""
    document = rows[0] if len(rows) == 1 else {"results": rows}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def usage(argv: Sequence[str]) -> str:
    """Return the text for --help."""
    return help_text(argv, extra=EvaluateOptions, module="training.evaluate")
