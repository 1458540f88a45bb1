"""The configuration of a run, and how files and command line make one.

A word `key=value` sets a key; `env=`, `model=`, `recipe=` and `cluster=` each name a file of configs/ (or any path
ending in .yaml). `env=` takes several tasks too (envs/task/suites.py); `env.k` is short for `tasks.NAME.k` of each of
them, `algo.k` sets k in every stage, and `stages=mgt` leaves the other stages out. Later wins:

    dataclass defaults < recipe `algo` < recipe `stages.X.algo` < word `algo.k` < word `stages.X.algo.k`
    configs/env/NAME.yaml < recipe `stages.X.max_reply_tokens` < recipe `tasks.NAME` < word
        `stages.X.max_reply_tokens` < word `env.k` < word `tasks.NAME.k`
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from agents.engines.config import EngineConfig
from agents.models.load import ModelConfig
from configs.errors import suggest
from configs.schema import ConfigError, build, check_fields, keys, kind_at, kinds, load_yaml, merge, parse, unknown_key
from envs.task.config import TaskConfig, task_names, variants
from envs.task.suites import SUITES, Choice, Suite, weigh
from training.cluster.placement import ClusterConfig
from training.config.algo import AlgoConfig
from training.config.learner import LearnerConfig
from training.config.recipe import CONFIGS, group_file, names
from training.config.stages import EvaluationConfig, StageConfig
from training.runs.trackers import trackers

__all__ = [
    "CONFIGS", "DEFAULTS", "ClusterConfig", "Config", "ConfigError", "EvaluationConfig", "StageConfig", "group_file",
    "load", "load_with", "names", "read", "save",
]  # fmt: skip

DEFAULTS = {"env": "football", "model": "tiny", "recipe": "tiny", "cluster": "local"}

E = TypeVar("E")


@dataclass
class Config:
    """Everything that decides a run."""

    name: str = ""
    """Name of the run folder below `out`; empty: what env= or recipe= names."""
    seed: int = 0
    """Seeds everything: starts, sampling, order. The same seed gives the same numbers on the same machine."""
    out: str = "runs"
    """Folder in which run folders are made."""
    resume: str = ""
    """Run folder to go on with: with the transformers engine and max_staleness 0 to the same numbers as if it had never
    stopped. Only the machines (cluster) may be others."""
    envs: list[str] = field(default_factory=lambda: [DEFAULTS["env"]])
    """The tasks to learn, as env= named them. All are measured; the first is the main one, which is filmed too."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The model; model=NAME takes configs/model/NAME.yaml."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    """The engine, which generates the replies."""
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    """The learner: how it computes."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """The evaluation: how success is measured."""
    track: str = "tensorboard"
    """Where metrics are drawn while they come: tensorboard, wandb (Weights & Biases), tensorboard,wandb or none."""
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
        trackers(self.track)
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        if self.checkpoint_every < 1:
            raise ValueError(f"checkpoint_every must be at least 1, got {self.checkpoint_every}")

    @property
    def env(self) -> str:
        """The main task: the first that env= names."""
        return self.envs[0]

    @property
    def played(self) -> dict[str, StageConfig]:
        """The stages that have steps, in their order."""
        return {name: stage for name, stage in self.stages.items() if stage.steps}


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


def _compose(argv: Sequence[str], extra: type[E] | None) -> tuple[Config, Any]:
    words = _split(argv)
    given = {group: words.pop(group) for group in DEFAULTS if group in words}
    recipe = group_file("recipe", given.get("recipe", DEFAULTS["recipe"]))
    suites = SUITES | recipe.pop("suites", {})
    usual = recipe.pop("env", DEFAULTS["env"])
    chosen = _choice(given["env"], "env") if "env" in given else usual
    stages: dict[str, Any] = _only(words.pop("stages", None), recipe.pop("stages", {}))

    # Words that say what is played come first: which tasks exist decides which other keys do.
    files: dict[str, str] = {}
    known = [*task_names(), *suites]
    wanted = _weigh(chosen, suites, "env")
    envs = list(_named(files, wanted, known))
    for name, stage in stages.items():
        key = f"stages.{name}.tasks"
        played = _choice(words.pop(key), key) if key in words else stage.get("tasks", ["env"])
        stage["tasks"] = _named(files, _weigh(played, suites | {"env": wanted}, key), known)
    options, settings = _settings(words, extra, list(files), list(stages))

    tasks = _tasks(files, envs, stages, recipe.pop("tasks", {}), settings)
    common, algo, own = recipe.pop("algo", {}), settings.pop("algo", {}), settings.pop("stages", {})
    build(AlgoConfig, merge(common, algo), "algo")
    for name, stage in stages.items():
        stages[name] = merge({"algo": common}, stage, {"algo": algo}, own.get(name, {}))
    for group in ("model", "cluster"):
        recipe[group] = group_file(group, given.get(group, recipe.get(group) or DEFAULTS[group]))
    config = build(Config, merge(recipe, {"envs": envs, "tasks": tasks}, settings, {"stages": stages}))
    config.name = config.name or _run_name(given, config.envs, suites)
    return config, build(extra, options) if extra else None


def _only(word: str | None, stages: Mapping[str, Any]) -> dict[str, Any]:
    """The stages that `stages=a,b` names, in the recipe's order; all of them without the word."""
    chosen = list(stages) if word is None else [name.strip() for name in word.strip("[]").split(",")]
    for name in chosen:
        if name not in stages:
            raise ConfigError(suggest("stage", name, stages))
    return {name: stage for name, stage in stages.items() if name in chosen}


