"""The --help text: each key with its type, value and meaning, read from the dataclasses."""

import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from configs.cli import parse_overrides
from configs.help import key_lines, meanings, wrapped
from configs.schema import field_types
from envs.task.config import variants
from envs.task.suites import SUITES
from training.config.algo import AlgoConfig
from training.config.compose import NoOptions, compose
from training.config.recipe import CONFIGS, group_file, names
from training.config.run import DEFAULTS, Config
from training.config.stages import EvaluationConfig, StageConfig

_TITLES = {
    "env": "env= takes one or more of these tasks (or paths ending in .yaml):",
    "model": "model= takes one of these (or a folder, such as runs/football/checkpoint, or a hub name):",
    "recipe": "recipe= takes one of these (or a path ending in .yaml). stages=mgt skips the other stages:",
    "cluster": "cluster= takes one of these (or a path ending in .yaml):",
}
_GROUPS = ("model", "engine", "learner", "evaluation", "cluster")

_EVALUATE = """\
Usage: python -m {module} [key=value …]

Examples:
  python -m {module} env=football policy=runs/football,tiny
  python -m {module} env=academies policy=runs/football save=FOLDER
  python -m {module} env=sokoban policy=human,runs/sokoban save=FOLDER video=true
  python -m {module} env=sokoban_global policy=api:gpt-5 episodes=64
  python -m {module} env=football policy=runs/football blind=true json=blind.json

Every policy plays the same held-out episodes. Each table includes the reference policies random, no-op (idle) and
expert; floors=false omits them. `python -m render.watch FOLDER` shows the episodes that save=FOLDER has written.
"""
_EXAMPLES = """\
Usage: python -m {module} [key=value …]

Examples:
  python -m {module} env=football
  python -m {module} env=arithmetic name=sums seed=1
  python -m {module} env=football env.max_turns=20 algo.lr=1e-4
  python -m {module} env=football,sokoban
  python -m {module} env=all stages.mgt.steps=200
"""


def help_text(
    argv: Sequence[str] = (), extra: type | None = None, module: str = "training.run", width: int | None = None
) -> str:
    """Return the help text: usage, examples, names and every key.

    Args:
        argv: Overrides on the command line. The values shown include them.
        extra: Dataclass of the command's own keys.
        module: Module of the command, for the examples.
        width: Width in columns. None uses the width of the terminal.
    """
    width = max(60, min(width or shutil.get_terminal_size().columns, 120))
    plays = module == "training.evaluate"
    own = [f.name for f in dataclasses.fields(extra)] if extra and dataclasses.is_dataclass(extra) else []
    overrides = parse_overrides(argv)
    recipe = overrides.get("recipe", DEFAULTS["recipe"])
    shown = {key: text for key, text in overrides.items() if key.partition(".")[0] not in own}
    config = compose(shown, NoOptions).config
    lines = [(_EVALUATE if plays else _EXAMPLES).format(module=module)]
    for group, title in _TITLES.items():
        if plays and group != "env":
            continue
        lines += wrapped(title, 0, width)
        for name in sorted(set(names(group)) - variants()):
            lines += wrapped(f"{name:<17} {_about(group, name)}".rstrip(), 2, width, hanging=20)
        if group == "env":
            lines += ["", "env= also takes suites. Each task of a suite can be named on its own:"]
            for name, suite in (SUITES | group_file("recipe", recipe).get("suites", {})).items():
                lines += wrapped(f"{name:<17} {', '.join(suite)}", 2, width, hanging=20)
        lines.append("")
    lines += ["Keys (type, value, meaning):"]
    if extra:
        lines += key_lines(extra, None, "", width)
    if not plays:
        fields = set(field_types(Config)) - {"envs", "tasks", "stages", *_GROUPS, *own}
        lines += key_lines(Config, config, "", width, fields)
    lines += ["", f"Task {config.env} (env.k applies to each task of env=, tasks.NAME.k to one task):"]
    lines += key_lines(type(config.tasks[config.env]), config.tasks[config.env], "env.", width)
    if plays:
        lines += ["", meanings(Config)["engine"], *_group_lines(config.engine, "engine.", width), ""]
        lines += key_lines(EvaluationConfig, config.evaluation, "evaluation.", width, {"records", "videos"})
        return "\n".join(lines)
    for group in _GROUPS:
        lines += ["", f"{meanings(Config)[group]}", *_group_lines(getattr(config, group), f"{group}.", width)]
    for name, stage in config.stages.items():
        lines += [
            "",
            f"Stage {name}:",
            *key_lines(type(stage), stage, f"stages.{name}.", width, set(field_types(StageConfig)) - {"algo"}),
        ]
        lines += wrapped(f"stages.{name}.algo.k: like algo.k, for this stage only.", 2, width)
    if config.stages:
        name, stage = list(config.stages.items())[-1]
        lines += ["", f"All stages (values of stage {name}):"]
        lines += key_lines(AlgoConfig, stage.algo, "algo.", width)
    return "\n".join(lines)


def _group_lines(value: Any, prefix: str, width: int) -> Iterator[str]:
    """Yield the lines for the keys of a group and of its subgroups."""
    fields = field_types(value.__class__)
    groups = [name for name, kind in fields.items() if dataclasses.is_dataclass(kind)]
    yield from key_lines(value.__class__, value, prefix, width, set(fields) - set(groups))
    for name in groups:
        yield from _group_lines(getattr(value, name), f"{prefix}{name}.", width)


def _about(group: str, name: str) -> str:
    """Return a one-line description of a file in configs/: a task's description, or the first comment line."""
    if group == "env":
        return str(group_file(group, name).get("description", ""))
    first = (CONFIGS / group / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""
