"""The episode records of one or more folders: an index in memory, the records themselves on disk.

Ids count from 0 in the order in which episodes were read, and stay. Where a record that was read is cut or replaced (a
run that is resumed does that), all is read again, and `generation` is one more. It begins anywhere: a page that finds
another server at its address must not take the episodes for those that it has.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from render.records.episode import FILE, FRAMES, SCHEMA
from render.viewer.lines import Follower, inside

COLUMNS: Final = (
    "id", "label", "task", "kind", "stage", "seed", "step", "group", "success", "ended", "reward", "turns", "valid",
    "advantage", "score",
)  # fmt: skip
"""What the index has of every episode."""
PNG: Final = b"\x89PNG\r\n\x1a\n"
FRAME: Final = re.compile(r"[0-9a-f]{16}")
ORDER: Final = ("before", "after_", "after", "random", "idle", "expert", "", "train")
"""Where labels stand; "" is any other."""
NOTES: Final = 20
"""At most so many notes of a folder are kept."""


@dataclass
class Place:
    """A folder of records."""

    root: Path
    """The run's folder."""
    folder: Path
    label: str | None
    """What its episodes are called; None: as each says whose it is."""
    prefix: str
    """Stands before labels, where several runs are watched."""
    follower: Follower
    notes: list[str] = field(default_factory=list)

    def frames(self, names: Iterable[Any]) -> dict[str, Path]:
        """Where frames lie, by name; only files in the folder itself, no links, and nothing that is no frame's name."""
        folder = self.folder / FRAMES
        if not inside(self.root, folder):
            return {}
        found = {name: folder / f"{name}.png" for name in names if isinstance(name, str) and FRAME.fullmatch(name)}
        return {name: path for name, path in found.items() if path.is_file() and not path.is_symlink()}


class Records:
    """All episodes of one or more run folders."""

    def __init__(self, roots: Mapping[str, Path]) -> None:
        """Read nothing yet.

        Args:
            roots: the folders by what stands before their labels ("" for one alone).
        """
        self.roots = roots
        self.generation = secrets.randbelow(2**52)  # a browser's numbers are exact up to 2**53
        self.places: list[Place] = []
        self.columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        self._where: list[tuple[int, int, int]] = []

    def __len__(self) -> int:
        """How many episodes were read."""
        return len(self._where)

    def refresh(self) -> None:
        """Read what was added since; everything again where something that was read is gone."""
        if any(place.follower.replaced() for place in self.places):
            self.generation += 1
            self.places, self._where = [], []
            self.columns = {name: [] for name in COLUMNS}
        known = {place.folder for place in self.places}
        for prefix, root in self.roots.items():
            for folder, label in find_places(root):
                if folder not in known:
                    self.places.append(Place(root, folder, label, prefix, Follower(folder / FILE)))
        for number, place in enumerate(self.places):
            self._read(number, place)

    def notes(self, prefix: str, live: bool) -> list[str]:
        """What could not be read of a folder; while a run is going on a torn last line is nothing to note."""
        found = []
        for place in self.places:
            if place.prefix == prefix:
                found += place.notes
                if place.follower.torn and not live:
                    name = named(place.root, place.folder / FILE)
                    found.append(f"{name} line {place.follower.count + 1} is torn (killed while writing): skipped.")
        return found

    def index(self, after: int) -> dict[str, Any]:
        """The columns of all episodes from id `after` on."""
        columns = {name: values[after:] for name, values in self.columns.items()}
        return {"generation": self.generation, "total": len(self), "from": after, "columns": columns}

    def record(self, number: int) -> tuple[Place, dict[str, Any]]:
        """An episode as its file has it, with all keys of this version, "id" and "label".

        Raises:
            IndexError: there is no such id.
            ValueError: what is there now is not the episode that was read.
            OSError: the file cannot be read.
        """
        if number < 0:
            raise IndexError(number)
        place_number, offset, length = self._where[number]
        place = self.places[place_number]
        with open(place.folder / FILE, "rb") as file:
            file.seek(offset)
            line = file.read(length)
        try:
            record = read_line(line)
            if any(record[name] != self.columns[name][number] for name in ("task", "seed", "step", "group")):
                raise ValueError("is another episode now")
        except ValueError as error:
            raise ValueError(f"{named(place.root, place.folder / FILE)} has changed: {error}") from None
        return place, record | {"id": number, "label": self.columns["label"][number]}

    def frame(self, place_number: int, name: str) -> bytes | None:
        """A frame's PNG; None where there is none of that name in that place."""
        if not 0 <= place_number < len(self.places):
            return None
        path = self.places[place_number].frames([name]).get(name)
        return read_frame(path) if path else None

    def _read(self, number: int, place: Place) -> None:
        """Add what is new in a place."""
        name = named(place.root, place.folder / FILE)
        if not inside(place.root, place.folder / FILE):
            _note(place.notes, f"{name} leads out of the run's folder: not read.")
            return
        try:
            for offset, line in place.follower.new():
                try:
                    record = read_line(line)
                except ValueError as error:
                    _note(place.notes, f"{name} line {place.follower.count} {error}: skipped.")
                    continue
                self._add(number, place, offset, len(line), record)
        except OSError as error:
            _note(place.notes, f"{name} cannot be read: {error.strerror}.")

    def _add(self, number: int, place: Place, offset: int, length: int, record: Mapping[str, Any]) -> None:
        """Put an episode into the index."""
        turns = record["turns"]
        row = {name: record[name] for name in COLUMNS if name in record}
        row |= {
            "id": len(self._where),
            "label": place.prefix + (record["policy"] if place.label is None else place.label),
            "turns": len(turns),
            "valid": round(sum(bool(turn["valid"]) for turn in turns) / max(len(turns), 1), 4),
            "reward": round(record["reward"], 6),
        }
        for name, values in self.columns.items():
            values.append(row[name])
        self._where.append((number, offset, length))


