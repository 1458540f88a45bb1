"""A folder of a run or a baseline: whether it is free, done, or in use; its files, whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from configs.errors import UserError
from render.records.files import LOCK, folder_lock


def finished(path: Path) -> bool:
    """Whether the run in a folder has come to its end: the checkpoints for resume go last of all."""
    return (path / "summary.json").is_file() and not (path / "checkpoints").exists()


def refuse_existing(path: Path) -> None:
    """UserError if something is there where a new folder would be."""
    if path.exists():
        go_on = "" if finished(path) else f"go on with it by resume={path}, or "
        raise UserError(f"{path} exists already; {go_on}choose another name (name=…), or remove it")


def remove_whole(path: Path) -> None:
    """Remove a folder, or leave it as it was: after a kill it is there with all that is in it, or not at all."""
    gone = path.with_name(f".{path.name}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    if path.exists():
        path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock while this process works on it; UserError where another process does."""
    try:
        with folder_lock(folder):
            yield
    except Timeout as error:
        if error.lock_file != str(folder / LOCK):
            raise
        raise UserError(f"another process is working on {folder}; wait for it, or stop it") from None
