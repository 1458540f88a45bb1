"""Hash of an observation: numbers, text, arrays, and containers of them."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def digest(value: Any) -> str:
    """Return 32 hexadecimal digits that identify a value. A container is hashed part by part if it holds arrays."""
    if _is_array(value) and np.asarray(value).dtype != object:
        content = np.asarray(value).tobytes()
    else:
        content = _content(value) if has_array(value) else repr(value).encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and not isinstance(value, np.generic)


def has_array(value: Any) -> bool:
    """Return True if a value is an array or contains one."""
    if isinstance(value, Mapping):
        return any(map(has_array, value.values()))
    return any(map(has_array, value)) if isinstance(value, list | tuple) else _is_array(value)


def _content(value: Any) -> bytes:
    """Return bytes that identify a value: of an array its dtype, shape and elements, since its repr is abbreviated."""
    if isinstance(value, Mapping):
        parts = [part for key in sorted(value, key=repr) for part in (repr(key).encode(), _content(value[key]))]
    elif isinstance(value, list | tuple):
        parts = list(map(_content, value))
    elif not _is_array(value):
        parts = [repr(value).encode()]
    else:
        array = np.asarray(value)
        objects = array.dtype == object
        elements = [_content(element) for element in array.ravel()] if objects else [array.tobytes()]
        parts = [f"{array.dtype.str} {array.shape}".encode(), *elements]
    return type(value).__name__.encode() + b"".join(b" %d:%b" % (len(part), part) for part in parts)
