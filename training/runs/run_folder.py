"""RunFolder: the output files of a run.

During training: config.yaml, metrics.jsonl, tensorboard/, checkpoints/ (for resume), episodes/ (records) and videos/.
At the end: checkpoint/ (for transformers), summary.json, curves.png and report.html.
"""

import json
import resource
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.chat.template import Chat
from agents.episodes.episode import Episode
from agents.records.films import films
from agents.records.record import write_records
from configs.cli import nested, split
from configs.errors import UserError
from configs.schema import build, merge
from envs.task.task import Task
from render.records.curves import write_curves
from render.records.files import write_whole
from render.records.video import write_video
from render.viewer.report import write_report
from training.config.cluster import ClusterConfig
from training.config.run import Config, read, save
from training.runs.folder import finished, locked, refuse_existing, remove_whole
from training.runs.metrics import read_metrics

if TYPE_CHECKING:
    from training.runs.checkpoint import RunState

CHECKPOINT = "checkpoint"


class RunFolder:
    """Folder of one run."""

    def __init__(self, path: Path, config: Config) -> None:
        self.path = path
        self.config = config
        self.checkpoints = path / "checkpoints"
        self.checkpoint = path / CHECKPOINT

    @staticmethod
    def refuse_existing(config: Config) -> Path:
        """Return the path of a new run's folder; raise UserError if it already exists."""
        path = Path(config.out) / config.name
        refuse_existing(path)
        return path

    @classmethod
    def create(cls, config: Config, sources: Mapping[str, str] | None = None) -> "RunFolder":
        """Create the folder `out`/`name`; raise UserError if it exists. `sources` are those of `compose`."""
        path = cls.refuse_existing(config)
        path.mkdir(parents=True)
        save(config, path / "config.yaml", sources)
        return cls(path, config)

    @classmethod
    def resume(cls, config: Config, overrides: Mapping[str, Any]) -> "RunFolder":
        """Open the folder of an interrupted run with its saved config.

        Args:
            config: Config composed from the overrides. Its cluster replaces the saved one if `cluster` is overridden.
            overrides: Overrides of the user, by dotted key.

        Raises:
            UserError: the run does not exist or is finished, or an override would change its config.
        """
        path = Path(config.resume)
        if not (path / "config.yaml").is_file():
            raise UserError(
                f"resume={config.resume}: not a run folder (no config.yaml); use a path such as runs/football"
            )
        saved = read(path / "config.yaml")
        free = {"resume": None, "plan": None, "cluster": None, "env": saved.env}
        machines, rest = split(overrides, "cluster")
        others = [f"{key}={value}" for key, value in rest.items() if free.get(key, "") not in (None, value)]
        if others:
            raise UserError(f"a resumed run keeps its config; remove {' '.join(others)}, or start a new run")
        saved.cluster = config.cluster if "cluster" in overrides else _changed(saved.cluster, machines)
        if finished(path):
            raise UserError(f"{path} is already finished; its report is {path / 'report.html'}")
        return cls(path, saved)

    def locked(self) -> AbstractContextManager[None]:
        """Return a context that locks the run; entering raises UserError if another process holds the lock."""
        return locked(self.path)

    def record(self, label: str, step: int, played: Mapping[str, Sequence[Episode]], chat: Chat) -> Path | None:
        """Write the records and the video of held-out episodes.

        Args:
            label: Name of the evaluation, such as `before`.
            step: Step of the evaluated weights, counted over all stages.
            played: Task name → episodes.
            chat: Chat format that decodes prompts from tokens.

        Returns:
            The path of the video, or None if no episode has frames.
        """
        folder = self.path / "episodes" / label
        shutil.rmtree(folder, ignore_errors=True)
        for name, episodes in played.items():
            task = Task(name, self.config.tasks[name])
            write_records(folder, task, episodes[: self.config.evaluation.records], label, chat, step=step)
        filmed = [episode for episodes in played.values() for episode in episodes if episode.frames]
        return write_video(self.path / "videos" / f"{label}.mp4", films(filmed, label)) if filmed else None

    def finish(self, config: Config, progress: "RunState", started: float) -> dict[str, Any]:
        """Write the final outputs and return the summary.

        Args:
            config: Config of the run.
            progress: State of the run.
            started: Time from which seconds are counted in addition to those of `progress`, from `time.perf_counter()`.
        """
        return finish(self.path, summarise(config, progress), started - progress.seconds)


def finish(path: Path, summary: dict[str, Any], started: float) -> dict[str, Any]:
    """Write curves, summary and report, then remove the checkpoints for resume.

    Args:
        path: Run folder.
        summary: Contents of summary.json. The total time is added.
        started: Start of the run, from `time.perf_counter()`.
    """
    write_curves(path / "curves.png", read_metrics(path), summary)
    for last in (False, True):  # twice: the report shows the summary, whose seconds include the report
        summary["seconds"] = round(time.perf_counter() - started, 1)
        write_whole(path / "summary.json", json.dumps(summary, indent=1) + "\n")
        if not last:
            write_report(path)
    remove_whole(path / "checkpoints")
    return summary


def _changed(saved: ClusterConfig, overrides: Mapping[str, Any]) -> ClusterConfig:
    """Return the cluster settings of a run with `cluster.k` overrides."""
    settings = nested({"cluster": ClusterConfig}, overrides).get("cluster", {})
    cluster = build(ClusterConfig, merge(asdict(saved), settings), "cluster")
    assert isinstance(cluster, ClusterConfig)
    return cluster


def summarise(config: Config, progress: "RunState") -> dict[str, Any]:
    """Return the contents of summary.json."""
    results = progress.results
    labels = [
        "before",
        *(label for label in results if label.startswith("after_")),
        "after",
        "random",
        "idle",
        "expert",
    ]
    others = [task for task in config.tasks if task != config.env]
    return {
        "task": config.env,
        "seed": config.seed,
        "seconds": 0.0,
        "peak_memory_mb": round(peak_memory_mb()),
        "stages": [{**stage, "seconds": round(stage["seconds"], 1)} for stage in progress.stages],
        "success": {label: results[label][config.env] for label in labels if config.env in results.get(label, {})},
        "others": {
            task: {label: results[label][task] for label in labels if task in results.get(label, {})} for task in others
        },
        "checkpoint": {"step": progress.reported_step, "path": CHECKPOINT},
        "validation": {"best": progress.best, "reported": progress.good.get("success")},
    }


def peak_memory_mb() -> float:
    """Return the peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
