"""Incremental reading of line-based files that a run appends to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TAIL: Final = 16384
"""Number of bytes before the read position that are kept to detect a replaced file."""


class Follower:
    """Reader of new complete lines that detects a truncated or replaced file, as after resuming a run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = False
        """True if the file ended within a line at the last read."""
        self.count = 0
        """Number of lines read so far."""
        self._offset = 0
        self._tail = b""
        self._seen: tuple[int, int, int] | None = None

    def replaced(self) -> bool:
        """Return True if the lines read so far are gone. A new Follower must then read the file again."""
        if not self._offset:
            return False
        try:
            if _state(self.path) == self._seen:
                return False
            with open(self.path, "rb") as file:
                file.seek(self._offset - len(self._tail))
                return file.read(len(self._tail)) != self._tail
        except OSError:
            return True

    def new(self) -> Iterator[tuple[int, bytes]]:
        """Yield offset and bytes of each complete line added since the last read. A missing file has none.

        Raises:
            OSError: the file exists but cannot be read.
        """
        try:
            seen = _state(self.path)
        except FileNotFoundError:
            return
        if seen == self._seen:
            return
        with open(self.path, "rb") as file:
            file.seek(self._offset)
            self.torn = False
            for line in file:
                if not line.endswith(b"\n"):
                    self.torn = True
                    break
                offset = self._offset
                self._offset += len(line)
                self._tail = (self._tail + line)[-TAIL:] if len(line) < TAIL else line[-TAIL:]
                self.count += 1
                yield offset, line
        self._seen = seen


def _state(path: Path) -> tuple[int, int, int]:
    """Return inode, size and mtime of a regular file. Raise FileNotFoundError otherwise, since a pipe would block."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(path)
    return status.st_ino, status.st_size, status.st_mtime_ns


def inside(root: Path, path: Path) -> bool:
    """Return True if a path, with links resolved, is `root` or lies inside it."""
    return path.resolve().is_relative_to(root.resolve())
