"""The configuration of a run: its dataclasses, and how files and command line make one.

A word `key=value` sets a key; `env=`, `model=`, `recipe=` and `cluster=` each name a file of configs/ (or any path
ending in .yaml). `env.k` is short for `tasks.<env>.k`, and `algo.k` sets k in every stage. Later wins:

    dataclass defaults < recipe `algo` < recipe `stages.X.algo` < word `algo.k` < word `stages.X.algo.k`
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from agents.engines import EngineConfig
from agents.models import ModelConfig
from envs.names import suggest
from envs.schema import (
    ConfigError,
    build,
    check_fields,
    keys,
    kind_at,
    kinds,
    load_yaml,
    merge,
    parse,
    unknown_key,
)
from envs.task_config import TaskConfig, task_settings
from training.algo import AlgoConfig

CONFIGS = Path(__file__).resolve().parents[1] / "configs"  # beside the packages, in a checkout as in a wheel
DEFAULTS = {"env": "football", "model": "tiny", "recipe": "tiny", "cluster": "local"}

E = TypeVar("E")


@dataclass
class ClusterConfig:
    """The machines of a run."""

    kind: str = "local"
    """Where it runs: local (one process)."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if self.kind != "local":
            raise ValueError(f"kind must be local, got {self.kind!r}")


@dataclass
class EvaluationConfig:
    """How success is measured during and after training."""

    episodes: int = 256
    """Held-out test episodes, played before and after (starts that training never draws)."""
    every: int = 10
    """Steps of the last stage between two validations; 0 turns them off."""
    validation_episodes: int = 128
    """Held-out validation episodes, played during training (never those of the test)."""
    tolerance: float = 0.1
    """Weights are good while validation success is at most this far below the best; the last good ones are reported."""
    videos: int = 4
    """Episodes filmed, the same ones before and after."""
    records: int = 16
    """Episodes whose records (frame, prompt, reply, a turn at a time) go into the run folder, before and after."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        for key in ("episodes", "validation_episodes"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        for key in ("every", "videos", "records", "tolerance"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key} must not be negative, got {getattr(self, key)}")


@dataclass
class StageConfig:
    """One stage of the pipeline: what is played, and how it is learned."""

    tasks: list[str] = field(default_factory=lambda: ["env"])
    """Tasks played, by name; `env` stands for the one that env= names."""
    steps: int = 0
    """Training steps; 0 leaves the stage out."""
    algo: AlgoConfig = field(default_factory=AlgoConfig)
    """The stage's numbers; algo.k on the command line sets k in every stage."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if not self.tasks:
            raise ValueError("tasks must name at least one task, such as env")
        if self.steps < 0:
            raise ValueError(f"steps must not be negative, got {self.steps}")


