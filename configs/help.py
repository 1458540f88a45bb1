"""--help text of a command and JSON schema of a file: keys with type, bounds and meaning, read from a dataclass."""

import ast
import dataclasses
import functools
import inspect
import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

from configs.schema import describe_type, field_types


@functools.cache
def meanings(cls: type) -> dict[str, str]:
    """Return the docstring of each field of a dataclass, on one line."""
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


def json_schema(cls: type) -> dict[str, Any]:
    """Return the JSON schema of a YAML file with the fields of a dataclass, for completion in editors."""
    from pydantic import TypeAdapter  # imported late, as in configs/schema.py
    from pydantic.json_schema import GenerateJsonSchema

    class WithMeanings(GenerateJsonSchema):
        def dataclass_schema(self, schema: Any) -> dict[str, Any]:
            written = super().dataclass_schema(schema)
            for name, text in meanings(schema["cls"]).items():
                written["properties"][name]["description"] = text
            return written

    return TypeAdapter(cls).json_schema(schema_generator=WithMeanings)


def short_help(module: str, what: str, options: type, width: int | None = None) -> str:
    """Return the --help text of a command with few keys.

    Args:
        module: module of the command, as after `python -m`.
        what: description of the command.
        options: dataclass of its keys.
        width: line width in columns; None uses the terminal's.
    """
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
    """Yield the lines for the fields of a dataclass: type, value and meaning.

    Args:
        cls: the dataclass.
        value: object with the values to show; None shows the defaults.
        prefix: prefix of the keys, such as `env.`.
        width: line width in columns.
        only: names of the fields to include; None includes all.
    """
    assert dataclasses.is_dataclass(cls)
    for field in dataclasses.fields(cls):
        if only is not None and field.name not in only:
            continue
        if value is not None:
            shown = getattr(value, field.name)
        elif field.default is not dataclasses.MISSING:
            shown = field.default
        else:
            shown = field.default_factory() if field.default_factory is not dataclasses.MISSING else "required"
        kind = describe_type(field_types(cls)[field.name]).removeprefix("a ")
        text = textwrap.shorten(repr(shown) if shown == "" else str(shown), max(width - 40, 30), placeholder=" …")
        yield from wrapped(f"{prefix}{field.name} ({kind}) = {text}", 2, width)
        yield from wrapped(meanings(cls).get(field.name, ""), 6, width)


def wrapped(text: str, indent: int, width: int, hanging: int | None = None) -> list[str]:
    """Wrap a text to `width` columns.

    Args:
        text: text to wrap.
        indent: indentation of the first line.
        width: maximum line width.
        hanging: indentation of the other lines; None adds 4 to `indent`, and 0 uses `indent`.
    """
    later = " " * (indent + 4 if hanging is None else hanging)
    return textwrap.wrap(text, width, initial_indent=" " * indent, subsequent_indent=later if hanging else " " * indent)
