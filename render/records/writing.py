"""Writing of episode records, see `render.records.episode`."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np

from render.draw.canvas import Frame
from render.draw.images import frame_id, png
from render.records.episode import FILE, FRAMES, SCHEMA, Episode, Turn
from render.records.files import write_whole

ALWAYS: Final = {"advantage", "kind", "stage", "score", "problem"}
"""Fields with a default that every episode has. A turn has only the first."""


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
        record = {"schema": SCHEMA} | told(episode)
        record["turns"] = [self._saved(turn) for turn in episode.turns]
        if episode.final_frame is not None:
            record["final_frame"] = self._save(episode.final_frame)
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
        more = {"more_frames": [self._save(frame) for frame in turn.more_frames]} if turn.more_frames else {}
        return told(turn) | {"frame": self._save(turn.frame)} | more

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


def told(part: Episode | Turn) -> dict[str, Any]:
    """Return the fields to write, without frames: those without a default, and those that differ from theirs."""
    pictures = ("frame", "more_frames", "final_frame")
    always = ALWAYS if isinstance(part, Episode) else {"advantage"}
    values = {field: getattr(part, field.name) for field in fields(part) if field.name not in pictures}
    return {field.name: value for field, value in values.items() if field.name in always or value != field.default}


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