def read_frame(path: Path) -> bytes | None:
    """A frame's PNG; None where it cannot be read or is no PNG."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if data.startswith(PNG) else None


def find_places(root: Path) -> Iterator[tuple[Path, str | None]]:
    """The folders in a run's folder (or itself) that hold records, with their labels, in order."""
    for folder in (root, root / "episodes"):
        if (folder / FILE).is_file():
            yield folder, None
    try:
        found = [path for path in (root / "episodes").iterdir() if path.name != FRAMES and (path / FILE).is_file()]
    except OSError:
        found = []
    for path in sorted(found, key=lambda path: rank(path.name)):
        yield path, path.name


def rank(label: str) -> tuple[int, str]:
    """Where a label stands: before, after each stage, after, then the floors, others by name, training last."""
    name = label.split("-")[0]
    name = "after_" if name.startswith("after_") else name
    return ORDER.index(name) if name in ORDER else ORDER.index(""), label


def read_line(line: bytes) -> dict[str, Any]:
    """An episode out of a line, schema 1 or 2, with every key of schema 2 and of the right kind.

    Raises:
        ValueError: it is none that this version can read; the text goes on after "line 7 …".
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is damaged (no JSON)") from None
    if not isinstance(record, dict) or type(record.get("schema")) is not int:
        raise ValueError("is no episode (it has no schema number)")
    if record["schema"] > SCHEMA:
        raise ValueError(f"has schema {record['schema']}, newer than this Kickoff reads (update Kickoff)")
    turns = record.get("turns")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise ValueError("is no whole episode (its turns are missing)")
    return _fields(record, _EPISODE) | {"turns": [_fields(turn, _TURN) for turn in turns]}


_EPISODE: Final[dict[str, Any]] = {
    "task": "", "seed": 0, "policy": "", "step": -1, "group": 0, "kind": "", "stage": "", "success": False,
    "ended": "", "reward": 0.0, "rewards": {}, "advantage": None, "score": None, "problem": "",
}  # fmt: skip
_TURN: Final[dict[str, Any]] = {
    "prompt": "", "reply": "", "thinking": "", "action": "", "valid": False, "reward": 0.0, "rewards": {},
    "advantage": None, "text": "", "frame": None, "reply_tokens": 0,
}  # fmt: skip


def _fields(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The values by name, each of its default's kind, else the default."""
    found = {}
    for name, default in defaults.items():
        value = values.get(name)
        sure = type(value) is type(default) and type(value) in (str, bool)  # most are: a record is read quicker so
        found[name] = value if sure else _of_kind(value, default)
    return found


def _of_kind(value: Any, default: Any) -> Any:
    """The value where it is of the default's kind (None: a number or a frame's name), else the default."""
    if isinstance(default, bool):
        return value if isinstance(value, bool) else default
    if isinstance(default, str):
        return value if isinstance(value, str) else default
    if isinstance(default, dict):
        numbers = value.items() if isinstance(value, dict) else ()
        return {str(name): number for name, number in numbers if _is_number(number)}
    if default is None:
        frame = isinstance(value, str) and FRAME.fullmatch(value) is not None
        return value if frame or _is_number(value) else None
    return value if _is_number(value) else default


def _is_number(value: Any) -> bool:
    """Whether it is a finite number, small enough for a browser's."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < sys.float_info.max


def named(root: Path, path: Path) -> str:
    """A path as people know it: from the run's folder on."""
    return path.relative_to(root).as_posix()


def _note(notes: list[str], text: str) -> None:
    """Add a note, unless it or too many are there."""
    if text not in notes and len(notes) < NOTES:
        notes.append(text if len(notes) < NOTES - 1 else "More of it cannot be read; only the first notes are shown.")
