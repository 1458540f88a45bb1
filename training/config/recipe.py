"""Files of configs/: their names, their checked settings, and recipes that extend a base recipe."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.engines.config import EngineConfig
from agents.models.config import ModelConfig
from configs.errors import UserError, suggest
from configs.files import load_yaml
from configs.help import json_schema
from configs.schema import Settings, check_fields, field_types, merge
from configs.types import PositiveInt
from envs.task.config import TaskConfig, TaskFile, task_settings
from envs.task.suites import Choice, Suite
from training.config.algo import AlgoConfig
from training.config.cluster import ClusterConfig
from training.config.learner import LearnerConfig
from training.config.stages import EvaluationConfig, StageConfig

CONFIGS = Path(__file__).resolve().parents[2] / "configs"  # next to the packages, both in a checkout and in a wheel


@dataclass
class Recipe(Settings):
    """Contents of a file in configs/recipe. Overrides take precedence over all of them."""

    base: str = ""
    """Recipe to extend. The settings of this file replace those of the base, key by key."""
    env: Choice = ""
    """Default for env=."""
    model: str = ""
    """Default for model=."""
    cluster: str = ""
    """Default for cluster=."""
    suites: dict[str, Suite] = field(default_factory=dict)
    """Additional suites. A suite with a name from envs/task/suites.py replaces it."""
    tasks: dict[str, TaskConfig] = field(default_factory=dict)
    """Task settings, which replace those of configs/env/NAME.yaml key by key."""
    algo: AlgoConfig = field(default_factory=AlgoConfig)
    """Algorithm settings of every stage."""
    stages: dict[str, StageConfig] = field(default_factory=dict)
    """Stages in order."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    checkpoint_every: PositiveInt = 10


GROUPS = {"env": TaskFile, "model": ModelConfig, "recipe": Recipe, "cluster": ClusterConfig}
"""Group of files, a folder in configs/ → dataclass of their contents."""


def names(group: str) -> list[str]:
    """Return the names of a group's files."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def group_file(group: str, name: str) -> dict[str, Any]:
    """Return the checked settings of configs/GROUP/NAME.yaml, or of a path ending in .yaml.

    Any other model name with a slash is a folder or a hub name.

    Raises:
        UserError: the name is unknown, or the file has an unknown key.
    """
    own = name.endswith(".yaml")
    if group == "env":
        return task_settings(name)
    if group == "model" and "/" in name and not own:
        return {"path": name}
    if not own and name not in names(group):
        raise UserError(suggest(group, name, names(group)))
    path = Path(name) if own else CONFIGS / group / f"{name}.yaml"
    try:
        settings = check_fields(field_types(GROUPS[group]), load_yaml(path))
        return _on_base(settings) if group == "recipe" else settings
    except UserError as error:
        shown = path if own else f"configs/{group}/{path.name}"
        raise UserError(f"{shown}: {error}" if str(path) not in str(error) else str(error)) from None


def file_schema(group: str) -> str:
    """Return the JSON schema of a group's files as text; raise UserError if the group is unknown."""
    if group not in GROUPS:
        raise UserError(suggest("group of files", group, GROUPS))
    return json.dumps(json_schema(GROUPS[group]), indent=1, ensure_ascii=False)


def _on_base(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a recipe merged over those of its base. A base must not have a base itself."""
    name = settings.pop("base", "")
    if not name:
        return settings
    base = load_yaml(CONFIGS / "recipe" / f"{name}.yaml") if name in names("recipe") else None
    if base is None or "base" in base:
        bases = [one for one in names("recipe") if "base" not in load_yaml(CONFIGS / "recipe" / f"{one}.yaml")]
        raise UserError(suggest("base", name, bases))
    return merge(check_fields(field_types(Recipe), base), settings)
