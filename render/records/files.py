"""Files that appear whole or not at all, and the lock of a folder that one process works on."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"
"""Name of a folder's lock file."""
WAIT_S = 1.0
"""Seconds to wait for a lock: the viewer asks for it too, and releases it at once."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file next to `path` that replaces it when the block ends without an exception.

    The temporary name keeps the suffix, so that a library can tell the format by it. A reader never finds half a file.
    """
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, or leave the old one untouched; text is written as UTF-8."""
    with whole(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def reset_modes(folder: Path) -> None:
    """Give the files in a folder the mode of a new file, as the umask sets it. safetensors writes files as 0600."""
    probe = folder / ".mode"
    probe.touch()
    mode = probe.stat().st_mode & 0o777
    probe.unlink()
    for file in folder.iterdir():
        if file.is_file():
            file.chmod(mode)


def folder_lock(folder: Path) -> FileLock:
    """Return the lock of a folder, to be used in a `with` block; `filelock.Timeout` where another process holds it."""
    return FileLock(folder / LOCK, timeout=WAIT_S)


def in_use(folder: Path) -> bool:
    """Return True if another process holds a folder's lock."""
    if not (folder / LOCK).exists():
        return False
    try:
        with FileLock(folder / LOCK, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that may not be written to
        return False
