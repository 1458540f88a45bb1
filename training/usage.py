"""The --help text: every key with its type, its value and its meaning, read from the dataclasses themselves."""

import dataclasses
import shutil
from collections.abc import Sequence

from envs.schema import kinds
from envs.usage import key_lines, meanings, wrapped
from training.algo import AlgoConfig
from training.config import DEFAULTS, Config, group_file, load, names

_EXAMPLES = """\
Usage: python -m {module} [key=value …]

Examples:
  python -m {module} env=football
  python -m {module} env=arithmetic name=sums seed=1
  python -m {module} env=football env.max_turns=20 algo.lr=1e-4
"""


def help_text(
    argv: Sequence[str] = (), extra: type | None = None, module: str = "training.run", width: int | None = None
) -> str:
    """Usage, examples, names and every key.

    Args:
        argv: other words of the command line; the values shown are those that they lead to.
        extra: the dataclass of the command's own keys, as for `load_with`.
        module: what is run, for the examples.
        width: columns; None takes the terminal's.
    """
    width = max(60, min(width or shutil.get_terminal_size().columns, 120))
    own = [f.name for f in dataclasses.fields(extra)] if extra and dataclasses.is_dataclass(extra) else []
    config = load([word for word in argv if word.partition("=")[0].partition(".")[0] not in own])
    lines = [_EXAMPLES.format(module=module)]
    for group in DEFAULTS:
        lines.append(f"{group}= takes one of:" if group != "env" else "env= takes one of (or a path ending in .yaml):")
        for name in names(group):
            description = str(group_file(group, name).get("description", "")) if group == "env" else ""
            lines += wrapped(f"{name:<14} {description}".rstrip(), 2, width, hanging=17)
    lines += ["", "Keys (type, value here, meaning):"]
    if extra:
        lines += key_lines(extra, None, "", width)
    fields = set(kinds(Config)) - {"tasks", "stages", "model", "engine", "evaluation", "cluster", *own}
    lines += key_lines(Config, config, "", width, fields)
    lines += ["", f"The task {config.env} (env.k; the others of this run: tasks.NAME.k):"]
    lines += key_lines(type(config.tasks[config.env]), config.tasks[config.env], "env.", width)
    for group in ("model", "engine", "evaluation", "cluster"):
        value = getattr(config, group)
        lines += ["", f"{meanings(Config)[group]}", *key_lines(type(value), value, f"{group}.", width)]
    for name, stage in config.stages.items():
        lines += [
            "",
            f"The stage {name}:",
            *key_lines(type(stage), stage, f"stages.{name}.", width, {"tasks", "steps"}),
        ]
        lines += wrapped(f"stages.{name}.algo.k: as algo.k, for this stage alone.", 2, width)
    if config.stages:
        name, stage = list(config.stages.items())[-1]
        lines += ["", f"All stages (the values are those of {name}):"]
        lines += key_lines(AlgoConfig, stage.algo, "algo.", width)
    return "\n".join(lines)
