"""The episode record: what was seen, asked, thought, answered and earned, a turn at a time, on disk.

A folder holds `episodes.jsonl`, one episode a line, and `frames/<first 16 digits of SHA-256>.png`, each distinct
frame once. Frames are written before the line that names them and a line is one write, so a process that is killed
leaves at most a torn last line, which readers skip. All text is data: it is stored and given back as it came.

A line (schema 2): {"schema": 2, "task", "seed", "policy", "step", "group", "success", "ended", "reward", "rewards",
"turns": [{"prompt", "reply", "thinking", "action", "valid", "reward", "rewards", "text", "frame", "reply_tokens",
"advantage"}], "kind", "stage", "advantage", "score", "problem"} where "frame" is the PNG's name without its ending, or
null. Schema 1 had no "kind", "stage", "advantage", "score" and "problem": readers give their defaults.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import imageio.v3 as iio
import numpy as np

from render.draw.canvas import Frame
from render.draw.images import frame_id, png
from render.records.files import write_whole

SCHEMA: Final = 2
"""The version that is written; readers refuse newer ones."""
FILE: Final = "episodes.jsonl"
FRAMES: Final = "frames"
ENDED: Final = ("completed", "truncated", "invalid", "context")

_FRAME_NAME = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")  # 16 before version 0.1


@dataclass(frozen=True)
class Turn:
    """One observation, one reply and what came of it."""

    prompt: str
    """What the model was asked in this turn."""
    reply: str
    """All that it answered."""
    thinking: str
    """What stood in `<think>`; empty where the reply is invalid."""
    action: str
    """The action's name; empty where the reply is invalid."""
    valid: bool
    """Whether the reply had the format and a known action."""
    reward: float
    """The turn's whole reward."""
    rewards: dict[str, float]
    """Its parts by name."""
    text: str
    """The observation in words (a caption)."""
    frame: Frame | None
    """uint8 [H, W, 3]: what the model saw; None in text tasks."""
    reply_tokens: int
    """How many tokens the reply has."""
    advantage: float | None = None
    """What the learner was told of the turn; None outside training."""


@dataclass(frozen=True)
class Episode:
    """One game from reset to its end."""

    task: str
    """The task's name."""
    seed: int
    """The seed of `env.reset`."""
    policy: str
    """Who played: "before", "after", "train", "expert", …"""
    step: int
    """The training step, counted through all stages; -1 outside training."""
    group: int
    """Episodes of one group start from the same state."""
    success: bool
    """Whether the episode reached its goal."""
    ended: str
    """"completed", "truncated", "invalid" or "context" (the next turn did not fit the model's context)."""
    reward: float
    """The sum over the turns."""
    rewards: dict[str, float]
    """Its parts by name."""
    turns: tuple[Turn, ...]
    """In the order they were played; none where the first prompt did not fit the context."""
    kind: str = ""
    """The scenario, size or family, where the task has several."""
    stage: str = ""
    """The stage of the training that played it; empty outside training."""
    advantage: float | None = None
    """The mean over the turns; None outside training."""
    score: float | None = None
    """The benchmark's own score, where the task has one."""
    problem: str = ""
    """What did not fit the context."""

    def __post_init__(self) -> None:
        """Refuse an ending that readers do not know."""
        if self.ended not in ENDED:
            raise ValueError(f"an episode ended as {self.ended!r}: it must be one of {', '.join(ENDED)}")


