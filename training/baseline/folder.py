"""The folder of a baseline: like that of a run, but with baseline.yaml and policy.safetensors."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from configs.errors import UserError
from envs.task.config import TaskConfig
from training.baseline import config as baseline_config
from training.baseline.config import BaselineConfig
from training.baseline.policy import WEIGHTS
from training.runs import inputs
from training.runs.checkpoint import RunState
from training.runs.folder import RunDirectory, refuse_existing, refuse_resume


class BaselineFolder(RunDirectory):
    """Folder of one baseline.

    Args:
        path: Path of the folder.
        config: Config of the baseline.
        task: Settings of its task.
    """

    def __init__(self, path: Path, config: BaselineConfig, task: TaskConfig) -> None:
        super().__init__(path, config.task_name, {config.task_name: task}, config.seed)
        self.config = config

    @classmethod
    def create(cls, config: BaselineConfig, task: TaskConfig) -> "BaselineFolder":
        """Create a new folder. Raise UserError if it exists."""
        refuse_existing(config.folder)
        config.folder.mkdir(parents=True)
        baseline_config.save(config, task, config.folder)
        inputs.write(config.folder, {"env": asdict(task)})
        return cls(config.folder, config, task)

    @classmethod
    def resume(cls, overrides: Mapping[str, Any], path: Path, accept_changes: bool = False) -> "BaselineFolder":
        """Open the folder of an interrupted baseline with its saved config.

        Args:
            overrides: Overrides of the user, by key. Only `resume` and `resume_changed` are allowed.
            path: Path of the folder.
            accept_changes: True to resume although a file or module that the task names has changed.

        Raises:
            UserError: The folder has no baseline, the baseline is finished, there are other overrides, or something
                that the task names has changed.
        """
        if not baseline_config.is_baseline(path):
            run = (path / "config.yaml").is_file()
            hint = f"; for a run, use python -m training.run resume={path}" if run else ""
            raise UserError(f"resume={path}: no baseline in this folder (no {baseline_config.FILE}){hint}")
        allowed = ("resume", "resume_changed")
        refuse_resume(path, "baseline", {key: value for key, value in overrides.items() if key not in allowed})
        config, task = baseline_config.read(path)
        inputs.compare(path, {"env": asdict(task)}, accept_changes)
        return cls(path, config, task)

    def summary(self, progress: RunState) -> dict[str, Any]:
        """Return the contents of summary.json, apart from `env_steps`."""
        checkpoint = {"step": progress.total_steps, "path": WEIGHTS}
        return super().summary(progress) | {"observation": self.config.observation, "checkpoint": checkpoint}
