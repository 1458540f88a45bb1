"""The config of a baseline: its fields, the command line and the file `baseline.yaml`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from configs.cli import read_options, split
from configs.errors import UserError
from configs.files import load_yaml, to_yaml
from configs.schema import Settings, build, check_fields, field_types
from configs.types import Fraction, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from envs.task.config import TaskConfig, load_task
from envs.task.openenv import task_name
from training.config.run import check_folder_name

FILE = "baseline.yaml"


@dataclass
class BaselineConfig(Settings):
    """Config of one baseline: RLlib's PPO on the task of a language model."""

    env: str = "football"
    """Task: a name in configs/env or a path ending in .yaml. env.k=value sets its keys."""
    name: str = ""
    """Folder name below `out`. Empty: the task's name with -ppo (and the observation, unless it is pixels)."""
    seed: NonNegativeInt = 0
    """Seed of weights, starts and actions."""
    out: str = "runs"
    """Folder for run folders."""
    resume: str = ""
    """Folder of a baseline to resume."""
    resume_changed: bool = False
    """Resume although a file or module that the task names has changed."""
    steps: PositiveInt = 200_000
    """Total number of decisions to train on, summed over all envs."""
    observation: Literal["pixels", "simple115v2"] = "pixels"
    """Observation: pixels (the images of the language model, for a CNN) or simple115v2 (football's vector of 115
    numbers, for an MLP)."""
    reward: Literal["return", "success"] = "return"
    """Reward: return (the env rewards) or success (1 for a success). With return, football adds GRF's checkpoints
    unless env.kwargs.rewards is set. Results always report success by the task's own rule."""
    lr: PositiveFloat = 1e-3
    """Initial learning rate, with linear decay to 0."""
    entropy: NonNegativeFloat = 0.01
    """Initial entropy bonus, with linear decay to 0."""
    vf_coef: NonNegativeFloat = 0.005
    """Weight of the value loss. Policy and value share one network. With rare large rewards, as in Sokoban, the value
    loss dominates from 0.02 on. For football's vector or an empty goal, 0.1 is better."""
    gamma: Fraction = 0.99
    """Discount factor."""
    envs: PositiveInt = 32
    """Number of parallel envs."""
    batch: PositiveInt = 1024
    """Number of decisions per update, a multiple of `envs`."""
    epochs: PositiveInt = 4
    """Number of passes over each batch, in minibatches of 256."""
    episodes: PositiveInt = 256
    """Number of held-out test episodes before and after training."""
    evaluate_every: NonNegativeInt = 20
    """Number of updates between two validations, of 128 held-out episodes each. 0 disables them."""
    checkpoint_every: PositiveInt = 20
    """Number of updates between two checkpoints."""

    def __post_init__(self) -> None:
        """Check the values, the name and the batch."""
        super().__post_init__()
        check_folder_name(self.name)
        if self.batch < self.envs or self.batch % self.envs:
            raise ValueError(f"batch must be a multiple of envs={self.envs}, got {self.batch}")

    @property
    def task_name(self) -> str:
        """Name of the task: `sums` for path/to/sums.yaml."""
        return task_name(self.env)

    @property
    def folder(self) -> Path:
        """Path of the folder of a new baseline."""
        own = "" if self.observation == "pixels" else f"-{self.observation}"
        return Path(self.out) / (self.name or f"{self.task_name}-ppo{own}")


def from_overrides(overrides: Mapping[str, Any]) -> tuple[BaselineConfig, TaskConfig]:
    """Return the config and the task for some overrides. Raise UserError (one line) if they are invalid.

    The network plays one action per turn. A task with several actions per reply therefore gets as many more turns.
    """
    of_task, own = split(overrides, "env")
    config = read_options(BaselineConfig, own)
    task = load_task(config.env, of_task)
    if task.actions and not task.in_parts:
        task = task.with_single_actions()
    return config, task


def save(config: BaselineConfig, task: TaskConfig, folder: Path) -> None:
    """Write `baseline.yaml` with the config and the resolved task.

    Args:
        config: Config of the baseline.
        task: Settings of its task.
        folder: Folder of the baseline.
    """
    text = to_yaml(asdict(config) | {"task": asdict(task)})
    (folder / FILE).write_text(text, encoding="utf-8")


def read(folder: Path) -> tuple[BaselineConfig, TaskConfig]:
    """Read a file written by `save`. Raise UserError (one line) if it is damaged or from another version."""
    path = folder / FILE
    try:
        fields: dict[str, Any] = field_types(BaselineConfig) | {"task": TaskConfig}
        settings = check_fields(fields, load_yaml(path))
        task = build(TaskConfig, settings.pop("task", {}), "task")
        return build(BaselineConfig, settings), task
    except UserError as error:
        raise error if str(path) in str(error) else UserError(f"{path}: {error}") from None


def is_baseline(folder: Path) -> bool:
    """Return True if a folder contains a baseline."""
    return (folder / FILE).is_file()


def baseline_tasks(folder: Path) -> dict[str, TaskConfig]:
    """Return the task of a baseline by name, as for a language model."""
    config, task = read(folder)
    return {config.task_name: task}