class EpisodeWriter:
    """Appends episodes to a folder; close it, or use it in a `with` statement."""

    def __init__(self, folder: Path | str, keep: int | None = None) -> None:
        """Open (or go on with) the record in `folder`, which is made where it is missing.

        Of an older record only the first `keep` bytes stay (a resumed run writes the rest again); None: all of it.
        """
        self.folder = Path(folder)
        (self.folder / FRAMES).mkdir(parents=True, exist_ok=True)
        self._known = {path.stem for path in (self.folder / FRAMES).glob("*.png")}
        path = self.folder / FILE
        if path.exists():
            if keep is not None and keep < path.stat().st_size:
                os.truncate(path, keep)
            _cut_torn_line(path)
        self._file = open(path, "ab", buffering=0)

    def write(self, episode: Episode) -> None:
        """Append one episode.

        Raises:
            ValueError: a frame is not uint8 [H, W, 3].
            OSError: the disk is full or not writable; earlier episodes stay readable.
        """
        record: dict[str, Any] = {"schema": SCHEMA}
        record |= {field.name: getattr(episode, field.name) for field in fields(Episode)}
        record["turns"] = [
            {name: value for name, value in vars(turn).items() if name != "frame"} | {"frame": self._save(turn.frame)}
            for turn in episode.turns
        ]
        line = json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        start = self.size
        try:
            if self._file.write(line) != len(line):
                raise OSError(f"{self.folder / FILE}: only a part of an episode could be written; is the disk full?")
        except OSError:
            self._file.truncate(start)
            raise

    @property
    def size(self) -> int:
        """How many bytes the lines so far have."""
        return self._file.seek(0, os.SEEK_END)

    def _save(self, frame: Frame | None) -> str | None:
        """Store a frame unless it is there already; returns its name."""
        if frame is None:
            return None
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(f"a frame is {frame.dtype} {list(frame.shape)}: it must be uint8 [H, W, 3]")
        name = frame_id(frame)
        if name not in self._known:
            write_whole(self.folder / FRAMES / f"{name}.png", png(frame))
            self._known.add(name)
        return name

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> EpisodeWriter:
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def read_records(folder: Path | str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a record as dictionaries of schema 2.

    Frames are names: None or 32 hexadecimal digits (16 before version 0.1).

    A torn last line is skipped with a warning; a folder with no record has no episodes.

    Raises:
        ValueError: a line is of a newer schema, is damaged, or names a frame that cannot be one.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            where = f"{path} line {number}"
            if not line.endswith(b"\n"):
                warnings.warn(f"{where} is torn (a run was killed while writing): skipped", stacklevel=2)
                return
            try:
                record = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{where} is not JSON ({error}): delete that line to read the rest") from None
            _check(record, where)
            yield {**_EPISODE_DEFAULTS, **record, "turns": [_TURN_DEFAULTS | turn for turn in record["turns"]]}


def read_episodes(folder: Path | str) -> Iterator[Episode]:
    """The episodes of a record, in order, frames as arrays (equal frames are one read-only array).

    Raises:
        ValueError: as `read_records`, or a frame's file is missing or no picture.
    """
    frames = Path(folder) / FRAMES

    @lru_cache(maxsize=4096)
    def load(name: str) -> Frame:
        path = frames / f"{name}.png"
        try:
            frame = np.asarray(iio.imread(path, mode="RGB"), np.uint8)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} cannot be read as a picture: {str(error).splitlines()[0]}") from None
        frame.setflags(write=False)
        return frame

    for record in read_records(folder):
        turns = []
        for turn in record["turns"]:
            values = {name: turn[name] for name in _TURN_FIELDS}
            values["frame"] = None if turn["frame"] is None else load(turn["frame"])
            turns.append(Turn(**values))
        yield Episode(**{name: record[name] for name in _EPISODE_FIELDS} | {"turns": tuple(turns)})


_EPISODE_FIELDS: Final = tuple(field.name for field in fields(Episode))
_EPISODE_DEFAULTS: Final = {field.name: field.default for field in fields(Episode) if field.default is not MISSING}
_TURN_FIELDS: Final = tuple(field.name for field in fields(Turn))
_TURN_DEFAULTS: Final = {field.name: field.default for field in fields(Turn) if field.default is not MISSING}


def _check(record: Any, where: str) -> None:
    """Refuse a line that a reader of this version cannot trust."""
    if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
        raise ValueError(f"{where} is not an episode: it has no schema number")
    if record["schema"] > SCHEMA:
        raise ValueError(
            f"{where} has schema {record['schema']}, this Kickoff reads up to {SCHEMA}: update Kickoff to read it"
        )
    missing = [name for name in _EPISODE_FIELDS if name not in record and name not in _EPISODE_DEFAULTS]
    if missing or not isinstance(record["turns"], list):
        raise ValueError(f"{where} is not a whole episode: {', '.join(missing) or 'its turns are no list'}")
    needed = [name for name in _TURN_FIELDS if name not in _TURN_DEFAULTS]
    for turn in record["turns"]:
        missing = [name for name in needed if not isinstance(turn, dict) or name not in turn]
        if missing:
            raise ValueError(f"{where} has a turn without {', '.join(missing)}")
        name = turn["frame"]
        if name is not None and not (isinstance(name, str) and _FRAME_NAME.fullmatch(name)):
            raise ValueError(f"{where} names a frame {str(name)[:40]!r}: a name is 32 hexadecimal digits")


def _cut_torn_line(path: Path) -> None:
    """Drop what stands after the last newline, so that the next episode starts on a line of its own."""
    with open(path, "rb+") as file:
        end = file.seek(0, os.SEEK_END)
        keep = end
        while keep > 0:
            start = max(keep - 65536, 0)
            file.seek(start)
            found = file.read(keep - start).rfind(b"\n")
            if found >= 0:
                keep = start + found + 1
                break
            keep = start
        if keep < end:
            warnings.warn(f"{path}: a torn last line was dropped", stacklevel=3)
            file.truncate(keep)
