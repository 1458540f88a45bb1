"""Sources of levels: the generator, text files, or a single map."""

from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import Final, Protocol

import numpy as np

from configs.errors import suggest
from envs.sokoban.board import LARGEST, SMALLEST, UNKNOWN, Board, Level, fitted, read_board, text_of
from envs.sokoban.files import check_map, find_files
from envs.sokoban.generate import generate
from envs.sokoban.solver.solve import fewest
from envs.task.splits import Split, draw_of_split

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
SMALL_CELLS: Final = 64
"""Largest number of cells of a room with few distinct levels, such as 8x8."""
MOST_NEW_BOXES: Final = 5
"""Largest number of boxes of new levels."""
CERTIFICATE_NODES: Final = 1_000_000
"""Maximum number of solver states for the optimal numbers, usually below 0.6 s. Beyond it, a number is `UNKNOWN`."""


class Source(Protocol):
    """A source of levels for a room (rows, columns)."""

    room: tuple[int, int]

    def draw(self, generator: np.random.Generator, split: Split = "train") -> Level:
        """Return a random level with its optimal numbers of pushes and moves. Only new levels depend on the split."""


class Listed(Source, Protocol):
    """A source of given levels."""

    def at(self, number: int) -> Level:
        """Return a level by its number. The numbers of n levels are 0 to n − 1, and repeat after that."""


class Generated:
    """A source of newly generated levels.

    In rooms of up to 64 cells, such as 8x8, the splits never share a level. Larger rooms have too many levels to
    repeat: there the split is not used.

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

    def draw(self, generator: np.random.Generator, split: Split = "train") -> Level:
        """Return a new level, seeded by the generator. Discard levels without a known number of moves."""

        def new() -> Level:
            return generate(self.room, self.boxes, self.difficulty, int(generator.integers(1 << 63)))

        small = self.room[0] * self.room[1] <= SMALL_CELLS
        settings = f"room={self.room}, boxes={self.boxes}, difficulty={self.difficulty}"
        while True:
            level = draw_of_split(new, lambda level: text_of(level.board), split, settings) if small else new()
            moves = fewest(level.board, "moves", CERTIFICATE_NODES)
            if moves != UNKNOWN:
                return level._replace(moves=moves)


class Fixed:
    """A source that always returns the same map. The room grows to the size of the map."""

    def __init__(self, text: str, room: tuple[int, int]) -> None:
        check_map(text)
        board = read_board(text)
        self.room = (max(room[0], board.shape[0]), max(room[1], board.shape[1] - 1))
        self.level = certified(fitted(board, self.room))._replace(number=0)

    def draw(self, generator: np.random.Generator, split: Split = "train") -> Level:
        """Return the level of the map."""
        return self.level

    def at(self, number: int) -> Level:
        """Return the level of the map."""
        return self.level


class Files:
    """A source of levels from a file or a folder of files. The room grows to the size of the largest level."""

    def __init__(self, path: str, room: tuple[int, int]) -> None:
        self.files = find_files(path)
        self._ends = list(accumulate(file.levels for file in self.files))
        rows, columns = zip(*(file.size for file in self.files), strict=True)
        self.room = (max(room[0], *rows), max(room[1], *columns))

    def draw(self, generator: np.random.Generator, split: Split = "train") -> Level:
        """Return a random level of a random file. All files have the same probability."""
        index = int(generator.integers(len(self.files)))
        return self._level(index, int(generator.integers(self.files[index].levels)))

    def at(self, number: int) -> Level:
        """Return a level by its number in the order of the files' paths and of the levels in a file."""
        number %= self._ends[-1]
        index = bisect_right(self._ends, number)
        return self._level(index, number - self._ends[index] + self.files[index].levels)

    def _level(self, index: int, place: int) -> Level:
        file = self.files[index]
        maps = file.maps()
        if len(maps) != file.levels:
            raise ValueError(f"{file.path}: the file has changed: {len(maps)} levels instead of {file.levels}")
        try:
            level = _certified_text(maps[place].text, self.room)
        except ValueError as error:
            raise ValueError(f"{file.path}:{maps[place].line}: level {place}: {error}") from None
        return level._replace(number=self._ends[index] - file.levels + place)


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
    if not isinstance(levels, str):
        raise ValueError(f"levels must be a path or the text of a map, got {levels!r}")
    if "\n" in levels:
        return Fixed(levels, room)
    return Files(levels, room)
