"""Recorded episodes as a policy: replays the recorded replies, so that a person can be compared with models.

A record is a folder with `episodes.jsonl`. `agents.play` also writes `task.yaml`, the settings that were used. Practice
episodes (after an undo or a restart) are ignored.
"""

import dataclasses
import hashlib
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from agents.chat.types import ContextFull
from agents.episodes.episode import Ended, Episode, Start
from agents.episodes.policy import TurnContext
from agents.episodes.starts import TEST_FIRST, held_out_start
from configs.errors import UserError
from configs.files import load_yaml, to_yaml
from configs.schema import build, check_fields, field_types
from envs.task.config import TaskConfig
from envs.task.task import Task
from render.draw.canvas import Frame
from render.draw.images import frame_id
from render.records.episode import FILE
from render.records.files import write_whole
from render.records.reading import read_records

PLAYS = Path("plays")
"""Default folder of a person's records, with one folder per task."""
SETTINGS = "task.yaml"
HUMAN = "human"
"""Policy name in the record of a person's episode that counts."""
PRACTICE = "practice"
"""Policy name in the record of a person's episode that does not count."""
_FREE = {"description", "history", "max_reply_tokens", "reward", "format_reward", "transcript_reward", "end_when_lost"}
"""Settings that do not affect a person's observations, actions or results."""


def is_record(folder: Path) -> bool:
    """Return True if a folder contains played episodes."""
    return (folder / FILE).is_file()


def read_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the episodes of a record as dictionaries; raise a one-line UserError if one cannot be read.

    An incomplete last line, left by a crash, is skipped and reported.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            records = list(read_records(folder))
        except ValueError as error:
            raise UserError(str(error)) from error
    for warning in caught:
        print(warning.message, file=sys.stderr)
    return records


def counted(records: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return the episodes that count, by seed: the first of each start, without practice."""
    by_seed: dict[int, dict[str, Any]] = {}
    for record in records:
        if record["policy"] != PRACTICE:
            by_seed.setdefault(record["seed"], record)
    return by_seed


def save_settings(config: TaskConfig, folder: Path) -> None:
    """Write the task's settings into a record's folder, unless they are already there."""
    text = to_yaml(dataclasses.asdict(config))
    path = folder / SETTINGS
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text)


def check_settings(config: TaskConfig, folder: Path) -> None:
    """Raise UserError if a record was played with other settings that affect the game."""
    settings = load_yaml(folder / SETTINGS)
    if not settings:
        raise UserError(f"{folder / SETTINGS} is damaged: it is empty")
    kept = build(TaskConfig, check_fields(field_types(TaskConfig), settings), SETTINGS)
    for key in field_types(TaskConfig):
        then, now = getattr(kept, key), getattr(config, key)
        if key not in _FREE and then != now:
            raise UserError(f"{folder} was played with different settings: env.{key} was {then!r} and is now {now!r}")


class RecordedPolicy:
    """Policy that replays the replies of a record."""

    def __init__(self, folder: Path, task: Task) -> None:
        """Read the record; raise UserError if its task, settings or starts differ."""
        self.folder = folder
        if not is_record(folder):
            raise UserError(
                f"{folder} contains no played episodes; record them with python -m agents.play env={task.name}"
            )
        if (folder / SETTINGS).is_file():
            check_settings(task.config, folder)
        everything = read_lines(folder)
        records = [record for record in everything if record["task"] == task.name]
        if everything and not records:
            others = ", ".join(sorted({str(record["task"]) for record in everything}))
            raise UserError(f"{folder} contains episodes of {others}, none of {task.name}")
        by_seed = counted(records)
        if not by_seed:
            raise UserError(
                f"{folder} has no finished episode that counts; play with python -m agents.play env={task.name}"
            )
        if (first := min(by_seed)) < TEST_FIRST:
            raise UserError(f"{folder}: seed {first} is not a held-out start (they begin at {TEST_FIRST})")
        self.starts: tuple[Start, ...] = tuple(
            held_out_start(TEST_FIRST, seed - TEST_FIRST) for seed in sorted(by_seed)
        )
        self.practised = frozenset(record["seed"] for record in records) - set(by_seed)
        """Seeds of the starts that were only practised."""
        self._by_seed = {start.sampling_seed: by_seed[start.seed] for start in self.starts}

    def start_episode(self, task: Task) -> None:
        """Do nothing: the policy keeps no conversation."""

    def with_temperature(self, temperature: float) -> Self:
        """Return self: the temperature has no effect."""
        return self

    async def reply(self, context: TurnContext) -> str:
        """Return the recorded reply; raise UserError if the observation differs from the recorded one."""
        record = self._by_seed.get(context.seed)
        if record is None:
            raise UserError(f"{self.folder}: this start was not played")
        where = f"{self.folder}: seed {record['seed']}, turn {context.turn + 1}"
        if context.turn >= len(record["turns"]):
            if record["ended"] == Ended.CONTEXT:
                raise ContextFull(record["problem"])
            raise UserError(f"{where} continues past the end of the record: the game has changed since")
        turn = record["turns"][context.turn]
        names = [turn["frame"], *turn["more_frames"]]
        shown = context.observation.images or (None,)
        differs = len(shown) != len(names) or not all(map(_same_frame, shown, names))
        if record["pictured"] and differs:
            raise UserError(f"{where} shows a different image than recorded: the game has changed since")
        if (
            not turn["reply_tokens"] and context.observation.text not in turn["prompt"]
        ):  # a model's prompt is decoded from its tokens
            raise UserError(f"{where} shows a different text than recorded: the game has changed since")
        return str(turn["reply"])

    def compare(self, episodes: Sequence[Episode]) -> None:
        """Raise UserError if an episode's result differs from the recorded one."""
        for episode in episodes:
            record = self._by_seed[episode.start.sampling_seed]
            then = _outcome(record["success"], record["ended"], len(record["turns"]))
            now = _outcome(episode.success, str(episode.ended), len(episode.turns))
            if then != now:
                raise UserError(
                    f"{self.folder}: seed {record['seed']} was {then} when recorded, but is {now} with the "
                    "current settings; use the recorded settings"
                )


def _outcome(success: bool, ended: str, turns: int) -> str:
    return f"{'a success' if success else 'no success'} ({ended}, {turns} turn{'s' if turns != 1 else ''})"


def _same_frame(shown: Frame | None, name: str | None) -> bool:
    """Return True if an image matches the hash in a record. Records before version 0.1 have 16 digits of SHA-256."""
    if shown is None or name is None:
        return shown is None and name is None
    if len(name) == 16:
        digest = hashlib.sha256(repr(shown.shape).encode())
        digest.update(np.ascontiguousarray(shown).data)
        return digest.hexdigest()[:16] == name
    return frame_id(shown) == name
