"""Episode records of one or more folders, with the index in memory and the records on disk.

Ids count from 0 in reading order and are stable. If a record is truncated or replaced, as by a resumed run, everything
is read again and `generation` increases by one. It starts at a random number, so that a page does not mix up episodes
when another server takes over its address.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from render.records.episode import FILE, FRAME_NAME, FRAMES
from render.viewer.lines import Follower, inside
from render.viewer.marks import Key, Marks
from render.viewer.parsing import read_line
from render.viewer.search import Texts
from render.viewer.summary import SUMMARY, summary

COLUMNS: Final = (
    "id", "label", "task", "kind", "stage", "seed", "step", "group", "success", "ended", "reward", "turns", "valid",
    "advantage", "score", "pictured", "ending", "match", *SUMMARY,
)  # fmt: skip
"""Columns of the index."""
PNG: Final = b"\x89PNG\r\n\x1a\n"
ORDER: Final = ("before", "after_", "after", "random", "idle", "expert", "", "train")
"""Display order of labels. "" stands for any other label."""
NOTES: Final = 20
"""Maximum number of notes per folder."""


@dataclass
class Place:
    """A folder with an episode record."""

    root: Path
    """Folder of the run."""
    folder: Path
    label: str | None
    """Label of all its episodes. None uses the policy of each record."""
    prefix: str
    """Prefix of the labels if several runs are watched."""
    follower: Follower
    notes: list[str] = field(default_factory=list)

    def frames(self, names: Iterable[Any]) -> dict[str, Path]:
        """Return the frame files by name. Links, invalid names and files outside the folder are ignored."""
        folder = self.folder / FRAMES
        if not inside(self.root, folder):
            return {}
        found = {name: folder / f"{name}.png" for name in names if isinstance(name, str) and FRAME_NAME.fullmatch(name)}
        return {name: path for name, path in found.items() if path.is_file() and not path.is_symlink()}


class Records:
    """All episodes of one or more run folders."""

    def __init__(self, roots: Mapping[str, Path]) -> None:
        """Prepare to read. `refresh` reads the records.

        Args:
            roots: run folders by label prefix ("" for a single folder).
        """
        self.roots = roots
        self.generation = secrets.randbelow(2**52)  # a browser's numbers are exact up to 2**53
        self.marks = {prefix: Marks(root) for prefix, root in roots.items()}
        self._clear()

    def _clear(self) -> None:
        """Forget all episodes."""
        self.places: list[Place] = []
        self.columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        self.texts = Texts()
        self._where: list[tuple[int, int, int]] = []
        self._keys: list[Key] = []
        self._ids: dict[tuple[str, Key], int] = {}

    def __len__(self) -> int:
        """Return the number of indexed episodes."""
        return len(self._where)

    def refresh(self) -> None:
        """Read new episodes, or everything again if episodes read before are gone."""
        if any(place.follower.replaced() for place in self.places):
            self.generation += 1
            self._clear()
        known = {place.folder for place in self.places}
        for prefix, root in self.roots.items():
            for folder, label in find_places(root):
                if folder not in known:
                    self.places.append(Place(root, folder, label, prefix, Follower(folder / FILE)))
        for number, place in enumerate(self.places):
            self._read(number, place)

    def notes(self, prefix: str, live: bool) -> list[str]:
        """Return notes on unreadable data of a folder. A torn last line of a live run is not noted."""
        found = []
        for place in self.places:
            if place.prefix == prefix:
                found += place.notes
                if place.follower.torn and not live:
                    name = named(place.root, place.folder / FILE)
                    found.append(f"{name} line {place.follower.count + 1} is torn (killed while writing): skipped.")
        return found

    def index(self, after: int) -> dict[str, Any]:
        """Return the index columns of all episodes with an id of at least `after`."""
        columns = {name: values[after:] for name, values in self.columns.items()}
        return {"generation": self.generation, "total": len(self), "from": after, "columns": columns}

    def record(self, number: int) -> tuple[Place, dict[str, Any]]:
        """Return the place and the record of an episode, with all keys of this version, "id" and "label".

        Raises:
            IndexError: the id does not exist.
            ValueError: the file now holds something else at that position.
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
                raise ValueError("is now a different episode")
        except ValueError as error:
            raise ValueError(f"{named(place.root, place.folder / FILE)} has changed: {error}") from None
        return place, record | {"id": number, "label": self.columns["label"][number]}

    def marked(self) -> dict[int, dict[str, Any]]:
        """Return the tags and the note of each episode that has any, by id."""
        found = {}
        for prefix, marks in self.marks.items():
            for key, mark in marks.read().items():
                number = self._ids.get((prefix, key))
                if number is not None and (mark["tags"] or mark["note"]):
                    found[number] = mark
        return found

    def mark(self, number: int, tags: list[str], note: str) -> None:
        """Write the tags and the note of an episode.

        Raises:
            IndexError: the id does not exist.
            ValueError: a tag or the note is too long.
            OSError: the file cannot be written.
        """
        if not 0 <= number < len(self):
            raise IndexError(number)
        self.marks[self.places[self._where[number][0]].prefix].write(self._keys[number], tags, note)

    def frame(self, place_number: int, name: str) -> bytes | None:
        """Return the PNG of a frame, or None if the place has no such frame."""
        if not 0 <= place_number < len(self.places):
            return None
        path = self.places[place_number].frames([name]).get(name)
        return read_frame(path) if path else None

    def _read(self, number: int, place: Place) -> None:
        """Index the new episodes of a place."""
        name = named(place.root, place.folder / FILE)
        if not inside(place.root, place.folder / FILE):
            _note(place.notes, f"{name} points outside the run's folder: not read.")
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
        """Add an episode to the index."""
        turns = record["turns"]
        row = {name: record[name] for name in COLUMNS if name in record}
        row |= {
            "id": len(self._where),
            "label": place.prefix + (record["policy"] if place.label is None else place.label),
            "turns": len(turns),
            "valid": round(sum(bool(turn["valid"]) for turn in turns) / max(len(turns), 1), 4),
            "reward": round(record["reward"], 6),
        }
        row |= summary(record)
        for name, values in self.columns.items():
            values.append(row[name])
        self.texts.add(len(self._where), record)
        label = record["policy"] if place.label is None else place.label
        key = Key(label, *(record[name] for name in ("task", "stage", "step", "group", "seed")))
        while (place.prefix, key) in self._ids:  # episodes of a group: numbered in order
            key = key._replace(number=key.number + 1)
        self._ids[place.prefix, key] = len(self._where)
        self._keys.append(key)
        self._where.append((number, offset, length))


def read_frame(path: Path) -> bytes | None:
    """Return the PNG of a frame, or None if it is unreadable or not a PNG."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if data.startswith(PNG) else None


def find_places(root: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield the folders with records in a run folder, including itself, with their labels in order."""
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
    """Return the sort key of a label: before, after each stage, after, references, others by name, training."""
    name = label.split("-")[0]
    name = "after_" if name.startswith("after_") else name
    return ORDER.index(name) if name in ORDER else ORDER.index(""), label


def named(root: Path, path: Path) -> str:
    """Return a path relative to the run folder, for display."""
    return path.relative_to(root).as_posix()


def _note(notes: list[str], text: str) -> None:
    """Add a note unless it exists or the limit is reached."""
    if text not in notes and len(notes) < NOTES:
        notes.append(text if len(notes) < NOTES - 1 else "More data cannot be read; only the first notes are shown.")
