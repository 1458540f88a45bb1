"""Tags and notes that people write on episodes, in notes.jsonl next to the other files of a run.

A line: {"schema": 1, "episode": {"policy", "task", "stage", "step", "group", "seed", "number"}, "tags", "note",
"time"}. "number" counts the episodes that share the other keys, from 0. The last line of an episode counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from render.viewer.lines import Follower, inside

FILE: Final = "notes.jsonl"
SCHEMA: Final = 1
MOST_TAGS: Final = 12
LONGEST_TAG: Final = 40
LONGEST_NOTE: Final = 4000


class Key(NamedTuple):
    """Name of an episode that stays the same when its run is resumed or read again."""

    policy: str
    task: str
    stage: str
    step: int
    group: int
    seed: int
    number: int = 0


class Marks:
    """Tags and notes of one run folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / FILE
        self._follower = Follower(self.path)
        self._found: dict[Key, dict[str, Any]] = {}

    def read(self) -> Mapping[Key, dict[str, Any]]:
        """Return the tags and the note of each episode. Damaged lines are skipped."""
        if self._follower.replaced():
            self._follower, self._found = Follower(self.path), {}
        if not inside(self.root, self.path):
            return self._found
        try:
            for _, line in self._follower.new():
                try:
                    key, mark = _parse(json.loads(line))
                except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                    continue
                self._found[key] = mark
        except OSError:
            pass
        return self._found

    def write(self, key: Key, tags: list[str], note: str) -> None:
        """Append the tags and the note of an episode.

        Raises:
            ValueError: there are too many tags, or a tag or the note is too long.
            OSError: the file cannot be written.
        """
        tags = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
        if len(tags) > MOST_TAGS:
            raise ValueError(f"an episode can have {MOST_TAGS} tags, got {len(tags)}")
        if any(len(tag) > LONGEST_TAG for tag in tags):
            raise ValueError(f"a tag can have {LONGEST_TAG} characters, got {max(map(len, tags))}")
        if len(note) > LONGEST_NOTE:
            raise ValueError(f"a note can have {LONGEST_NOTE} characters, got {len(note)}")
        if not inside(self.root, self.path):
            raise OSError(f"{FILE} points outside the run's folder")
        time = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"schema": SCHEMA, "episode": key._asdict(), "tags": tags, "note": note, "time": time}
        with open(self.path, "ab", buffering=0) as file:
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")


def _parse(line: Any) -> tuple[Key, dict[str, Any]]:
    """Return the key and the mark of a line. Raises an error of a damaged or newer line."""
    if line["schema"] > SCHEMA:
        raise ValueError("newer than this version reads")
    key = Key(**line["episode"])
    types = [str, str, str, int, int, int, int]
    tags, note = line["tags"], line["note"]
    fits = isinstance(note, str) and isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
    if not fits or any(type(part) is not kind for part, kind in zip(key, types, strict=True)):
        raise ValueError("a value of another type")
    return key, {"tags": tags, "note": note}
