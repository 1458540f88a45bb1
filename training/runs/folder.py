"""A folder of a run or a baseline: whether it is free, done, or in use; its files, whole or not at all."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configs.errors import UserError

TRIES = 10
"""A tenth of a second apart: a page that watches asks for the lock too, and lets go at once."""


def finished(path: Path) -> bool:
    """Whether the run in a folder has come to its end: the checkpoints for resume go last of all."""
    return (path / "summary.json").is_file() and not (path / "checkpoints").exists()


def refuse_existing(path: Path) -> None:
    """UserError if something is there where a new folder would be."""
    if path.exists():
        go_on = "" if finished(path) else f"go on with it by resume={path}, or "
        raise UserError(f"{path} exists already; {go_on}choose another name (name=…), or remove it")


def write_whole(path: Path, text: str) -> None:
    """Write a file, or leave what was there: who reads it, or goes on after a kill, never finds half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def remove_whole(path: Path) -> None:
    """Remove a folder, or leave it as it was: after a kill it is there with all that is in it, or not at all."""
    gone = path.with_name(f".{path.name}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    if path.exists():
        path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """While this process holds the file's lock, no other one works on its folder; UserError if one does."""
    with path.open() as file:
        for tries_left in reversed(range(TRIES)):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not tries_left:
                    raise UserError(f"another process is working on {path.parent}; wait for it, or stop it") from None
                time.sleep(0.1)
        yield