@dataclass
class Config:
    """Everything that decides a run."""

    name: str = ""
    """Name of the run folder below `out`; empty: the env's name."""
    seed: int = 0
    """Seeds everything: starts, sampling, order. The same seed gives the same numbers on the same machine."""
    out: str = "runs"
    """Folder in which run folders are made."""
    resume: str = ""
    """Run folder to go on with, to the same numbers as if it had never stopped."""
    env: str = DEFAULTS["env"]
    """The task to learn: a name, or a path ending in .yaml."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The model; model=NAME takes configs/model/NAME.yaml."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    """The engine, which generates the replies."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """The evaluation: how success is measured."""
    checkpoint_every: int = 10
    """Training steps between two checkpoints."""
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    """The machines; cluster=NAME takes configs/cluster/NAME.yaml."""
    tasks: dict[str, TaskConfig] = field(default_factory=dict)
    """Every task that a stage plays, by name; env.k is short for tasks.<env>.k."""
    stages: dict[str, StageConfig] = field(default_factory=dict)
    """The stages in their order; recipe=NAME takes them from configs/recipe/NAME.yaml."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if not re.fullmatch(r"[\w.-]*", self.name) or self.name in (".", ".."):
            raise ValueError(f"name may hold letters, digits and . _ - only (it names a folder), got {self.name!r}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        if self.checkpoint_every < 1:
            raise ValueError(f"checkpoint_every must be at least 1, got {self.checkpoint_every}")


def load(argv: Sequence[str]) -> Config:
    """The config that the words of a command line ask for; ConfigError in one clear line."""
    return _compose(argv, None)[0]


def load_with(argv: Sequence[str], extra: type[E]) -> tuple[Config, E]:
    """Like `load`, with the keys of one more dataclass beside the usual ones (they come first where names meet)."""
    config, options = _compose(argv, extra)
    return config, options


def save(config: Config, path: Path) -> None:
    """Write the whole config as YAML; `read` gives it back. OSError where the disk does not take it."""
    try:
        text = OmegaConf.to_yaml(OmegaConf.create(dataclasses.asdict(config)))
    except OmegaConfBaseException as error:
        raise ConfigError(f"a setting cannot be written as YAML: {' '.join(str(error).split())}") from error
    path.write_text(text, encoding="utf-8")


def read(path: Path) -> Config:
    """The config of an earlier run, as `save` wrote it."""
    try:
        config = build(Config, check_fields(kinds(Config), load_yaml(path)))
    except ConfigError as error:
        raise error if str(path) in str(error) else ConfigError(f"{path}: {error}") from None
    assert isinstance(config, Config)
    return config


def names(group: str) -> list[str]:
    """The names that a group (env, model, recipe, cluster) knows."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def group_file(group: str, name: str) -> dict[str, Any]:
    """The checked settings of configs/GROUP/NAME.yaml, or of a path ending in .yaml; tasks are the group env."""
    if group == "env":
        return task_settings(name)
    if not name.endswith(".yaml") and name not in names(group):
        raise ConfigError(suggest(group, name, names(group)))
    path = Path(name) if name.endswith(".yaml") else CONFIGS / group / f"{name}.yaml"
    in_recipe = ("stages", "engine", "evaluation", "checkpoint_every")
    fields = {
        "model": kinds(ModelConfig),
        "cluster": kinds(ClusterConfig),
        "recipe": {"algo": AlgoConfig} | {key: kinds(Config)[key] for key in in_recipe},
    }[group]
    try:
        return check_fields(fields, load_yaml(path))
    except ConfigError as error:
        shown = path if name.endswith(".yaml") else f"configs/{group}/{path.name}"
        raise ConfigError(f"{shown}: {error}" if str(path) not in str(error) else str(error)) from None


def _split(argv: Sequence[str]) -> dict[str, str]:
    """Words → {key: text}."""
    words: dict[str, str] = {}
    for word in argv:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise ConfigError(f"{word!r} is not of the form key=value (such as env=football); --help lists all keys")
        if key in words:
            raise ConfigError(f"{key} is given twice: {words[key]!r} and {text!r}")
        words[key] = text
    return words


def _task_name(name: str) -> str:
    """A task's name, or that of the file in which it is: path/to/sums.yaml → sums."""
    stem = Path(name).stem if name.endswith(".yaml") else name
    if not re.fullmatch(r"[\w-]*", stem):
        raise ConfigError(f"{name!r} is no name of an env: letters, digits, _ and - only (or a path ending in .yaml)")
    return stem


def _compose(argv: Sequence[str], extra: type[E] | None) -> tuple[Config, Any]:
    words = _split(argv)
    chosen = {group: words.pop(group, default) for group, default in DEFAULTS.items()}
    recipe = group_file("recipe", chosen["recipe"])
    env = _task_name(chosen["env"])
    stages: dict[str, Any] = recipe.get("stages", {})

    # Words that say what is played come first: which tasks exist decides which other keys do.
    files = {env: chosen["env"]}
    for name, stage in stages.items():
        key = f"stages.{name}.tasks"
        played = parse(list[str], words[key], key) if key in words else stage.get("tasks", ["env"])
        stage["tasks"] = [env if task == "env" else _task_name(task) for task in played]
        files |= {_task_name(task): task for task in played if task != "env" and _task_name(task) not in files}
    tasks = {task: group_file("env", file) for task, file in files.items()}

    options, settings = _settings(words, extra, env, list(tasks), list(stages))
    algo, stage_settings = settings.pop("algo", {}), settings.pop("stages", {})
    build(AlgoConfig, merge(recipe.get("algo", {}), algo), "algo")
    for name, stage in stages.items():
        own = stage_settings.get(name, {}) | {"tasks": stage["tasks"]}
        stages[name] = merge({"algo": recipe.get("algo", {})}, stage, {"algo": algo}, own)
    base = {key: value for key, value in recipe.items() if key not in ("algo", "stages")}
    base |= {"model": group_file("model", chosen["model"]), "cluster": group_file("cluster", chosen["cluster"])}
    config = build(Config, merge(base, {"env": env, "tasks": tasks}, settings, {"stages": stages}))
    config.name = config.name or env
    return config, build(extra, options) if extra else None


def _settings(
    words: Mapping[str, str], extra: type | None, env: str, tasks: list[str], stages: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Words → nested settings, each checked against its kind: those of `extra`, and those of the config."""
    extra_kinds = kinds(extra) if extra else {}
    fields = {**kinds(Config), "algo": AlgoConfig, "env": TaskConfig, **extra_kinds}
    known = keys(fields)
    known += keys({f"tasks.{task}": TaskConfig for task in tasks}) + keys({f"stages.{s}": StageConfig for s in stages})
    options: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for key, text in words.items():
        path = key.split(".")
        members = {"tasks": tasks, "stages": stages}.get(path[0])
        if path == ["env"] or (members is not None and (len(path) < 3 or path[1] not in members)):
            raise unknown_key(key, known)
        try:
            value = parse(kind_at(fields, path), text, key)
        except KeyError:
            raise unknown_key(key, known) from None
        target = options if path[0] in extra_kinds else settings
        if path[0] == "env" and target is settings:
            path[:1] = ["tasks", env]
        if not _put(target, path, value):
            raise ConfigError(f"{key}={text} meets another word that sets the same key or a part of it")
    return options, settings


def _put(settings: dict[str, Any], path: list[str], value: Any) -> bool:
    """Set one nested key; False where it, or a group it would be in, has a value already."""
    group: Any = settings
    for part in path[:-1]:
        group = group.setdefault(part, {})
        if not isinstance(group, dict):
            return False
    if path[-1] in group:
        return False
    group[path[-1]] = value
    return True
