"""The files of configs/: which there are, what each may say, and recipes that build on another."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.engines.config import EngineConfig
from agents.models.config import ModelConfig
from configs.errors import UserError, suggest
from configs.schema import check_fields, field_types, load_yaml, merge
from envs.task.config import TaskConfig, task_settings
from envs.task.suites import Choice, Suite
from training.config.algo import AlgoConfig
from training.config.cluster import ClusterConfig
from training.config.learner import LearnerConfig
from training.config.stages import EvaluationConfig, StageConfig

CONFIGS = Path(__file__).resolve().parents[2] / "configs"  # beside the packages, in a checkout as in a wheel


@dataclass
class Recipe:
    """What a file of configs/recipe may say. Words of the command line are stronger than all of it."""

    base: str = ""
    """Recipe that this one builds on: what is said here goes over it, key by key."""
    env: Choice = ""
    """Tasks that it is for, as env= takes them."""
    model: str = ""
    """Model that it is for, as model= takes it."""
    cluster: str = ""
    """Machines that it is for, as cluster= takes them."""
    suites: dict[str, Suite] = field(default_factory=dict)
    """Suites of its own, or other tasks for a suite of envs/task/suites.py."""
    tasks: dict[str, TaskConfig] = field(default_factory=dict)
    """Settings of tasks, over those of configs/env/NAME.yaml."""
    algo: AlgoConfig = field(default_factory=AlgoConfig)
    """Numbers of every stage."""
    stages: dict[str, StageConfig] = field(default_factory=dict)
    """The stages in their order."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    checkpoint_every: int = 10


def names(group: str) -> list[str]:
    """The names that a group (env, model, recipe, cluster) knows."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def group_file(group: str, name: str) -> dict[str, Any]:
    """The checked settings of configs/GROUP/NAME.yaml, or of a path ending in .yaml; tasks are the group env.

    A model may also be a folder or a hub name: anything else with a slash in it.
    """
    own = name.endswith(".yaml")
    if group == "env":
        return task_settings(name)
    if group == "model" and "/" in name and not own:
        return {"path": name}
    if not own and name not in names(group):
        raise UserError(suggest(group, name, names(group)))
    path = Path(name) if own else CONFIGS / group / f"{name}.yaml"
    cls = {"model": ModelConfig, "cluster": ClusterConfig, "recipe": Recipe}[group]
    try:
        settings = check_fields(field_types(cls), load_yaml(path))
        return _on_base(settings) if group == "recipe" else settings
    except UserError as error:
        shown = path if own else f"configs/{group}/{path.name}"
        raise UserError(f"{shown}: {error}" if str(path) not in str(error) else str(error)) from None


def _on_base(settings: dict[str, Any]) -> dict[str, Any]:
    """A recipe's settings over those of its base, which has no base of its own."""
    name = settings.pop("base", "")
    if not name:
        return settings
    base = load_yaml(CONFIGS / "recipe" / f"{name}.yaml") if name in names("recipe") else None
    if base is None or "base" in base:
        bases = [one for one in names("recipe") if "base" not in load_yaml(CONFIGS / "recipe" / f"{one}.yaml")]
        raise UserError(suggest("base", name, bases))
    return merge(check_fields(field_types(Recipe), base), settings)
