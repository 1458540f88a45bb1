"""Folder of a run or baseline: existence, completion, locking and atomic removal."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from configs.errors import UserError
from render.records.files import LOCK, folder_lock


def finished(path: Path) -> bool:
    """Return True if the run in a folder is finished. Its checkpoints for resume are removed last."""
    return (path / "summary.json").is_file() and not (path / "checkpoints").exists()


def refuse_existing(path: Path) -> None:
    """Raise UserError if the path of a new folder already exists."""
    if path.exists():
        go_on = "" if finished(path) else f"resume it with resume={path}, or "
        raise UserError(f"{path} exists already; {go_on}choose another name (name=…), or remove it")


def remove_whole(path: Path) -> None:
    """Remove a folder atomically: after an interruption it is either complete or gone."""
    gone = path.with_name(f".{path.name}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    if path.exists():
        path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder inside the context; raise UserError if another process holds it."""
    try:
        with folder_lock(folder):
            yield
    except Timeout as error:
        if error.lock_file != str(folder / LOCK):
            raise
        raise UserError(f"another process is working on {folder}; wait for it, or stop it") from None