def _choice(text: str, key: str) -> Choice:
    """The tasks that a word names."""
    choice: Choice = parse(list[str] | dict[str, float], text, key) if text[:1] in ("[", "{") else text
    return choice


def _weigh(choice: Choice, suites: Mapping[str, Suite], key: str) -> dict[str, float]:
    """Task, or the file in which it is → weight."""
    try:
        return weigh(choice, suites)
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from None


def _named(files: dict[str, str], weights: Mapping[str, float], known: Sequence[str]) -> dict[str, float]:
    """The tasks by name: path/to/sums.yaml is sums. Adds them to `files`, name → file."""
    named = {}
    for file, weight in weights.items():
        name = Path(file).stem if file.endswith(".yaml") else file
        if not re.fullmatch(r"[\w-]*", name):
            raise ConfigError(
                f"{file!r} is no name of an env: letters, digits, _ and - only (or a path ending in .yaml)"
            )
        if file == name and name not in known:
            raise ConfigError(suggest("env", name, known, variants()))
        if files.setdefault(name, file) != file:
            raise ConfigError(f"two tasks are called {name}: {files[name]} and {file}; rename one of the files")
        named[name] = weight
    return named


def _tasks(
    files: Mapping[str, str],
    envs: Sequence[str],
    stages: Mapping[str, Any],
    recipe: Mapping[str, Any],
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Name → settings of every task; takes `env` and `tasks` out of the words' settings."""
    for name in recipe:
        if name not in files and name not in task_names():
            raise ConfigError(suggest("task", name, [*files, *task_names()]))
    env, own, in_stages = settings.pop("env", {}), settings.pop("tasks", {}), settings.get("stages", {})
    tasks = {}
    for name, file in files.items():
        playing = [stage for stage in stages if name in stages[stage]["tasks"]]
        usual = _reply({stages[stage].get("max_reply_tokens") for stage in playing})
        asked = _reply({in_stages.get(stage, {}).get("max_reply_tokens") for stage in playing})
        by_word = env if name in envs else {}
        layers = (group_file("env", file), usual, recipe.get(name, {}), asked, by_word, own.get(name, {}))
        tasks[name] = merge(*layers)
    return tasks


def _reply(lengths: set[int | None]) -> dict[str, int]:
    """The longest reply that a task's stages give it; a task has one, so the longest where they differ."""
    given = [length for length in lengths if length is not None]
    return {"max_reply_tokens": max(given)} if given else {}


def _run_name(given: Mapping[str, str], envs: Sequence[str], suites: Mapping[str, Suite]) -> str:
    """What the user named: a suite or up to three tasks, else the recipe."""
    if "env" in given and given["env"] in suites:
        return given["env"]
    if "env" not in given and "recipe" in given and len(envs) > 1:
        return Path(given["recipe"]).stem
    return "-".join(envs) if len(envs) <= 3 else f"{envs[0]}-and-{len(envs) - 1}-more"


def _settings(
    words: Mapping[str, str], extra: type | None, tasks: Sequence[str], stages: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Words → nested settings, each checked against its kind: those of `extra`, and those of the config."""
    extra_kinds = kinds(extra) if extra else {}
    fields = {**kinds(Config), "algo": AlgoConfig, "env": TaskConfig, **extra_kinds}
    del fields["envs"]
    known = [*DEFAULTS, "stages", *keys(fields)]
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
        if not _put(options if path[0] in extra_kinds else settings, path, value):
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
