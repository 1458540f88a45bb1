"""Paths that commands write."""

from pathlib import Path


def check_new(out: str) -> None:
    """Raise ValueError unless the file or folder `out` can be written as a new one in a folder that exists."""
    if not Path(out).resolve().parent.is_dir():
        raise ValueError(f"out: the folder of {out} does not exist")
    if Path(out).exists():
        raise ValueError(f"out={out} exists already; choose another name, or remove it")
