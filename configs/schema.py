"""Conversion of plain values to dataclasses, with strict keys and types and clear errors.

A *kind* is a field's type annotation. Keys are dotted, as on the command line: `algo.lr`.
"""

import dataclasses
import difflib
import functools
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from configs.errors import UserError

T = TypeVar("T")


@functools.cache
def field_types(cls: type) -> dict[str, Any]:
    """Return the type of each field of a dataclass."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def unknown_key(key: str, known: Iterable[str]) -> UserError:
    """Return the error for an unknown key, with the closest valid key."""
    known = list(known)
    same_ending = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.7) or same_ending[:1]
    return UserError(f"unknown key {key}; " + (f"did you mean {close[0]}?" if close else "--help lists all keys"))


def keys(fields: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted keys of all leaves below some fields. Keys inside a dict are unknown and omitted."""
    names: list[str] = []
    for name, kind in fields.items():
        if dataclasses.is_dataclass(kind):
            names += keys(field_types(typing.cast(type, kind)), f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names


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
    """Return a type as text: `a number`."""
    simple = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Any: "anything"}
    if kind in simple:
        return simple[kind]
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
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
        container = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text}"]))
    except (yaml.YAMLError, OmegaConfBaseException):
        wanted = "a value in YAML" if kind is Any else describe_type(kind)
        raise UserError(f"{key}={text}: {wanted} is expected") from None
    return check(kind, typing.cast(dict[str, Any], container)["value"], key)


def check(kind: Any, value: Any, key: str) -> Any:
    """Check a value and return it with its exact type (1 → 1.0). Groups may be incomplete, but not have unknown keys.

    Args:
        kind: expected type.
        value: value to check.
        key: dotted key, for errors.

    Raises:
        UserError: the value does not have the type, or a group has an unknown key.
    """
    try:
        return _fit(kind, value, key)
    except TypeError:
        shown = json.dumps(value, ensure_ascii=False) if value is None or isinstance(value, bool) else value
        raise UserError(f"{key}={shown}: {describe_type(kind)} is expected") from None


def _fit(kind: Any, value: Any, key: str) -> Any:
    """Do the work of `check`; raise a bare TypeError if the value does not have the type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        for part in arguments:
            try:
                return _fit(part, value, key)
            except (TypeError, UserError):
                continue
        raise TypeError
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return check_fields(field_types(typing.cast(type, kind)), value, f"{key}.")
    if origin is dict and isinstance(value, dict):
        return {str(name): check(arguments[1], item, f"{key}.{name}") for name, item in value.items()}
    if origin is list and isinstance(value, list):
        return [check(arguments[0], item, f"{key}[{index}]") for index, item in enumerate(value)]
    if origin is tuple and isinstance(value, list) and len(value) == len(arguments):
        parts = zip(arguments, value, strict=True)
        return tuple(check(part, item, f"{key}[{index}]") for index, (part, item) in enumerate(parts))
    if origin is typing.Literal and value in arguments:
        return value
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if kind in (int, bool, str, type(None)) and type(value) is kind:
        return value
    raise TypeError


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
        except UserError:
            raise
        except ValueError as error:
            raise UserError(f"{key}: {error}" if key else str(error)) from error
    if typing.get_origin(kind) is dict:
        return {name: build(typing.get_args(kind)[1], item, f"{key}.{name}") for name, item in value.items()}
    return value


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; raise UserError with the file and line if it is invalid."""
    try:
        container = OmegaConf.to_container(OmegaConf.load(path))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UserError(f"{path}:{mark.line + 1 if mark else 1}: {error.problem or 'not valid YAML'}") from None
    except (yaml.YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a YAML file of settings: {' '.join(str(error).split())}") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'not a YAML file of settings'}") from None
    if not isinstance(container, dict):
        raise UserError(f"{path}: a mapping (key: value) is expected")
    return typing.cast(dict[str, Any], container)


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
