"""The --help text of a command: its keys with type, value and meaning, read from the dataclass itself."""

import ast
import dataclasses
import functools
import inspect
import shutil
import textwrap
import typing
from collections.abc import Iterator
from typing import Any

from configs.schema import field_types


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


def short_help(module: str, what: str, options: type, width: int | None = None) -> str:
    """The text for a command that has few keys: what it does, and its keys."""
    width = max(60, min(width or shutil.get_terminal_size().columns, 120))
    lines = [
        f"Usage: python -m {module} [key=value …]",
        "",
        *wrapped(what, 0, width),
        "",
        "Keys (type, value, meaning):",
    ]
    return "\n".join([*lines, *key_lines(options, None, "", width)])


def key_lines(cls: type, value: Any, prefix: str, width: int, only: set[str] | None = None) -> Iterator[str]:
    """The lines for the fields of a dataclass: type, value (that of `value`, or the default) and meaning."""
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
        kind = _kind_name(field_types(cls)[field.name])
        text = textwrap.shorten(repr(shown) if shown == "" else str(shown), max(width - 40, 30), placeholder=" …")
        yield from wrapped(f"{prefix}{field.name} ({kind}) = {text}", 2, width)
        yield from wrapped(meanings(cls).get(field.name, ""), 6, width)


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


def wrapped(text: str, indent: int, width: int, hanging: int | None = None) -> list[str]:
    """Lines of at most `width` columns, the first one indented, the others hanging."""
    later = " " * (indent + 4 if hanging is None else hanging)
    return textwrap.wrap(text, width, initial_indent=" " * indent, subsequent_indent=later if hanging else " " * indent)
