"""Shared parts of the learning benchmarks: command-line options, runs, their results and table cells."""

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.untrained import main as write_untrained
from training.evaluation.statistics import student
from training.runs.folder import finished


@dataclass(frozen=True)
class Measured:
    """Held-out results of one run."""

    results: Mapping[str, Mapping[str, Any]]
    """Task → result after training."""
    before: Mapping[str, Mapping[str, Any]]
    """Task → result before training."""
    seconds: float
    """Seconds of training, including those of the start."""

    def success(self, task: str) -> float:
        """Return the success on a task after training."""
        return float(self.results[task]["mean"])

    def gain(self, task: str) -> float:
        """Return the change of success on a task."""
        return self.success(task) - float(self.before[task]["mean"])


def measured(summary: Mapping[str, Any], seconds: float = 0.0) -> Measured:
    """Return the results of a run. `seconds` are those of its start."""
    tasks = {summary["task"]: summary["success"], **summary["others"]}
    after = {task: rows["after"] for task, rows in tasks.items()}
    before = {task: rows["before"] for task, rows in tasks.items()}
    return Measured(after, before, seconds + sum(stage["seconds"] for stage in summary["stages"]))


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
        words: Overrides of a new run. The last value of a key counts.
    """
    if not finished(folder):
        by_key = {word.partition("=")[0]: word for word in words}
        new = [*by_key.values(), f"out={folder.parent}", f"name={folder.name}"]
        command = [sys.executable, "-m", module, *([f"resume={folder}"] if folder.exists() else new)]
        if status := subprocess.run(command, check=False).returncode:
            sys.exit(status)  # the run has printed why
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def untrained(folder: Path, seed: int) -> Path:
    """Return the folder of a seed's untrained weights, after writing it below `folder` unless it exists."""
    path = folder.absolute() / "untrained"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_untrained([f"out={path}", f"seed={seed}"])
    return path


def mean_cell(values: Sequence[float], sign: str = "") -> str:
    """Return a mean over seeds with its 95% interval (Student's t) as text. `sign="+"` shows plus signs."""
    interval = student(values)
    spread = f" ({interval[0]:{sign}.2f} to {interval[1]:{sign}.2f})" if interval else ""
    return f"{statistics.mean(values):{sign}.3f}{spread}"


def cell(row: dict[str, Any]) -> str:
    """Return a success rate with its interval as text."""
    low, high = row["ci95"]
    return f"{row['mean']:.2f} ({low:.2f}–{high:.2f})"
