"""A baseline's folder: baseline.yaml, metrics, checkpoints for resume, the weights, records, films, summary and report.

Like a run's, so that the same page shows both; there is no config.yaml, which is what a run is known by.
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
"""So many checkpoints stay while it trains."""


@dataclass
class BaselineState:
    """Where a baseline stands."""

    updates: int = 0
    """Times that it has played and learned."""
    env_steps: int = 0
    """Decisions that it has learned from."""
    metrics_lines: int = 0
    """Lines of metrics.jsonl that belong to this state."""
    seconds: float = 0.0
    """Working time so far, of all processes before this one."""
    learning: float = 0.0
    """Of it, that of updates and validations."""
    results: dict[str, Any] = field(default_factory=dict)
    """Held-out results so far, as summary.json has them."""


class BaselineFolder:
    """One baseline's folder on disk."""

    def __init__(self, path: Path, config: BaselineConfig, task: TaskConfig) -> None:
        self.path = path
        self.config = config
        self.task = task
        self.checkpoints = path / "checkpoints"

    @classmethod
    def create(cls, config: BaselineConfig, task: TaskConfig) -> "BaselineFolder":
        """A new folder; one that exists already is never touched."""
        refuse_existing(config.folder)
        config.folder.mkdir(parents=True)
        baseline_config.save(config, task, config.folder)
        return cls(config.folder, config, task)

    @classmethod
    def resume(cls, overrides: Mapping[str, Any], path: Path) -> "BaselineFolder":
        """Open the folder of an earlier baseline, with the config that it was started with."""
        if not (path / baseline_config.FILE).is_file():
            run = (path / "config.yaml").is_file()
            hint = f"; python -m training.run resume={path} goes on with a run" if run else ""
            raise UserError(f"resume={path}: no baseline is there (no {baseline_config.FILE}){hint}")
        others = [f"{key}={value}" for key, value in overrides.items() if key != "resume"]
        if others:
            raise UserError(f"a resumed baseline keeps its config; remove {' '.join(others)}, or start a new one")
        if finished(path):
            raise UserError(f"{path} is finished already; its report is {path / 'report.html'}")
        return cls(path, *baseline_config.read(path))

    def locked(self) -> AbstractContextManager[None]:
        """While this process works on the baseline, no other one may; UserError if one does."""
        return locked(self.path)

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def newest(self) -> Path | None:
        """The newest whole checkpoint, if there is one."""
        return max(self.checkpoints.glob("step-*"), default=None)

    def progress(self, checkpoint: Path | None) -> BaselineState:
        """Where the baseline stood at a checkpoint."""
        if checkpoint is None:
            return BaselineState()
        try:
            return BaselineState(**json.loads((checkpoint / "progress.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise damaged(checkpoint, error) from error

    def save(self, learning: "Learning", progress: BaselineState) -> None:
        """Write a checkpoint, whole or not at all, and the weights for those who play it; older ones go."""
        part = self.checkpoints / ".part"
        shutil.rmtree(part, ignore_errors=True)
        learning.save(part / "ppo")
        (part / "progress.json").write_text(json.dumps(asdict(progress)), encoding="utf-8")
        save_network(learning.network, self.path)  # first: from the last checkpoint nothing is saved again
        target = self.checkpoints / f"step-{progress.env_steps:012d}"
        shutil.rmtree(target, ignore_errors=True)
        part.replace(target)
        for old in sorted(self.checkpoints.glob("step-*"))[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    # -- what people look at ------------------------------------------------------------------------------------------

    def record(self, label: str, step: int, episodes: Sequence[Episode]) -> None:
        """Write the records of episodes, and the video of those that were filmed."""
        folder = self.path / "episodes" / label
        shutil.rmtree(folder, ignore_errors=True)
        task = Task(self.config.task_name, self.task)
        write_records(folder, task, episodes, label, step=step)
        if any(episode.frames for episode in episodes):
            write_video(self.path / "videos" / f"{label}.mp4", films(episodes, label))

    def finish(self, progress: BaselineState, started: float) -> dict[str, Any]:
        """Write what tells of the baseline; what resume needs goes."""
        return finish(self.path, summarise(self.config, progress), started - progress.seconds)


def summarise(config: BaselineConfig, progress: BaselineState) -> dict[str, Any]:
    """What summary.json holds."""
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
