"""Composition of a run's config from files and overrides.

An override `key=value` sets a key. The overrides `env=`, `model=`, `recipe=` and `cluster=` name a file of configs/, or
a path ending in .yaml. `env=` also takes several tasks (envs/task/suites.py). `env.k` is short for `tasks.NAME.k` of
each of them. `algo.k` sets k in every stage. `stages=mgt` skips the other stages. Later sources take precedence:

    dataclass defaults < recipe `algo` < recipe `stages.X.algo` < override `algo.k` < override `stages.X.algo.k`
    configs/env/NAME.yaml < recipe `stages.X.max_reply_tokens` < recipe `tasks.NAME` < override
        `stages.X.max_reply_tokens` < override `env.k` < override `tasks.NAME.k`
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from configs.cli import parse_overrides
from configs.errors import UserError, suggest
from configs.schema import build, field_types, keys, leaves, merge, parse, type_at, unknown_key
from envs.task.config import TaskConfig, task_names, variants
from envs.task.openenv import is_file, task_name
from envs.task.suites import SUITES, Choice, Suite, weigh
from training.config.algo import AlgoConfig
from training.config.recipe import group_file
from training.config.run import DEFAULTS, Config
from training.config.stages import StageConfig

E = TypeVar("E")


@dataclass(frozen=True)
class Composed(Generic[E]):
    """Config with the source of each value."""

    config: Config
    options: E
    """Values of the command's own keys."""
    overrides: Mapping[str, Any]
    """Overrides by dotted key, as the user gave them."""
    sources: Mapping[str, str]
    """Dotted key → source: a file of configs/, a recipe, or the caller's. Keys with default values are missing."""


@dataclass
class NoOptions:
    """Options of a command that has only config keys."""


def load(words: Sequence[str]) -> Config:
    """Return the config for `key=value` overrides; raise UserError if one is invalid."""
    return compose(parse_overrides(words), NoOptions).config


def compose(overrides: Mapping[str, Any], options: type[E], origin: str = "command line") -> Composed[E]:
    """Return the config for a set of overrides.

    Args:
        overrides: Dotted key → text as on the command line, or a value of the key's type.
        options: Dataclass of the command's own keys. They take precedence over config keys with the same name.
        origin: Source of the overrides, for `sources`.

    Raises:
        UserError: a key is unknown or a value is invalid.
    """
    left = dict(overrides)
    given = {group: left.pop(group) for group in DEFAULTS if group in left}
    recipe_name = given.get("recipe", DEFAULTS["recipe"])
    recipe, from_recipe = group_file("recipe", recipe_name), f"recipe {recipe_name}"
    suites = SUITES | recipe.pop("suites", {})
    usual = recipe.pop("env", None)
    chosen = _choice(given["env"], "env") if "env" in given else usual or DEFAULTS["env"]
    stages: dict[str, Any] = _only(left.pop("stages", None), recipe.pop("stages", {}))

    # The overrides that choose tasks come first: the other valid keys depend on the tasks.
    files: dict[str, str] = {}
    known = [*task_names(), *suites]
    wanted = _weigh(chosen, suites, "env")
    envs = list(_named(files, wanted, known))
    sources = Sources()
    if "env" in given or usual:
        sources.note(origin if "env" in given else from_recipe, {"envs": envs})
    for name, stage in stages.items():
        key = f"stages.{name}.tasks"
        own_tasks = key in left
        played = _choice(left.pop(key), key) if own_tasks else stage.get("tasks", ["env"])
        stage["tasks"] = _named(files, _weigh(played, suites | {"env": wanted}, key), known)
        if own_tasks and "teachers" in stage:  # the recipe's other teachers have nothing to teach
            stage["teachers"] = {task: one for task, one in stage["teachers"].items() if task in stage["tasks"]}
    own_options, settings = _settings(left, options, list(files), list(stages))

    tasks = _tasks(files, envs, stages, recipe.pop("tasks", {}), settings, sources, (from_recipe, origin))
    common, algo, own = recipe.pop("algo", {}), settings.pop("algo", {}), settings.pop("stages", {})
    build(AlgoConfig, merge(common, algo), "algo")
    for name, stage in stages.items():
        layers = [(from_recipe, {"algo": common}), (from_recipe, stage)]
        layers += [(origin, {"algo": algo}), (origin, own.get(name, {}))]
        stages[name] = sources.merge(f"stages.{name}", layers)
        if f"stages.{name}.tasks" in overrides:
            sources.note(origin, {"stages": {name: {"tasks": []}}})
    sources.note(from_recipe, {key: value for key, value in recipe.items() if key not in ("model", "cluster")})
    for group in ("model", "cluster"):
        choice = given.get(group, recipe.get(group) or DEFAULTS[group])
        recipe[group] = group_file(group, choice)
        sources.note(f"{group} {choice}", {group: recipe[group]})
    sources.note(origin, settings)
    config = build(Config, merge(recipe, {"envs": envs, "tasks": tasks}, settings, {"stages": stages}))
    config.name = config.name or _run_name(given, config.envs, suites)
    built = build(options, own_options)
    assert isinstance(built, options)
    return Composed(config, built, overrides, sources.by_key)


