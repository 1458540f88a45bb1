"""Data classes as JSON and back, without loss: numbers, texts, enums, arrays, and lists and tuples of them.

The type hints of the classes say what a value is, so that JSON needs no names of classes.
"""

import base64
import dataclasses
import types
import typing
import zlib
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np

from agents.episodes.footage import PackedFrames

T = TypeVar("T")


def encode(value: Any) -> Any:
    """Return a value as JSON. Raise TypeError for a value that `decode` cannot restore."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        content = base64.b64encode(zlib.compress(np.ascontiguousarray(value).tobytes(), 1)).decode()
        return [value.dtype.str, list(value.shape), content]
    if isinstance(value, list | tuple | PackedFrames):
        return [encode(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): encode(part) for key, part in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be stored")


def decode(kind: type[T], value: Any) -> T:
    """Return the object of type `kind` that `encode` turned into JSON.

    Raises:
        ValueError: The value is damaged.
    """
    try:
        return cast(T, _decode(kind, value))
    except (TypeError, KeyError, IndexError, AttributeError, zlib.error) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error


def _decode(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _decode(next(one for one in arguments if one is not type(None)), value)
    if dataclasses.is_dataclass(kind):
        hints = _hints(cast(type, kind))
        return cast(type, kind)(**{name: _decode(hints[name], part) for name, part in value.items()})
    if np.ndarray in (kind, origin):
        dtype, shape, content = value
        data = np.frombuffer(zlib.decompress(base64.b64decode(content)), np.dtype(dtype))
        return data.reshape(shape).copy()
    if kind is PackedFrames:
        frames = PackedFrames()
        frames.extend(_decode(np.ndarray, frame) for frame in value)
        return frames
    if origin is tuple:
        return tuple(_decode(arguments[0], part) for part in value)
    if origin is list:
        return [_decode(arguments[0], part) for part in value]
    if origin is not None and issubclass(origin, Mapping):
        return {key: _decode(arguments[1], part) for key, part in value.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    return tuple(map(_plain, value)) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """Return a value without a type hint: lists were tuples."""
    return tuple(map(_plain, value)) if isinstance(value, list) else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
