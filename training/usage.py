"""The --help text: every key with its type, its value and its meaning, read from the dataclasses themselves."""

import ast
import dataclasses
import functools
import inspect
import shutil
import textwrap
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from training.algo import AlgoConfig
from training.config import DEFAULTS, Config, group_file, load, names
from training.schema import kinds

_EXAMPLES = """\
Usage: python -m {module} [key=value …]

Examples:
  python -m {module} env=football
  python -m {module} env=arithmetic name=sums seed=1
  python -m {module} env=football env.max_turns=20 algo.lr=1e-4
"""


@functools.cache
def meanings(cls: type) -> dict[str, str]:
    """The docstring literal that follows each field of a dataclass, on one line."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if not dataclasses.is_dataclass(base):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(body, ast.ClassDef)
        for statement, after in zip(body.body, body.body[1:], strict=False):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                literal = after.value if isinstance(after, ast.Expr) else None
                text = literal.value if isinstance(literal, ast.Constant) else ""
                found[statement.target.id] = " ".join(str(text).split())
    return found


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
            lines += _wrapped(f"{name:<14} {description}".rstrip(), 2, width, hanging=17)
    lines += ["", "Keys (type, value here, meaning):"]
    if extra:
        lines += _keys(extra, None, "", width)
    fields = set(kinds(Config)) - {"tasks", "stages", "model", "engine", "evaluation", "cluster", *own}
    lines += _keys(Config, config, "", width, fields)
    lines += ["", f"The task {config.env} (env.k; the others of this run: tasks.NAME.k):"]
    lines += _keys(type(config.tasks[config.env]), config.tasks[config.env], "env.", width)
    for group in ("model", "engine", "evaluation", "cluster"):
        value = getattr(config, group)
        lines += ["", f"{meanings(Config)[group]}", *_keys(type(value), value, f"{group}.", width)]
    for name, stage in config.stages.items():
        lines += ["", f"The stage {name}:", *_keys(type(stage), stage, f"stages.{name}.", width, {"tasks", "steps"})]
        lines += _wrapped(f"stages.{name}.algo.k: as algo.k, for this stage alone.", 2, width)
    if config.stages:
        name, stage = list(config.stages.items())[-1]
        lines += ["", f"All stages (the values are those of {name}):"]
        lines += _keys(AlgoConfig, stage.algo, "algo.", width)
    return "\n".join(lines)


def _keys(cls: type, value: Any, prefix: str, width: int, only: set[str] | None = None) -> Iterator[str]:
    assert dataclasses.is_dataclass(cls)
    for field in dataclasses.fields(cls):
        if only is not None and field.name not in only:
            continue
        if value is not None:
            shown = getattr(value, field.name)
        elif field.default is not dataclasses.MISSING:
            shown = field.default
        else:
            shown = field.default_factory() if field.default_factory is not dataclasses.MISSING else "needed"
        kind = _kind_name(kinds(cls)[field.name])
        text = textwrap.shorten(repr(shown) if shown == "" else str(shown), max(width - 40, 30), placeholder=" …")
        yield from _wrapped(f"{prefix}{field.name} ({kind}) = {text}", 2, width)
        yield from _wrapped(meanings(cls).get(field.name, ""), 6, width)


def _kind_name(kind: Any) -> str:
    """A type as a user knows it: `number`, `list`."""
    simple = {int: "whole number", float: "number", bool: "true/false", str: "text"}
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return "|".join(str(choice) for choice in typing.get_args(kind))
    if origin in (list, tuple, dict):
        return {list: "list", tuple: "list", dict: "mapping"}[origin]
    if typing.get_args(kind):
        return " or ".join("null" if part is type(None) else _kind_name(part) for part in typing.get_args(kind))
    return simple.get(kind, "anything")


def _wrapped(text: str, indent: int, width: int, hanging: int | None = None) -> list[str]:
    later = " " * (indent + 4 if hanging is None else hanging)
    return textwrap.wrap(text, width, initial_indent=" " * indent, subsequent_indent=later if hanging else " " * indent)