class Sources:
    """Source of each value by dotted key. A later source replaces an earlier one."""

    def __init__(self) -> None:
        self.by_key: dict[str, str] = {}

    def note(self, source: str, settings: Mapping[str, Any], prefix: str = "") -> None:
        """Set the source of all values in nested settings."""
        self.by_key |= dict.fromkeys(leaves(settings, prefix), source)

    def merge(self, key: str, layers: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
        """Merge layers of settings and note their sources.

        Args:
            key: Dotted key of the settings.
            layers: Pairs (source, settings). Later layers take precedence.
        """
        merged: dict[str, Any] = {}
        for source, settings in layers:
            self.note(source, settings, f"{key}.")
            merged = merge(merged, settings)
        return merged


def _only(word: Any, stages: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stages of the override `stages=a,b` in the recipe's order, or all stages without it."""
    if word is None:
        chosen = list(stages)
    else:
        chosen = [name.strip() for name in word.strip("[]").split(",")] if isinstance(word, str) else list(word)
    for name in chosen:
        if name not in stages:
            raise UserError(suggest("stage", name, stages))
    return {name: stage for name, stage in stages.items() if name in chosen}


def _choice(given: Any, key: str) -> Choice:
    """Return the tasks of an override."""
    plain = isinstance(given, str) and given[:1] not in ("[", "{")
    choice: Choice = given if plain else parse(list[str] | dict[str, float], given, key)
    return choice


def _weigh(choice: Choice, suites: Mapping[str, Suite], key: str) -> dict[str, float]:
    """Return task (a name or a file) → weight."""
    try:
        return weigh(choice, suites)
    except UserError as error:
        raise UserError(f"{key}: {error}") from None


def _named(files: dict[str, str], weights: Mapping[str, float], known: Sequence[str]) -> dict[str, float]:
    """Return task name → weight, and add name → file to `files`. The name of path/to/sums.yaml is sums."""
    named = {}
    for file, weight in weights.items():
        name = task_name(file)
        if not re.fullmatch(r"[\w-]*", name):
            raise UserError(f"{file!r} is no env name; use letters, digits, _ and - only, or a path ending in .yaml")
        if file == name and name not in known:
            raise UserError(suggest("env", name, known, variants()))
        if files.setdefault(name, file) != file:
            raise UserError(f"two tasks have the name {name}: {files[name]} and {file}; rename one of the files")
        named[name] = weight
    return named


def _tasks(
    files: Mapping[str, str],
    envs: Sequence[str],
    stages: Mapping[str, Any],
    recipe: Mapping[str, Any],
    settings: dict[str, Any],
    sources: Sources,
    origins: tuple[str, str],
) -> dict[str, Any]:
    """Return task name → settings. Removes `env` and `tasks` from the overrides' settings.

    The sources of the settings are the file of each task and `origins`, those of the recipe and of the overrides.
    """
    from_recipe, origin = origins
    for name in recipe:
        if name not in files and name not in task_names():
            raise UserError(suggest("task", name, [*files, *task_names()]))
    env, own, in_stages = settings.pop("env", {}), settings.pop("tasks", {}), settings.get("stages", {})
    tasks = {}
    for name, file in files.items():
        playing = [stage for stage in stages if name in stages[stage]["tasks"]]
        usual = _reply({stages[stage].get("max_reply_tokens") for stage in playing})
        asked = _reply({in_stages.get(stage, {}).get("max_reply_tokens") for stage in playing})
        by_word = env if name in envs else {}
        path = file if is_file(file) else f"configs/env/{file}.yaml"
        layers = [(path, group_file("env", file)), (from_recipe, usual), (from_recipe, recipe.get(name, {}))]
        layers += [(origin, asked), (origin, by_word), (origin, own.get(name, {}))]
        tasks[name] = sources.merge(f"tasks.{name}", layers)
    return tasks


def _reply(lengths: set[int | None]) -> dict[str, int]:
    """Return the reply length of a task: the largest value among its stages, since a task has only one."""
    given = [length for length in lengths if length is not None]
    return {"max_reply_tokens": max(given)} if given else {}


def _run_name(given: Mapping[str, Any], envs: Sequence[str], suites: Mapping[str, Suite]) -> str:
    """Return the default name of a run: the suite, the recipe or up to three tasks."""
    env = given.get("env")
    if isinstance(env, str) and env in suites:
        return env
    if "env" not in given and "recipe" in given and len(envs) > 1:
        return Path(given["recipe"]).stem
    return "-".join(envs) if len(envs) <= 3 else f"{envs[0]}-and-{len(envs) - 1}-more"


def _settings(
    overrides: Mapping[str, Any], options_type: type, tasks: Sequence[str], stages: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the checked overrides as nested settings: those of the command and those of the config."""
    extra_kinds = field_types(options_type)
    fields = {**field_types(Config), "algo": AlgoConfig, "env": TaskConfig, **extra_kinds}
    del fields["envs"]
    own = {f"tasks.{task}": TaskConfig for task in tasks} | {f"stages.{stage}": StageConfig for stage in stages}
    known = [*DEFAULTS, "stages", *keys(fields), *keys(own)]
    options: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for key, given in overrides.items():
        path = key.split(".")
        members = {"tasks": tasks, "stages": stages}.get(path[0])
        if path == ["env"] or (members is not None and (len(path) < 3 or path[1] not in members)):
            raise unknown_key(key, known)
        try:
            value = parse(type_at(fields, path), given, key)
        except KeyError:
            raise unknown_key(key, known) from None
        if not _put(options if path[0] in extra_kinds else settings, path, value):
            raise UserError(f"{key}={given} conflicts with another override of the same key or of a part of it")
    return options, settings


def _put(settings: dict[str, Any], path: list[str], value: Any) -> bool:
    """Set a nested key. Return False if the key or one of its parents already has a value."""
    group: Any = settings
    for part in path[:-1]:
        group = group.setdefault(part, {})
        if not isinstance(group, dict):
            return False
    if path[-1] in group:
        return False
    group[path[-1]] = value
    return True
