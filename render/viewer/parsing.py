"""Reading of record lines for the page: damaged values are replaced, and never stop the viewer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from render.records.episode import FRAME_NAME, SCHEMA, Episode, Turn
from render.records.reading import empty_fields


def read_line(line: bytes) -> dict[str, Any]:
    """Parse an episode of schema 1, 2 or 3. The result has every key of schema 3 with a value of the right type.

    Raises:
        ValueError: this version cannot read the line. The message completes "line 7 …".
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is damaged (not JSON)") from None
    if not isinstance(record, dict) or type(record.get("schema")) is not int:
        raise ValueError("is not an episode (it has no schema number)")
    if record["schema"] > SCHEMA:
        raise ValueError(f"has schema {record['schema']}, newer than this Kickoff reads (update Kickoff)")
    turns = record.get("turns")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise ValueError("is not a complete episode (its turns are missing)")
    return _fields(record, _EPISODE) | {"turns": [_fields(turn, _TURN) for turn in turns]}


_EPISODE: Final = empty_fields(Episode) | {"step": -1}
_TURN: Final = empty_fields(Turn)


def _frame(value: Any) -> str | None:
    """Return the name of a frame, or None."""
    return value if isinstance(value, str) and FRAME_NAME.fullmatch(value) else None


def _list(value: Any, fits: Callable[[Any], bool]) -> list[Any]:
    """Return a list if all of its items fit, else an empty list."""
    return value if isinstance(value, list) and all(map(fits, value)) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_pair(value: Any, fits: Callable[[Any], bool]) -> bool:
    """Return True for [text, item] with an item that fits."""
    return isinstance(value, list) and len(value) == 2 and _is_text(value[0]) and fits(value[1])


_SPECIAL: Final[dict[str, Callable[[Any], Any]]] = {
    "frame": _frame,
    "final_frame": _frame,
    "more_frames": lambda value: [name for name in _list(value, _is_text) if _frame(name)],
    "truth": lambda value: value if isinstance(value, str) else None,
    "actions": lambda value: _list(value, _is_text),
    "tokens": lambda value: _list(value, _is_text),
    "logprobs": lambda value: _list(value, _is_number),
    "entropies": lambda value: _list(value, _is_number),
    "misread": lambda value: _list(value, lambda one: _is_pair(one, _is_text)),
    "answers": lambda value: _list(value, lambda one: _is_pair(one, _is_number)),
}
"""Fields that are neither a text, a number, a boolean nor numbers by name."""


def _fields(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by name. A value of the wrong type is replaced by its default."""
    found = {}
    for name, default in defaults.items():
        if name in _SPECIAL:
            found[name] = (
                _SPECIAL[name](values[name]) if name in values else list(default) if default == () else default
            )
            continue
        value = values.get(name)
        sure = type(value) is type(default) and type(value) in (str, bool)  # the common case, checked first for speed
        found[name] = value if sure else _of_kind(value, default)
    return found


def _of_kind(value: Any, default: Any) -> Any:
    """Return the value if it has the type of the default (None: a number), else the default."""
    if isinstance(default, bool):
        return value if isinstance(value, bool) else default
    if isinstance(default, str):
        return value if isinstance(value, str) else default
    if isinstance(default, dict):
        numbers = value.items() if isinstance(value, dict) else ()
        return {str(name): number for name, number in numbers if _is_number(number)}
    if default is None:
        return value if _is_number(value) else None
    return value if _is_number(value) else default


def _is_number(value: Any) -> bool:
    """Return True for a finite number that a browser can represent."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < sys.float_info.max
