"""Conversion of plain values to dataclasses, with strict keys, types and bounds, and one-line errors.

A *kind* is a field's type annotation, with its bounds. Keys are dotted, as on the command line: `algo.lr`.
"""

import contextlib
import dataclasses
import difflib
import functools
import json
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import yaml

from configs.errors import UserError
from configs.files import parse_yaml

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Any: "anything"}
_BOUNDS = {"gt": "greater than", "ge": "of at least", "lt": "less than", "le": "at most"}
"""Attribute of a bound in an annotation → text."""


class Settings:
    """Base of dataclasses of settings. The constructor checks each value against its field's type and bounds."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    """Rule of the JSON schema: no unknown keys."""

    def __post_init__(self) -> None:
        """Raise UserError, a ValueError, for an invalid value. Subclasses add rules for text and for several fields."""
        for name, kind in field_types(typing.cast(type, self.__class__)).items():
            check(kind, getattr(self, name), name)


@functools.cache
def field_types(cls: type) -> dict[str, Any]:
    """Return the type of each field of a dataclass, with its bounds."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def unknown_key(key: str, known: Iterable[str]) -> UserError:
    """Return the error for an unknown key, with the closest valid key."""
    known = list(known)
    same_ending = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.7) or same_ending[:1]
    return UserError(f"unknown key {key}; " + (f"did you mean {close[0]}?" if close else "--help lists all keys"))


def keys(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return dotted key → type of all leaves below some fields. Keys inside a dict are unknown and omitted."""
    found: dict[str, Any] = {}
    for name, kind in fields.items():
        if dataclasses.is_dataclass(kind):
            found |= keys(field_types(typing.cast(type, kind)), f"{prefix}{name}.")
        else:
            found[prefix + name] = kind
    return found


def type_at(fields: Mapping[str, Any], path: list[str]) -> Any:
    """Return the type of a key, given its parts; raise KeyError if there is no such key."""
    kind = fields[path[0]]
    for part in path[1:]:
        if kind is Any:
            return Any
        if dataclasses.is_dataclass(kind):
            kind = field_types(typing.cast(type, kind))[part]
        elif typing.get_origin(kind) is dict:
            kind = typing.get_args(kind)[1]
        else:
            raise KeyError(part)
    return kind


def describe_type(kind: Any) -> str:
    """Return a type with its bounds as text: `a number greater than 0`."""
    if kind in _NAMES:
        return _NAMES[kind]
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if origin is Annotated:
        bounds = {name: getattr(mark, name) for mark in kind.__metadata__ for name in _BOUNDS if hasattr(mark, name)}
        if set(bounds) == {"ge", "le"}:
            return f"{describe_type(arguments[0])} from {bounds['ge']} to {bounds['le']}"
        return f"{describe_type(arguments[0])} {' and '.join(f'{_BOUNDS[name]} {bounds[name]}' for name in bounds)}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join("null" if part is type(None) else describe_type(part) for part in arguments)
    if origin is typing.Literal:
        return "one of " + ", ".join(str(choice) for choice in arguments)
    if origin is list:
        return f"a list [{describe_type(arguments[0])}, …]"
    if origin is tuple:
        return "a list [" + ", ".join(describe_type(part) for part in arguments) + "]"
    if origin is dict:
        return "a mapping {name: value}"
    return "a group of keys (" + ", ".join(field_types(kind)) + ")"


def parse(kind: Any, text: Any, key: str) -> Any:
    """Parse the value of one `key=text` override and check its type. Values that are not text are only checked.

    Args:
        kind: expected type.
        text: text from the command line, or a value.
        key: dotted key, for errors.

    Raises:
        UserError: the value does not have the type.
    """
    if isinstance(text, Path):
        text = str(text)
    if not isinstance(text, str):
        return check(kind, list(text) if isinstance(text, tuple) else text, key)
    if kind is str:
        return text  # kept verbatim: name=007 and name=true are text
    try:
        value = parse_yaml(text)
    except (yaml.YAMLError, ValueError):
        wanted = "a value in YAML" if kind is Any else describe_type(kind)
        raise UserError(f"{key}={text}: {wanted} is expected") from None
    return check(kind, value, key)


def check(kind: Any, value: Any, key: str) -> Any:
    """Check a value and return it with its exact type (1 → 1.0). Groups may be incomplete, but not have unknown keys.

    Args:
        kind: expected type with bounds.
        value: value to check.
        key: dotted key, for errors.

    Raises:
        UserError: the value does not have the type or is out of bounds, or a group has an unknown key.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    group = dataclasses.is_dataclass(kind)
    if kind is Any or (group and isinstance(value, kind)):
        return value
    if group and isinstance(value, dict):
        return check_fields(field_types(kind), value, f"{key}.")
    if origin is dict and isinstance(value, dict):
        return {str(name): check(arguments[1], item, f"{key}.{name}") for name, item in value.items()}
    if origin is list and isinstance(value, list | tuple):
        return [check(arguments[0], item, f"{key}[{index}]") for index, item in enumerate(value)]
    if not group:
        pair = isinstance(value, list) and tuple in (origin, *map(typing.get_origin, arguments))
        with contextlib.suppress(ValueError):
            return _adapter(kind).validate_python(tuple(value) if pair else value)
    shown = json.dumps(value, ensure_ascii=False) if value is None or isinstance(value, bool) else value
    raise UserError(f"{key}={shown}: {describe_type(kind)} is expected")


@functools.cache
def _adapter(kind: Any) -> "TypeAdapter[Any]":
    from pydantic import ConfigDict, TypeAdapter  # imported late: tab completion checks no values

    return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))


def check_fields(fields: Mapping[str, Any], value: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Check a group of keys, each against its type.

    Args:
        fields: type of each valid key.
        value: values of the keys.
        prefix: prefix of the keys, for errors.

    Raises:
        UserError: a key is unknown or its value has the wrong type. The message names the first one.
    """
    checked = {}
    for name, item in value.items():
        if name not in fields:
            raise unknown_key(f"{prefix}{name}", [*(prefix + field for field in fields), *keys(fields, prefix)])
        checked[name] = check(fields[name], item, f"{prefix}{name}")
    return checked


def build(kind: Any, value: Any, key: str = "") -> Any:
    """Build a dataclass from checked plain values. A ValueError in its `__post_init__` becomes `key: message`.

    Args:
        kind: type to build.
        value: checked value.
        key: dotted key, for errors.

    Raises:
        UserError: a required key is missing, or the dataclass rejects its values.
    """
    if dataclasses.is_dataclass(kind):
        cls = typing.cast(type, kind)
        prefix = f"{key}." if key else ""
        arguments = {name: build(field_types(cls)[name], item, f"{prefix}{name}") for name, item in value.items()}
        for field in dataclasses.fields(cls):
            needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if needed and field.name not in arguments:
                raise UserError(
                    f"{prefix}{field.name} is missing: {describe_type(field_types(cls)[field.name])} is expected"
                )
        try:
            return cls(**arguments)
        except ValueError as error:
            raise UserError(f"{key}: {error}" if key else str(error)) from error
    if typing.get_origin(kind) is dict:
        return {name: build(typing.get_args(kind)[1], item, f"{key}.{name}") for name, item in value.items()}
    return value


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge settings, later layers over earlier ones. Groups are merged key by key; lists and values are replaced."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = merge(merged[key], value) if both else value
    return merged


def leaves(settings: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted keys of all values in nested settings."""
    found: list[str] = []
    for key, value in settings.items():
        found += leaves(value, f"{prefix}{key}.") if isinstance(value, dict) and value else [prefix + key]
    return found
