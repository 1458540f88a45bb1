"""What a baseline is trained with, how the command line says it, and how its folder keeps it."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from omegaconf import OmegaConf

from configs.cli import read_options, split
from configs.errors import UserError
from configs.schema import build, check_fields, field_types, load_yaml
from envs.task.config import TaskConfig, load_task

FILE = "baseline.yaml"


@dataclass
class BaselineConfig:
    """One baseline: RLlib's PPO on the task of a language model."""

    env: str = "football"
    """The task: a name of configs/env or a path ending in .yaml; env.k=value sets its keys."""
    name: str = ""
    """Name of the folder below `out`; empty: the task's name and -ppo (and the observation, if it is no picture)."""
    seed: int = 0
    """Seeds weights, starts and actions."""
    out: str = "runs"
    """Folder in which run folders are made."""
    resume: str = ""
    """Folder of a baseline to go on with."""
    steps: int = 200_000
    """Decisions to learn from, of all envs together."""
    observation: Literal["pixels", "simple115v2"] = "pixels"
    """What it sees: the model's own frames (a CNN), or football's vector of 115 numbers (an MLP)."""
    reward: Literal["return", "success"] = "return"
    """What it is paid: the env's own rewards (football's with GRF's checkpoints, if env.kwargs.rewards says nothing),
    or 1 for a success. Measured is success, by the task's own rule, either way."""
    lr: float = 1e-3
    """Learning rate at the start; it falls to 0 in a straight line."""
    entropy: float = 0.01
    """Entropy bonus at the start; it falls to 0 in a straight line."""
    vf_coef: float = 0.005
    """Weight of the value loss. Both heads share one body: where a rare win pays much, as in Sokoban, the values drown
    the policy from 0.02 on; on football's vector or an empty goal 0.1 is better."""
    gamma: float = 0.99
    """Discount of later rewards."""
    envs: int = 32
    """Episodes that are played side by side."""
    batch: int = 1024
    """Decisions an update; a multiple of `envs`."""
    epochs: int = 4
    """Passes over them, in minibatches of 256."""
    episodes: int = 256
    """Held-out test episodes, played before and after (starts that training never draws)."""
    evaluate_every: int = 20
    """Updates between two validations, of 128 held-out episodes each; 0 turns them off."""
    checkpoint_every: int = 20
    """Updates between two checkpoints."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if not re.fullmatch(r"[\w.-]*", self.name) or self.name in (".", ".."):
            raise ValueError(f"name may hold letters, digits and . _ - only (it names a folder), got {self.name!r}")
        for key in ("seed", "entropy", "vf_coef", "evaluate_every"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key} must not be negative, got {getattr(self, key)}")
        for key in ("steps", "envs", "epochs", "episodes", "checkpoint_every"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if self.lr <= 0:
            raise ValueError(f"lr must be greater than 0, got {self.lr:g}")
        if not 0 <= self.gamma <= 1:
            raise ValueError(f"gamma must be from 0 to 1, got {self.gamma:g}")
        if self.batch < self.envs or self.batch % self.envs:
            raise ValueError(f"batch must be a multiple of envs={self.envs}, got {self.batch}")

    @property
    def task_name(self) -> str:
        """The task's name: path/to/sums.yaml is sums."""
        return Path(self.env).stem

    @property
    def folder(self) -> Path:
        """Where a new baseline's folder will be."""
        own = "" if self.observation == "pixels" else f"-{self.observation}"
        return Path(self.out) / (self.name or f"{self.task_name}-ppo{own}")


def from_overrides(overrides: Mapping[str, Any]) -> tuple[BaselineConfig, TaskConfig]:
    """Return the config and the task that overrides ask for; UserError in one line."""
    of_task, own = split(overrides, "env")
    config = read_options(BaselineConfig, own)
    return config, load_task(config.env, of_task)


def save(config: BaselineConfig, task: TaskConfig, folder: Path) -> None:
    """Write `baseline.yaml`: the config, and the task as it was resolved."""
    text = OmegaConf.to_yaml(OmegaConf.create(asdict(config) | {"task": asdict(task)}))
    (folder / FILE).write_text(text, encoding="utf-8")


def read(folder: Path) -> tuple[BaselineConfig, TaskConfig]:
    """What `save` wrote; UserError in one line where it is damaged or of another version."""
    path = folder / FILE
    try:
        fields: dict[str, Any] = field_types(BaselineConfig) | {"task": TaskConfig}
        settings = check_fields(fields, load_yaml(path))
        task = build(TaskConfig, settings.pop("task", {}), "task")
        return build(BaselineConfig, settings), task
    except UserError as error:
        raise error if str(path) in str(error) else UserError(f"{path}: {error}") from None


def is_baseline(folder: Path) -> bool:
    """Whether a folder is a baseline's."""
    return (folder / FILE).is_file()


def baseline_tasks(folder: Path) -> dict[str, TaskConfig]:
    """The task of a baseline, as a language model would be given it."""
    config, task = read(folder)
    return {config.task_name: task}


def damaged(checkpoint: Path, why: Exception) -> UserError:
    """What to say of a checkpoint that cannot be read."""
    return UserError(f"{checkpoint} is damaged: {why or type(why).__name__}; remove it to go on before it")
