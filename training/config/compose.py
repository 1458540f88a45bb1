"""The configuration of a run, and how files and command line make one.

A word `key=value` sets a key; `env=`, `model=`, `recipe=` and `cluster=` each name a file of configs/ (or any path
ending in .yaml). `env=` takes several tasks too (envs/task/suites.py); `env.k` is short for `tasks.NAME.k` of each of
them, `algo.k` sets k in every stage, and `stages=mgt` leaves the other stages out. Later wins:

    dataclass defaults < recipe `algo` < recipe `stages.X.algo` < word `algo.k` < word `stages.X.algo.k`
    configs/env/NAME.yaml < recipe `stages.X.max_reply_tokens` < recipe `tasks.NAME` < word
        `stages.X.max_reply_tokens` < word `env.k` < word `tasks.NAME.k`
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from configs.errors import UserError, suggest
from configs.schema import build, keys, kind_at, kinds, merge, parse, unknown_key
from envs.task.config import TaskConfig, task_names, variants
from envs.task.suites import SUITES, Choice, Suite, weigh
from training.config.algo import AlgoConfig
from training.config.recipe import group_file
from training.config.run import DEFAULTS, Config
from training.config.stages import StageConfig

E = TypeVar("E")


def load(argv: Sequence[str]) -> Config:
    """The config that the words of a command line ask for; UserError in one clear line."""
    return _compose(argv, None)[0]


def load_with(argv: Sequence[str], extra: type[E]) -> tuple[Config, E]:
    """Like `load`, with the keys of one more dataclass beside the usual ones (they come first where names meet)."""
    config, options = _compose(argv, extra)
    return config, options


def _split(argv: Sequence[str]) -> dict[str, str]:
    """Words → {key: text}."""
    words: dict[str, str] = {}
    for word in argv:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise UserError(f"{word!r} is not of the form key=value (such as env=football); --help lists all keys")
        if key in words:
            raise UserError(f"{key} is given twice: {words[key]!r} and {text!r}")
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
            raise UserError(suggest("stage", name, stages))
    return {name: stage for name, stage in stages.items() if name in chosen}


def _choice(text: str, key: str) -> Choice:
    """The tasks that a word names."""
    choice: Choice = parse(list[str] | dict[str, float], text, key) if text[:1] in ("[", "{") else text
    return choice


def _weigh(choice: Choice, suites: Mapping[str, Suite], key: str) -> dict[str, float]:
    """Task, or the file in which it is → weight."""
    try:
        return weigh(choice, suites)
    except UserError as error:
        raise UserError(f"{key}: {error}") from None


def _named(files: dict[str, str], weights: Mapping[str, float], known: Sequence[str]) -> dict[str, float]:
    """The tasks by name: path/to/sums.yaml is sums. Adds them to `files`, name → file."""
    named = {}
    for file, weight in weights.items():
        name = Path(file).stem if file.endswith(".yaml") else file
        if not re.fullmatch(r"[\w-]*", name):
            raise UserError(f"{file!r} is no name of an env: letters, digits, _ and - only (or a path ending in .yaml)")
        if file == name and name not in known:
            raise UserError(suggest("env", name, known, variants()))
        if files.setdefault(name, file) != file:
            raise UserError(f"two tasks are called {name}: {files[name]} and {file}; rename one of the files")
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
            raise UserError(suggest("task", name, [*files, *task_names()]))
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
            raise UserError(f"{key}={text} meets another word that sets the same key or a part of it")
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
