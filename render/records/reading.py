"""Reading of episode records, see `render.records.episode`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import imageio.v3 as iio
import numpy as np

from render.draw.canvas import Frame
from render.records.episode import FILE, FRAME_NAME, FRAMES, SCHEMA, Episode, Turn


def read_records(folder: Path | str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a record as dictionaries of schema 3, with lists in place of tuples.

    Frames are names: None or 32 hexadecimal digits (16 before version 0.1).

    A torn last line is skipped with a warning. A folder without a record has no episodes.

    Raises:
        ValueError: a line has a newer schema, is damaged, or has an invalid frame name.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            where = f"{path} line {number}"
            if not line.endswith(b"\n"):
                warnings.warn(f"{where} is torn (a run was killed while writing): skipped", stacklevel=2)
                return
            try:
                record = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{where} is not JSON ({error}): delete that line to read the rest") from None
            _check(record, where)
            yield {**_EPISODE_DEFAULTS, **record, "turns": [_TURN_DEFAULTS | turn for turn in record["turns"]]}


def read_episodes(folder: Path | str) -> Iterator[Episode]:
    """Yield the episodes of a record in order, frames as arrays (equal frames share one read-only array).

    Raises:
        ValueError: see `read_records`, or a frame file is missing or not an image.
    """
    frames = Path(folder) / FRAMES

    @lru_cache(maxsize=4096)
    def load(name: str) -> Frame:
        path = frames / f"{name}.png"
        try:
            frame = np.asarray(iio.imread(path, mode="RGB"), np.uint8)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} cannot be read as an image: {str(error).splitlines()[0]}") from None
        frame.setflags(write=False)
        return frame

    for record in read_records(folder):
        turns = []
        for turn in record["turns"]:
            values = {name: turn[name] for name in _TURN_FIELDS}
            values["frame"] = None if turn["frame"] is None else load(turn["frame"])
            values["more_frames"] = tuple(load(name) for name in turn["more_frames"])
            values |= {name: tuple(turn[name]) for name in ("actions", "tokens", "logprobs", "entropies")}
            values |= {name: tuple(map(tuple, turn[name])) for name in ("misread", "answers")}
            turns.append(Turn(**values))
        values = {name: record[name] for name in _EPISODE_FIELDS} | {"turns": tuple(turns)}
        if values["final_frame"] is not None:
            values["final_frame"] = load(values["final_frame"])
        yield Episode(**values)


_EMPTY: Final = {"str": "", "int": 0, "float": 0.0, "bool": False, "dict[str, float]": {}, "Frame | None": None}


def empty_fields(cls: type[Episode] | type[Turn]) -> dict[str, Any]:
    """Return the JSON fields of an episode (without turns) or of a turn, each with its default or an empty value."""
    return {
        field.name: _EMPTY[str(field.type)] if field.default is MISSING else field.default
        for field in fields(cls)
        if field.name != "turns"
    }


_EPISODE_FIELDS: Final = tuple(field.name for field in fields(Episode))
_EPISODE_DEFAULTS: Final = {field.name: field.default for field in fields(Episode) if field.default is not MISSING}
_TURN_FIELDS: Final = tuple(field.name for field in fields(Turn))
_TURN_DEFAULTS: Final = {field.name: field.default for field in fields(Turn) if field.default is not MISSING}


def _check(record: Any, where: str) -> None:
    """Raise ValueError unless this version can read the record."""
    if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
        raise ValueError(f"{where} is not an episode: it has no schema number")
    if record["schema"] > SCHEMA:
        raise ValueError(
            f"{where} has schema {record['schema']}, this Kickoff reads up to {SCHEMA}: update Kickoff to read it"
        )
    missing = [name for name in _EPISODE_FIELDS if name not in record and name not in _EPISODE_DEFAULTS]
    if missing or not isinstance(record["turns"], list):
        raise ValueError(f"{where} is not a complete episode: {', '.join(missing) or 'turns is not a list'}")
    _check_frames([record.get("final_frame")], where)
    needed = [name for name in _TURN_FIELDS if name not in _TURN_DEFAULTS]
    for turn in record["turns"]:
        missing = [name for name in needed if not isinstance(turn, dict) or name not in turn]
        if missing:
            raise ValueError(f"{where} has a turn without {', '.join(missing)}")
        _check_frames([turn["frame"], *turn.get("more_frames", ())], where)


def _check_frames(names: Iterable[Any], where: str) -> None:
    """Raise ValueError unless all are names of frames or None."""
    for name in names:
        if name is not None and not (isinstance(name, str) and FRAME_NAME.fullmatch(name)):
            raise ValueError(f"{where} names a frame {str(name)[:40]!r}: a name is 32 hexadecimal digits")
