"""Sources of levels: the generator, Boxoban's text files, or a single map."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np

from configs.errors import suggest
from envs.sokoban.board import LARGEST, SMALLEST, UNKNOWN, Board, Level, fitted, read_board
from envs.sokoban.generate import generate
from envs.sokoban.solver import fewest

PRESETS: Final[dict[str, tuple[tuple[int, int], int]]] = {
    "Sokoban-v0": ((10, 10), 3),
    "Sokoban-v1": ((10, 10), 4),
    "Sokoban-v2": ((10, 10), 5),
    "Sokoban-small-v0": ((7, 7), 2),
    "Sokoban-small-v1": ((7, 7), 3),
    "Sokoban-large-v0": ((13, 11), 3),
    "Sokoban-large-v1": ((13, 11), 4),
    "Sokoban-large-v2": ((13, 11), 5),
    "Sokoban-huge-v0": ((13, 13), 5),
}
"""gym-sokoban's names, each with its (rows, columns) and its number of boxes."""

SMALLEST_ROOM: Final = 6
"""Smallest number of rows and columns of new levels."""
MOST_NEW_BOXES: Final = 5
"""Largest number of boxes of new levels."""
CERTIFICATE_NODES: Final = 1_000_000
"""Maximum number of solver states for the optimal numbers, about 0.1 s. Beyond it, a number is `UNKNOWN`."""


class Source(Protocol):
    """A source of levels for a room (rows, columns)."""

    room: tuple[int, int]

    def draw(self, generator: np.random.Generator) -> Level:
        """Return a random level with its optimal numbers of pushes and moves."""


class Generated:
    """A source of newly generated levels.

    Args:
        room: (rows, columns), 6 to 13 each.
        boxes: Number of boxes, 1 to 5.
        difficulty: Difficulty from 0 to 1.
    """

    def __init__(self, room: tuple[int, int], boxes: int, difficulty: float) -> None:
        if not all(SMALLEST_ROOM <= side <= LARGEST for side in room):
            raise ValueError(f"room must be {SMALLEST_ROOM} to {LARGEST} rows and columns, got {room}")
        if not isinstance(boxes, int) or not 1 <= boxes <= MOST_NEW_BOXES:
            raise ValueError(f"boxes must be 1 to {MOST_NEW_BOXES}, got {boxes!r}")
        self.room, self.boxes, self.difficulty = room, boxes, difficulty

    def draw(self, generator: np.random.Generator) -> Level:
        """Return a new level, seeded by the generator. Discard levels without a known number of moves."""
        while True:
            level = generate(self.room, self.boxes, self.difficulty, int(generator.integers(1 << 63)))
            moves = fewest(level.board, "moves", CERTIFICATE_NODES)
            if moves != UNKNOWN:
                return level._replace(moves=moves)


class Fixed:
    """A source that always returns the same map."""

    def __init__(self, board: Board, room: tuple[int, int]) -> None:
        self.room = room
        self.level = certified(fitted(board, room))

    def draw(self, generator: np.random.Generator) -> Level:
        """Return the level of the map."""
        return self.level


class Boxoban:
    """A source of levels from a Boxoban file or a folder of `.txt` files. A file is read when drawn."""

    def __init__(self, path: str, room: tuple[int, int]) -> None:
        self.room = room
        place = Path(path).expanduser()
        if place.is_dir():
            self.files = sorted(place.rglob("*.txt"))
        elif place.is_file():
            self.files = [place]
        else:
            raise ValueError(f"levels={path!r}: no such file or folder")
        if not self.files:
            raise ValueError(f"levels={path!r}: no .txt file in this folder")

    def draw(self, generator: np.random.Generator) -> Level:
        """Return a random level of a random file. All files have the same probability."""
        path = self.files[int(generator.integers(len(self.files)))]
        maps = read_file(os.fspath(path), path.stat().st_mtime_ns)
        line, text = maps[int(generator.integers(len(maps)))]
        return self.level(text, line)

    def level(self, text: str, line: str) -> Level:
        """Return the level of a map. `line` is its location, for error messages."""
        try:
            return _certified_text(text, self.room)
        except ValueError as error:
            raise ValueError(f"{line}: {error}") from None


class Map(NamedTuple):
    """A level of a file as text."""

    where: str
    """FILE:LINE of the first row."""
    text: str


@lru_cache(maxsize=16)
def read_file(path: str, changed: int) -> list[Map]:
    """Return the unparsed levels of a text file, separated by lines `; n`. `changed` keys the cache by file version."""
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from None
    maps: list[Map] = []
    rows: list[str] = []
    for number, line in enumerate([*lines, ";"], start=1):
        if not line.startswith(";") and line.strip():
            rows.append(line)
        elif rows:
            maps.append(Map(f"{path}:{number - len(rows)}", "\n".join(rows)))
            rows = []
    if not maps:
        raise ValueError(
            f"{path}: no level in this file; a level is '; 0', then rows of # wall, @ player, $ box, . target"
        )
    return maps


def certified(board: Board) -> Level:
    """Return the level of a board with the optimal numbers that the solver finds."""
    return Level(board, *(fewest(board, what, CERTIFICATE_NODES) for what in ("pushes", "moves")))


@lru_cache(maxsize=4096)
def _certified_text(text: str, room: tuple[int, int]) -> Level:
    return certified(fitted(read_board(text), room))


def find_source(levels: str | None, room: tuple[int, int], boxes: int, difficulty: float, preset: str | None) -> Source:
    """Return the source of levels for the env's arguments.

    Args:
        levels: None for new levels, a path, or the text of a map.
        room: (rows, columns).
        boxes: Number of boxes of new levels.
        difficulty: Difficulty of new levels, 0 to 1.
        preset: One of `PRESETS`, which replaces `room` and `boxes`, or None.
    """
    if preset is not None:
        if preset not in PRESETS:
            raise ValueError(suggest("preset", preset, PRESETS))
        room, boxes = PRESETS[preset]
    if levels is None:
        return Generated(room, boxes, difficulty)
    if not all(SMALLEST <= side <= LARGEST for side in room):
        raise ValueError(f"room must be {SMALLEST} to {LARGEST} rows and columns, got {room}")
    if "\n" in levels:
        return Fixed(read_board(levels), room)
    return Boxoban(levels, room)
