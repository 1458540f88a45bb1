"""Full-text search over the prompts, the thinking and the replies of all episodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Texts:
    """Distinct lines of all texts in lower case, each with the episodes that contain it.

    Most lines repeat, such as the instructions of a task and the replies of a small model.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.episodes: list[list[int]] = []
        """Ids of the episodes with each line, in rising order."""
        self._known: dict[str, int] = {}

    def add(self, number: int, record: Mapping[str, Any]) -> None:
        """Add the texts of an episode. The reply contains the thinking."""
        whole = {turn[name] for turn in record["turns"] for name in ("prompt", "reply")}
        for line in {line for text in whole for line in text.lower().split("\n") if line}:
            place = self._known.setdefault(line, len(self.lines))
            if place == len(self.lines):
                self.lines.append(line)
                self.episodes.append([])
            self.episodes[place].append(number)

    def find(self, words: str) -> list[int]:
        """Return the ids of the episodes with a line that contains `words`, ignoring case."""
        wanted = words.lower()
        found: set[int] = set()
        for line, numbers in zip(self.lines, self.episodes, strict=True):
            if wanted in line:
                found.update(numbers)
        return sorted(found)
