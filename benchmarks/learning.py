"""What the studies of learning share: their words, a run that is begun, gone on with or read, and a cell of a table."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.runs.folder import finished


def split(argv: Sequence[str], options: dict[str, str]) -> list[str]:
    """Put the study's own words into its options; the others, which are the run's."""
    words = []
    for word in argv:
        key, _, value = word.partition("=")
        if key in options:
            options[key] = value
        else:
            words.append(word)
    return words


def summary_of(module: str, folder: Path, words: Sequence[str]) -> dict[str, Any]:
    """The summary of `python -m module`: run with these words, gone on with if it was stopped, or finished already."""
    if not finished(folder):
        new = [*words, f"out={folder.parent}", f"name={folder.name}"]
        subprocess.run([sys.executable, "-m", module, *([f"resume={folder}"] if folder.exists() else new)], check=True)
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def cell(row: dict[str, Any]) -> str:
    """A success with its interval."""
    low, high = row["ci95"]
    return f"{row['mean']:.2f} ({low:.2f}–{high:.2f})"
