"""Played episodes as a policy: gives the recorded replies again, so that a person stands in the tables beside a model.

A folder with `episodes.jsonl` is a record. One that `agents.play` wrote has `task.yaml` beside it, the settings it was
played with; what a person played as practice (after an undo or a restart) is left out.
"""

import dataclasses
from pathlib import Path
from typing import Any, Self

from omegaconf import OmegaConf

from agents.episodes import Start
from agents.policy import Seat
from agents.starts import TEST_FIRST, held_out_start
from envs.schema import ConfigError, build, check_fields, kinds, load_yaml
from envs.task import Task
from envs.task_config import TaskConfig
from render.episode import FILE, frame_name, read_records

SETTINGS = "task.yaml"
PRACTICE = "practice"
"""Who played an episode that does not count."""
_FREE = {"description", "history", "max_reply_tokens", "reward", "format_reward"}
"""Settings that change nothing of what a person sees, plays and wins."""


def is_record(folder: Path) -> bool:
    """Whether a folder holds played episodes."""
    return (folder / FILE).is_file()


def read_lines(folder: Path) -> list[dict[str, Any]]:
    """The episodes of a record as dictionaries; ConfigError in one line where one cannot be read."""
    try:
        return list(read_records(folder))
    except ValueError as error:
        raise ConfigError(str(error)) from error


def save_settings(config: TaskConfig, folder: Path) -> None:
    """Write the task's settings beside a record."""
    text = OmegaConf.to_yaml(OmegaConf.create(dataclasses.asdict(config)))
    (folder / SETTINGS).write_text(text, encoding="utf-8")


def check_settings(config: TaskConfig, folder: Path) -> None:
    """ConfigError where a record was played with other settings that change the game."""
    kept = build(TaskConfig, check_fields(kinds(TaskConfig), load_yaml(folder / SETTINGS)), SETTINGS)
    for key in kinds(TaskConfig):
        then, now = getattr(kept, key), getattr(config, key)
        if key not in _FREE and then != now:
            raise ConfigError(
                f"{folder} was played with other settings: env.{key} was {then!r} there, and is {now!r} now"
            )


class Recorded:
    """A policy that gives the replies of a record again."""

    def __init__(self, folder: Path, task: Task) -> None:
        """Read the record; ConfigError where it is not of this task, these settings and held-out starts."""
        self.folder = folder
        if not is_record(folder):
            raise ConfigError(f"{folder} holds no played episodes; python -m agents.play env={task.name} makes them")
        if (folder / SETTINGS).is_file():
            check_settings(task.config, folder)
        records = read_lines(folder)
        counted = [record for record in records if record["policy"] != PRACTICE]
        for record in counted:
            if record["task"] != task.name:
                raise ConfigError(f"{folder} holds episodes of {record['task']}, not of {task.name}")
            if record["seed"] < TEST_FIRST:
                raise ConfigError(f"{folder}: seed {record['seed']} is no held-out start (those begin at {TEST_FIRST})")
        by_seed: dict[int, dict[str, Any]] = {}
        for record in counted:
            by_seed.setdefault(record["seed"], record)  # a start counts once, the first time
        if not by_seed:
            raise ConfigError(f"{folder} has no finished episode that counts; python -m agents.play env={task.name}")
        self.starts: tuple[Start, ...] = tuple(
            held_out_start(TEST_FIRST, seed - TEST_FIRST) for seed in sorted(by_seed)
        )
        self.practised = len({record["seed"] for record in records} - set(by_seed))
        """Starts that were only practised."""
        self._by_seat = {start.sampling_seed: by_seed[start.seed] for start in self.starts}

    def sit(self, task: Task) -> None:
        """No memory."""

    def at(self, temperature: float) -> Self:
        """Temperatures change nothing."""
        return self

    async def reply(self, seat: Seat) -> str:
        """The recorded reply; ConfigError where the game is not what it was when it was played."""
        record = self._by_seat.get(seat.seed)
        if record is None:
            raise ConfigError(f"{self.folder}: this start was not played")
        where = f"{self.folder}: seed {record['seed']}, turn {seat.turn + 1}"
        if seat.turn >= len(record["turns"]):
            raise ConfigError(f"{where} goes on where the record ends: the game has changed since it was played")
        turn = record["turns"][seat.turn]
        shown = seat.observation.image
        if (None if shown is None else frame_name(shown)) != turn["frame"]:
            raise ConfigError(f"{where} shows another picture than was recorded: the game has changed since")
        if not turn["reply_tokens"] and seat.observation.text not in turn["prompt"]:  # a model's prompt is its tokens'
            raise ConfigError(f"{where} shows other words than were recorded: the game has changed since")
        return str(turn["reply"])
