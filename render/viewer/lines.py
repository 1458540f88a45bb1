"""Files that a run appends lines to, read while they grow."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TAIL: Final = 16384
"""So many bytes before the place of reading are remembered, to see whether the file is still the same."""


class Follower:
    """Reads a file's new whole lines, and sees when what was read is gone (a resumed run cuts or replaces files)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = False
        """Whether the file ended within a line when it was read last."""
        self.count = 0
        """Lines read so far."""
        self._offset = 0
        self._tail = b""
        self._seen: tuple[int, int, int] | None = None

    def replaced(self) -> bool:
        """Whether what was read is no longer in the file: then a new Follower must read it again."""
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
        """Offset and bytes of each whole line that was added since; none where the file is not there.

        Raises:
            OSError: the file is there and cannot be read.
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
    """What changes when a file does; FileNotFoundError where there is none (a pipe would be waited for)."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(path)
    return status.st_ino, status.st_size, status.st_mtime_ns


def inside(root: Path, path: Path) -> bool:
    """Whether a path, links followed, lies in the folder `root` (or is it)."""
    return path.resolve().is_relative_to(root.resolve())
