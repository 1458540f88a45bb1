"""Shared parts of the learning benchmarks: command-line options, runs and table cells."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.runs.folder import finished


def split(argv: Sequence[str], options: dict[str, str]) -> list[str]:
    """Move the benchmark's own overrides into `options` and return the overrides of the run."""
    words = []
    for word in argv:
        key, _, value = word.partition("=")
        if key in options:
            options[key] = value
        else:
            words.append(word)
    return words


def summary_of(module: str, folder: Path, words: Sequence[str]) -> dict[str, Any]:
    """Return the summary of a run, after starting or resuming it unless it is finished.

    Args:
        module: Module that is run with `python -m`.
        folder: Folder of the run.
        words: Overrides of a new run.
    """
    if not finished(folder):
        new = [*words, f"out={folder.parent}", f"name={folder.name}"]
        subprocess.run([sys.executable, "-m", module, *([f"resume={folder}"] if folder.exists() else new)], check=True)
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def cell(row: dict[str, Any]) -> str:
    """Return a success rate with its interval as text."""
    low, high = row["ci95"]
    return f"{row['mean']:.2f} ({low:.2f}–{high:.2f})"
