"""RunDirectory: the folder of a run or a baseline, from its creation to its report.

During training: the config, metrics.jsonl, tensorboard/, checkpoints/ (for resume), episodes/ (records) and videos/.
At the end: the trained policy, summary.json, curves.png and report.html.
"""

import json
import resource
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import Timeout

from agents.chat.template import Chat
from agents.episodes.episode import Episode
from agents.records.films import films
from agents.records.record import write_records
from configs.errors import UserError
from envs.task.config import TaskConfig
from envs.task.task import Task
from render.records.curves import write_curves
from render.records.files import LOCK, folder_lock, write_whole
from render.records.video import write_video
from render.viewer.report import write_report
from training.runs.checkpoint import RunState
from training.runs.metrics import read_metrics

LIVE = "live.json"
"""File of an unfinished run with its results so far."""


class RunDirectory:
    """Folder of one run or baseline.

    Args:
        path: Path of the folder.
        task: Name of the main task.
        tasks: Task name → settings.
        seed: Seed of the training.
    """

    def __init__(self, path: Path, task: str, tasks: Mapping[str, TaskConfig], seed: int) -> None:
        self.path = path
        self.task = task
        self.tasks = tasks
        self.seed = seed
        self.checkpoints = path / "checkpoints"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the folder inside the context; raise UserError if another process holds it."""
        try:
            with folder_lock(self.path):
                yield
        except Timeout as error:
            if error.lock_file != str(self.path / LOCK):
                raise
            raise UserError(f"another process is working on {self.path}; wait for it, or stop it") from None

    def record(
        self, label: str, step: int, played: Mapping[str, Sequence[Episode]], chat: Chat | None = None
    ) -> Path | None:
        """Write the records and the video of held-out episodes.

        Args:
            label: Name of the evaluation, such as `before`.
            step: Step of the evaluated weights, counted over all stages.
            played: Task name → episodes.
            chat: Chat format that decodes prompts from tokens. None for a policy without tokens.

        Returns:
            The path of the video, or None if no episode has frames.
        """
        folder = self.path / "episodes" / label
        shutil.rmtree(folder, ignore_errors=True)
        for name, episodes in played.items():
            write_records(folder, Task(name, self.tasks[name]), episodes, label, chat, step=step)
        filmed = [episode for episodes in played.values() for episode in episodes if episode.frames]
        return write_video(self.path / "videos" / f"{label}.mp4", films(filmed, label)) if filmed else None

    def tell(self, doing: str, progress: RunState) -> None:
        """Write live.json for the page: what the run does now, and its results so far."""
        stages = [{**stage, "seconds": round(stage["seconds"], 1)} for stage in progress.stages]
        document = {"doing": doing, "results": progress.results, "stages": stages}
        write_whole(self.path / LIVE, json.dumps(document, indent=1) + "\n")

    def summary(self, progress: RunState) -> dict[str, Any]:
        """Return the contents of summary.json that runs and baselines share."""
        results = progress.results
        after_stages = [label for label in results if label.startswith("after_")]
        labels = ["before", *after_stages, "after", "random", "idle", "expert"]
        success = {
            task: {label: results[label][task] for label in labels if task in results.get(label, {})}
            for task in self.tasks
        }
        return {
            "task": self.task,
            "seed": self.seed,
            "seconds": 0.0,
            "peak_memory_mb": round(peak_memory_mb()),
            "stages": [{**stage, "seconds": round(stage["seconds"], 1)} for stage in progress.stages],
            "success": success.pop(self.task),
            "others": success,
        }

    def finish(self, summary: dict[str, Any], started: float) -> dict[str, Any]:
        """Write curves, summary and report, then remove the checkpoints for resume.

        Args:
            summary: Contents of summary.json. The total time is added.
            started: Start of the run, as of `time.perf_counter()`.
        """
        write_curves(self.path / "curves.png", read_metrics(self.path), summary)
        for last in (False, True):  # twice, so that the seconds include the report
            summary["seconds"] = round(time.perf_counter() - started, 1)
            write_whole(self.path / "summary.json", json.dumps(summary, indent=1) + "\n")
            if not last:
                write_report(self.path)
        (self.path / LIVE).unlink(missing_ok=True)
        remove_whole(self.checkpoints)
        return summary


def finished(path: Path) -> bool:
    """Return True if the run in a folder is finished. Its checkpoints for resume are removed last."""
    return (path / "summary.json").is_file() and not (path / "checkpoints").exists()


def refuse_existing(path: Path) -> None:
    """Raise UserError if the path of a new folder already exists."""
    if path.exists():
        go_on = "" if finished(path) else f"resume it with resume={path}, or "
        raise UserError(f"{path} exists already; {go_on}choose another name (name=…), or remove it")


def refuse_resume(path: Path, kind: str, changes: Mapping[str, Any]) -> None:
    """Raise UserError if a folder cannot be resumed.

    Args:
        path: Path of the folder.
        kind: What the folder holds, such as `run`.
        changes: Overrides that would change the config, by key.
    """
    if changes:
        words = " ".join(f"{key}={value}" for key, value in changes.items())
        raise UserError(f"a resumed {kind} keeps its config; remove {words}, or start a new {kind}")
    if finished(path):
        raise UserError(f"{path} is already finished; its report is {path / 'report.html'}")


def remove_whole(path: Path) -> None:
    """Remove a folder atomically: after an interruption it is either complete or gone."""
    gone = path.with_name(f".{path.name}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    if path.exists():
        path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def peak_memory_mb() -> float:
    """Return the peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
