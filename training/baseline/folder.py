"""The folder of a baseline: baseline.yaml, metrics, checkpoints, weights, records, videos, summary and report.

It is similar to a run folder, so that the same page shows both. It has no config.yaml, which identifies a run.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.episodes.episode import Episode
from agents.records.films import films
from agents.records.record import write_records
from configs.errors import UserError
from envs.task.config import TaskConfig
from envs.task.task import Task
from render.records.video import write_video
from training.baseline import config as baseline_config
from training.baseline.config import BaselineConfig, damaged
from training.baseline.policy import WEIGHTS, save_network
from training.runs.folder import finished, locked, refuse_existing
from training.runs.run_folder import finish, peak_memory_mb

if TYPE_CHECKING:
    from training.baseline.ppo import Learning

KEPT = 2
"""Number of checkpoints kept during training."""


@dataclass
class BaselineState:
    """Training state of a baseline."""

    updates: int = 0
    """Number of updates so far."""
    env_steps: int = 0
    """Number of decisions trained on so far."""
    metrics_lines: int = 0
    """Number of lines in metrics.jsonl that belong to this state."""
    seconds: float = 0.0
    """Seconds of work so far, in all processes before this one."""
    learning: float = 0.0
    """Seconds of updates and validations so far."""
    results: dict[str, Any] = field(default_factory=dict)
    """Held-out results so far, as in summary.json."""


class BaselineFolder:
    """The folder of one baseline on disk.

    Args:
        path: Path of the folder.
        config: Config of the baseline.
        task: Settings of its task.
    """

    def __init__(self, path: Path, config: BaselineConfig, task: TaskConfig) -> None:
        self.path = path
        self.config = config
        self.task = task
        self.checkpoints = path / "checkpoints"

    @classmethod
    def create(cls, config: BaselineConfig, task: TaskConfig) -> "BaselineFolder":
        """Create a new folder. Raise UserError if it exists."""
        refuse_existing(config.folder)
        config.folder.mkdir(parents=True)
        baseline_config.save(config, task, config.folder)
        return cls(config.folder, config, task)

    @classmethod
    def resume(cls, overrides: Mapping[str, Any], path: Path) -> "BaselineFolder":
        """Open the folder of an existing baseline with its original config.

        Args:
            overrides: Command-line overrides by key. Only `resume` is allowed.
            path: Path of the folder.

        Raises:
            UserError: The folder has no baseline, the baseline is finished, or there are other overrides.
        """
        if not (path / baseline_config.FILE).is_file():
            run = (path / "config.yaml").is_file()
            hint = f"; for a run, use python -m training.run resume={path}" if run else ""
            raise UserError(f"resume={path}: no baseline in this folder (no {baseline_config.FILE}){hint}")
        others = [f"{key}={value}" for key, value in overrides.items() if key != "resume"]
        if others:
            raise UserError(f"a resumed baseline keeps its config; remove {' '.join(others)}, or start a new one")
        if finished(path):
            raise UserError(f"{path} is already finished; its report is {path / 'report.html'}")
        return cls(path, *baseline_config.read(path))

    def locked(self) -> AbstractContextManager[None]:
        """Lock the folder for this process. Raise UserError if another process uses it."""
        return locked(self.path)

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def newest(self) -> Path | None:
        """Return the newest complete checkpoint, or None."""
        return max(self.checkpoints.glob("step-*"), default=None)

    def progress(self, checkpoint: Path | None) -> BaselineState:
        """Return the training state at a checkpoint, or a new state for None."""
        if checkpoint is None:
            return BaselineState()
        try:
            return BaselineState(**json.loads((checkpoint / "progress.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise damaged(checkpoint, error) from error

    def save(self, learning: "Learning", progress: BaselineState) -> None:
        """Write a checkpoint atomically, with the weights for evaluation, and delete old checkpoints."""
        part = self.checkpoints / ".part"
        shutil.rmtree(part, ignore_errors=True)
        learning.save(part / "ppo")
        (part / "progress.json").write_text(json.dumps(asdict(progress)), encoding="utf-8")
        save_network(
            learning.network, self.path
        )  # first, because a resume from the last checkpoint saves nothing again
        target = self.checkpoints / f"step-{progress.env_steps:012d}"
        shutil.rmtree(target, ignore_errors=True)
        part.replace(target)
        for old in sorted(self.checkpoints.glob("step-*"))[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    # -- outputs for people -------------------------------------------------------------------------------------------

    def record(self, label: str, step: int, episodes: Sequence[Episode]) -> None:
        """Write the records of episodes, and a video of those with frames.

        Args:
            label: Name of the record, such as "before".
            step: Number of updates so far.
            episodes: Episodes to record.
        """
        folder = self.path / "episodes" / label
        shutil.rmtree(folder, ignore_errors=True)
        task = Task(self.config.task_name, self.task)
        write_records(folder, task, episodes, label, step=step)
        if any(episode.frames for episode in episodes):
            write_video(self.path / "videos" / f"{label}.mp4", films(episodes, label))

    def finish(self, progress: BaselineState, started: float) -> dict[str, Any]:
        """Write summary and report, delete the checkpoints, and return the summary."""
        return finish(self.path, summarise(self.config, progress), started - progress.seconds)


def summarise(config: BaselineConfig, progress: BaselineState) -> dict[str, Any]:
    """Return the content of summary.json."""
    labels = ("before", "after", "random", "idle", "expert")
    return {
        "task": config.task_name,
        "seed": config.seed,
        "seconds": 0.0,
        "peak_memory_mb": round(peak_memory_mb()),
        "stages": [{"name": "ppo", "steps": progress.updates, "seconds": round(progress.learning, 1)}],
        "success": {label: progress.results[label] for label in labels if label in progress.results},
        "others": {},
        "env_steps": progress.env_steps,
        "observation": config.observation,
        "checkpoint": {"step": progress.updates, "path": WEIGHTS},
    }
