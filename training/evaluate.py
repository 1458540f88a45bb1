"""Who succeeds, and how often: `python -m training.evaluate env=football policy=runs/football,tiny save=FOLDER`.

Every policy plays the same held-out starts. A run is evaluated in its own envs, with the settings that it was trained
with, and whoever stands beside it plays those too; words of the command line change them (`env.max_turns=20`), and
`env=` may name others.
"""

import asyncio
import dataclasses
import functools
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.experts import has_expert
from agents.starts import TEST_FIRST, held_out_starts
from envs.cli import command, nested
from envs.schema import ConfigError, build, kinds, merge
from envs.task import Task
from envs.task_config import TaskConfig
from training.config import Config, load_with
from training.contest import Contest, How
from training.measure import FLOORS
from training.players import Entrant, RecordEntrant, ScriptedEntrant, entrants
from training.prepare import check_task
from training.results import Results
from training.tables import published, show, tables
from training.usage import help_text
from training.watched import Bars


@dataclass
class EvaluateOptions:
    """What to evaluate."""

    policy: str = "expert"
    """Who plays, one or several with commas: random, idle, expert, tiny, human (what agents.play recorded), a run or a
    baseline such as runs/football, a record such as plays/sokoban, a model as model.path takes it, or api:MODEL, one on
    an OpenAI-compatible server (engine.server)."""
    episodes: int = 256
    """Held-out episodes, of each env."""
    temperature: float = 1.0
    """Sampling temperature of a model; 0 is greedy."""
    blind: bool = False
    """Control: show every player the frame of another episode."""
    floors: bool = True
    """Put random, idle and expert into the table too."""
    save: str = ""
    """Folder for tables (results.json, .csv, .md) and episodes (evaluation.records of each); render.watch opens it."""
    video: bool = False
    """Film the first evaluation.videos episodes of each policy into save's videos/, as MP4 and GIF with captions."""
    json: str = ""
    """File for the results of policy= alone; empty: only printed."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")
        if self.blind and self.episodes < 2:
            raise ValueError("blind needs at least 2 episodes: players are shown each other's frames")
        if self.json and not Path(self.json).resolve().parent.is_dir():
            raise ValueError(f"json: the folder of {self.json} does not exist")
        if self.json and Path(self.json).is_dir():
            raise ValueError(f"json: {self.json} is a folder; it should name a file (save= names a folder)")
        if self.temperature < 0:
            raise ValueError(f"temperature must not be negative, got {self.temperature}")
        if self.video and not self.save:
            raise ValueError("video=true needs a folder for the films: save=FOLDER")
        if not all(self.names):
            raise ValueError(f"policy must be a name, or several with commas between them, got {self.policy!r}")

    @property
    def names(self) -> list[str]:
        """The policies."""
        return [name.strip() for name in self.policy.split(",")]


def tasks_of(config: Config, trained: Entrant | None, argv: Sequence[str]) -> dict[str, TaskConfig]:
    """What is played: as a run played it where it did, with the changes that the words ask for."""
    words = {key: text for key, _, text in (word.partition("=") for word in argv)}
    if trained is None or words.get("env", "").endswith(".yaml"):
        return {name: config.tasks[name] for name in config.envs}
    tasks = {}
    for name in config.envs if "env" in words else trained.envs:
        if name not in trained.tasks:
            tasks[name] = config.tasks[name]
            continue
        changed: dict[str, Any] = {}
        for prefix in ("env.", f"tasks.{name}."):
            own = [f"{key.removeprefix(prefix)}={text}" for key, text in words.items() if key.startswith(prefix)]
            changed = merge(changed, nested(kinds(TaskConfig), own))
        tasks[name] = build(TaskConfig, merge(dataclasses.asdict(trained.tasks[name]), changed))
    return tasks


def with_floors(players: Sequence[Entrant], tasks: Mapping[str, TaskConfig]) -> list[Entrant]:
    """The players, then those that do not learn, unless they are there already; no expert where an env has none."""
    there = {player.name for player in players}
    experts = all(has_expert(Task(name, settings)) for name, settings in tasks.items())
    floors = [name for name in FLOORS if name not in there and (name != "expert" or experts)]
    return [*players, *map(ScriptedEntrant, floors)]


def main(argv: Sequence[str]) -> None:
    """Evaluate policies on one or several tasks; print the table, and write it where asked."""
    config, options = load_with(argv, EvaluateOptions)
    out = Results(Path(options.save) if options.save else None)
    players = entrants(options.names, config)
    trained = next((player for player in players if player.tasks), None)
    tasks = tasks_of(config, trained, argv)
    for name, settings in tasks.items():
        check_task(name, settings, None)
    check(players, tasks, options)
    usual = held_out_starts(TEST_FIRST, options.episodes)
    out.notes += notes_on_settings(players, trained, tasks)
    out.notes += [note for player in players for name in tasks for note in player.notes(name, usual)]
    for note in out.notes:
        print(note, file=sys.stderr)
    named = len(players)
    if options.floors:
        players = with_floors(players, tasks)
    films = -(-config.evaluation.videos // len(tasks)) if options.video else 0
    how = How(
        options.episodes, options.temperature, options.blind, config.evaluation.records if options.save else 0, films
    )
    contest = Contest(tasks, how, out)
    out.published, differs = published([*contest.suites, *tasks])
    out.notes += differs
    out.begin()
    try:
        with Bars() as bars:
            asyncio.run(contest.play(players, bars))
    finally:  # Ctrl-C takes nothing of what was played
        width = shutil.get_terminal_size().columns
        show(tables(out.document, width), Console(highlight=False, markup=False, width=width))
        if options.json:
            own = {player.name for player in players[:named]}
            write_json(Path(options.json), [row for row in out.rows if row["policy"] in own])
        for written in (options.json, options.save):
            if written:
                print(f"written to {written}", file=sys.stderr)
    if any(row["problem"] for row in out.rows):
        sys.exit(1)


def check(players: Sequence[Entrant], tasks: Mapping[str, TaskConfig], options: EvaluateOptions) -> None:
    """Everything that can be known before the first episode; ConfigError in one line for what cannot be played."""
    for player in players:
        player.check(tasks)
        for name in tasks:
            player.starts(name, held_out_starts(TEST_FIRST, options.episodes))
        if options.blind and isinstance(player, RecordEntrant):
            raise ConfigError(
                f"blind=true shows other frames than those of the record policy={player.name}: leave one out"
            )


def notes_on_settings(
    players: Sequence[Entrant], trained: Entrant | None, tasks: Mapping[str, TaskConfig]
) -> list[str]:
    """Whose settings are played, and who was trained with others."""
    notes = []
    for player in players:
        shared = [name for name in tasks if name in player.tasks]
        if player is trained and shared:
            notes.append(f"settings of {', '.join(shared)} from {player.source}")
        elif player.tasks:
            for name in shared:
                own, now = dataclasses.asdict(player.tasks[name]), dataclasses.asdict(tasks[name])
                if other := [key for key in own if own[key] != now[key]]:
                    notes.append(f"{player.name} was trained with other settings of {name}: {', '.join(other)}")
    return notes


def write_json(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One result by itself, or several."""
    document = rows[0] if len(rows) == 1 else {"results": rows}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    command(main, functools.partial(help_text, extra=EvaluateOptions, module="training.evaluate"))
