"""Episode records on disk: prompts, replies, observations and rewards of every turn.

A folder holds `episodes.jsonl`, one episode per line, and `frames/<frame_id>.png`, each distinct
frame once. Frames are written before the line that names them, and each line is a single write. A killed process
leaves at most a torn last line, which readers skip. Text is stored and returned unchanged.

A line (schema 2): {"schema": 2, "task", "seed", "policy", "step", "group", "success", "ended", "reward", "rewards",
"turns": [{"prompt", "reply", "thinking", "action", "valid", "reward", "rewards", "text", "frame", "reply_tokens",
"advantage"}], "kind", "stage", "advantage", "score", "problem"}. "frame" is the PNG file name without its suffix, or
null. A turn with several images also has "more_frames", the names of the others. Schema 1 lacks "kind", "stage",
"advantage", "score" and "problem". Readers fill in their defaults.
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
"""Schema version of written records. Readers reject newer versions."""
FILE: Final = "episodes.jsonl"
FRAMES: Final = "frames"
ENDED: Final = ("completed", "truncated", "invalid", "context")

FRAME_NAME: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")  # 16 before version 0.1


@dataclass(frozen=True)
class Turn:
    """One turn: observation, reply and reward."""

    prompt: str
    """Prompt of the turn."""
    reply: str
    """Full reply of the model."""
    thinking: str
    """Text inside `<think>`. Empty if the reply is invalid."""
    action: str
    """Name of the action. Empty if the reply is invalid."""
    valid: bool
    """True if the reply had the required format and a known action."""
    reward: float
    """Total reward of the turn."""
    rewards: dict[str, float]
    """Reward parts by name."""
    text: str
    """Text observation (a caption)."""
    frame: Frame | None
    """uint8 [H, W, 3]: image given to the model. None in text tasks."""
    reply_tokens: int
    """Number of tokens in the reply."""
    advantage: float | None = None
    """Advantage of the turn. None outside training."""
    more_frames: tuple[Frame, ...] = ()
    """Images after `frame`, if the turn has several."""


@dataclass(frozen=True)
class Episode:
    """One episode from reset to its end."""

    task: str
    """Name of the task."""
    seed: int
    """Seed of `env.reset`."""
    policy: str
    """Label of the policy: "before", "after", "train", "expert", …"""
    step: int
    """Training step, counted across stages. -1 outside training."""
    group: int
    """Group number. Episodes of one group start from the same state."""
    success: bool
    """True if the episode reached its goal."""
    ended: str
    """"completed", "truncated", "invalid" or "context" (the next turn did not fit the model's context)."""
    reward: float
    """Sum of the rewards over the turns (the return)."""
    rewards: dict[str, float]
    """Sums of the reward parts over the turns, by name."""
    turns: tuple[Turn, ...]
    """Turns in order. Empty if the first prompt did not fit the context."""
    kind: str = ""
    """Scenario, size or family if the task has several."""
    stage: str = ""
    """Training stage. Empty outside training."""
    advantage: float | None = None
    """Mean advantage over the turns. None outside training."""
    score: float | None = None
    """Benchmark score if the task has one."""
    problem: str = ""
    """Description of what did not fit the context."""

    def __post_init__(self) -> None:
        """Raise ValueError unless `ended` is known to readers."""
        if self.ended not in ENDED:
            raise ValueError(f"ended={self.ended!r}: it must be one of {', '.join(ENDED)}")


class EpisodeWriter:
    """Writer that appends episodes to a folder. Close it after use or use it in a `with` statement."""

    def __init__(self, folder: Path | str, keep: int | None = None) -> None:
        """Open the record in `folder` for appending. A missing folder is created.

        An existing record is truncated to its first `keep` bytes, since a resumed run rewrites the rest. None keeps
        all of it.
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
        record["turns"] = [self._saved(turn) for turn in episode.turns]
        line = json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        start = self.size
        try:
            if self._file.write(line) != len(line):
                raise OSError(f"{self.folder / FILE}: only part of an episode was written; is the disk full?")
        except OSError:
            self._file.truncate(start)
            raise

    @property
    def size(self) -> int:
        """Size of the written lines in bytes."""
        return self._file.seek(0, os.SEEK_END)

    def _saved(self, turn: Turn) -> dict[str, Any]:
        """Return a turn with the names of its stored frames."""
        plain = {name: value for name, value in vars(turn).items() if name not in ("frame", "more_frames")}
        more = {"more_frames": [self._save(frame) for frame in turn.more_frames]} if turn.more_frames else {}
        return plain | {"frame": self._save(turn.frame)} | more

    def _save(self, frame: Frame | None) -> str | None:
        """Store a frame unless it exists, and return its name."""
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
        """Return the writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def read_records(folder: Path | str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a record as dictionaries of schema 2.

    Frames are names: None or 32 hexadecimal digits (16 before version 0.1).

    A torn last line is skipped with a warning. A folder without a record has no episodes.

    Raises:
        ValueError: a line has a newer schema, is damaged, or has an invalid frame name.
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
    """Yield the episodes of a record in order, frames as arrays (equal frames share one read-only array).

    Raises:
        ValueError: see `read_records`, or a frame file is missing or not an image.
    """
    frames = Path(folder) / FRAMES

    @lru_cache(maxsize=4096)
    def load(name: str) -> Frame:
        path = frames / f"{name}.png"
        try:
            frame = np.asarray(iio.imread(path, mode="RGB"), np.uint8)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} cannot be read as an image: {str(error).splitlines()[0]}") from None
        frame.setflags(write=False)
        return frame

    for record in read_records(folder):
        turns = []
        for turn in record["turns"]:
            values = {name: turn[name] for name in _TURN_FIELDS}
            values["frame"] = None if turn["frame"] is None else load(turn["frame"])
            values["more_frames"] = tuple(load(name) for name in turn["more_frames"])
            turns.append(Turn(**values))
        yield Episode(**{name: record[name] for name in _EPISODE_FIELDS} | {"turns": tuple(turns)})


_EMPTY: Final = {"str": "", "int": 0, "float": 0.0, "bool": False, "dict[str, float]": {}, "Frame | None": None}


def empty_fields(cls: type[Episode] | type[Turn]) -> dict[str, Any]:
    """Return the JSON fields of an episode (without turns) or of a turn, each with its default or an empty value."""
    return {
        field.name: _EMPTY[str(field.type)] if field.default is MISSING else field.default
        for field in fields(cls)
        if field.name != "turns"
    }


_EPISODE_FIELDS: Final = tuple(field.name for field in fields(Episode))
_EPISODE_DEFAULTS: Final = {field.name: field.default for field in fields(Episode) if field.default is not MISSING}
_TURN_FIELDS: Final = tuple(field.name for field in fields(Turn))
_TURN_DEFAULTS: Final = {field.name: field.default for field in fields(Turn) if field.default is not MISSING}


def _check(record: Any, where: str) -> None:
    """Raise ValueError unless this version can read the record."""
    if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
        raise ValueError(f"{where} is not an episode: it has no schema number")
    if record["schema"] > SCHEMA:
        raise ValueError(
            f"{where} has schema {record['schema']}, this Kickoff reads up to {SCHEMA}: update Kickoff to read it"
        )
    missing = [name for name in _EPISODE_FIELDS if name not in record and name not in _EPISODE_DEFAULTS]
    if missing or not isinstance(record["turns"], list):
        raise ValueError(f"{where} is not a complete episode: {', '.join(missing) or 'turns is not a list'}")
    needed = [name for name in _TURN_FIELDS if name not in _TURN_DEFAULTS]
    for turn in record["turns"]:
        missing = [name for name in needed if not isinstance(turn, dict) or name not in turn]
        if missing:
            raise ValueError(f"{where} has a turn without {', '.join(missing)}")
        for name in [turn["frame"], *turn.get("more_frames", ())]:
            if name is not None and not (isinstance(name, str) and FRAME_NAME.fullmatch(name)):
                raise ValueError(f"{where} names a frame {str(name)[:40]!r}: a name is 32 hexadecimal digits")


def _cut_torn_line(path: Path) -> None:
    """Truncate the file after its last newline, so that the next episode starts on a new line."""
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
