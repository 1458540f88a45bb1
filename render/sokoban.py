"""Drawing of Sokoban rooms: seven original tiles, and frames redrawn only where the room has changed."""

import math
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from render.draw.canvas import Colour, Frame, Ink
from render.draw.jit import njit

TILES: Final = ("wall", "floor", "target", "box_on_target", "box", "player", "player_on_target")
"""Tile names in the order of their codes."""

_NOTHING: Final = 255  # no tile drawn yet

_BARS: Final[Colour] = (24, 26, 33)
_JOINT: Final[Colour] = (46, 50, 62)
_BRICK: Final[Colour] = (86, 93, 112)
_BRICK_LIGHT: Final[Colour] = (112, 120, 141)
_FLOOR: Final[Colour] = (236, 229, 214)
_FLOOR_LINE: Final[Colour] = (220, 211, 193)
_GOAL: Final[Colour] = (216, 55, 60)
_WOOD: Final[Colour] = (214, 148, 62)
_WOOD_DARK: Final[Colour] = (133, 81, 26)
_HOME: Final[Colour] = (92, 176, 84)
_HOME_DARK: Final[Colour] = (36, 98, 46)
_COAT: Final[Colour] = (46, 112, 214)
_COAT_DARK: Final[Colour] = (20, 58, 130)
_SKIN: Final[Colour] = (250, 214, 172)


class RoomView:
    """Frames of `count` rooms of [rows, columns] tiles, with bars where the aspect ratio of the frame differs."""

    def __init__(self, count: int, rows: int, columns: int, size: tuple[int, int]) -> None:
        """Allocate the frames.

        Args:
            count: number of rooms.
            rows: rows of tiles in a room.
            columns: columns of tiles in a room.
            size: frame (height, width) in pixels.

        Raises:
            ValueError: a tile would be smaller than four pixels.
        """
        height, width = size
        side = min(height // rows, width // columns)
        if side < 4:
            raise ValueError(
                f"a frame of {height}x{width} is too small for {rows}x{columns} tiles: "
                f"it needs at least {4 * rows}x{4 * columns}"
            )
        self.frames: Frame = np.empty((count, height, width, 3), np.uint8)
        self.frames[:] = _BARS
        self._shown = np.full((count, rows, columns), _NOTHING, np.uint8)
        self._top = (height - rows * side) // 2
        left = 3 * ((width - columns * side) // 2)
        word = np.dtype(f"u{math.gcd(3 * width, 3 * side, left, 8)}")  # the longest words that tiles consist of
        self._rows = self.frames.reshape(count, height, 3 * width).view(word)
        self._tiles = tiles(side).reshape(len(TILES), side, 3 * side).view(word)
        self._left = left // word.itemsize

    def draw(self, rooms: NDArray[np.uint8]) -> Frame:
        """Draw rooms of tile codes [N, >= rows, >= columns] into frames [N, H, W, 3]. The next call overwrites them."""
        _redraw(self._rows, self._shown, rooms, self._tiles, self._top, self._left)
        return self.frames


@njit
def _redraw(
    frames: NDArray[Any],
    shown: NDArray[np.uint8],
    rooms: NDArray[np.uint8],
    tiles: NDArray[Any],
    top: int,
    left: int,
) -> None:
    """Draw the tiles that differ from `shown`. `frames` and `tiles` have rows of words, and `left` is in words."""
    side, width = tiles.shape[1], tiles.shape[2]
    for index in range(shown.shape[0]):
        for row in range(shown.shape[1]):
            for column in range(shown.shape[2]):
                code = rooms[index, row, column]
                if code == shown[index, row, column]:
                    continue
                shown[index, row, column] = code
                x, y = left + column * width, top + row * side
                for line in range(side):
                    for word in range(width):  # numba's slices cost more than the copy
                        frames[index, y + line, x + word] = tiles[code, line, word]


@lru_cache(maxsize=16)
def tiles(side: int) -> Frame:
    """Return the seven tiles at `side` pixels: uint8 [7, side, side, 3]."""
    drawn = []
    for name in TILES:
        ink = Ink(side, side)
        if name == "wall":
            _wall(ink, side)
        else:
            _floor(ink, side)
        if name == "target":
            _target(ink, side)
        elif name == "box":
            _box(ink, side, _WOOD, _WOOD_DARK)
        elif name == "box_on_target":
            _box(ink, side, _HOME, _HOME_DARK)
            _mark(ink, side)
        elif name == "player":
            _player(ink, side)
        elif name == "player_on_target":
            _target(ink, side)
            _player(ink, side)
        drawn.append(ink.pixels())
    picture = np.stack(drawn)
    picture.setflags(write=False)
    return picture


def _wall(ink: Ink, side: int) -> None:
    """Draw two courses of bricks, the lower one shifted by half a brick."""
    ink.rectangle(-2, -2, side + 2, side + 2, _JOINT)
    joint = max(1.0, side / 14)
    half = side / 2
    for top, shift in ((0.0, 0.0), (half, -half)):
        for number in range(2):
            left = shift + number * side
            box = (left, top, left + side - joint, top + half - joint)
            ink.rectangle(*box, _BRICK, radius=side / 24)
            if side >= 12:
                ink.rectangle(box[0], box[1], box[2], box[1] + max(1.0, side / 20), _BRICK_LIGHT)


def _floor(ink: Ink, side: int) -> None:
    ink.rectangle(-2, -2, side + 2, side + 2, _FLOOR_LINE)
    line = max(1.0, side / 32)
    ink.rectangle(-2, -2, side - line, side - line, _FLOOR)


def _target(ink: Ink, side: int) -> None:
    """Draw a ring around a dot, wide enough to stay visible around a player on the target."""
    middle = side / 2
    ink.ring(middle, middle, side * 0.36, max(1.2, side * 0.09), _GOAL)
    ink.disc(middle, middle, side * 0.14, _GOAL)


def _box(ink: Ink, side: int, colour: Colour, dark: Colour) -> None:
    """Draw a crate: a dark frame and a cross."""
    edge, frame = side * 0.07, max(1.2, side * 0.1)
    ink.rectangle(edge, edge, side - edge, side - edge, dark, radius=side * 0.08)
    ink.rectangle(edge + frame, edge + frame, side - edge - frame, side - edge - frame, colour)
    if colour is _WOOD:
        low, high, width = edge + frame, side - edge - frame, max(1.0, side * 0.09)
        ink.line((low, low), (high, high), width, dark)
        ink.line((low, high), (high, low), width, dark)


def _mark(ink: Ink, side: int) -> None:
    """Draw a white tick, which marks a box on its target."""
    width = max(1.6, side * 0.11)
    ink.line((side * 0.30, side * 0.52), (side * 0.44, side * 0.66), width, (255, 255, 255))
    ink.line((side * 0.44, side * 0.66), (side * 0.70, side * 0.36), width, (255, 255, 255))


def _player(ink: Ink, side: int) -> None:
    """Draw a worker: shoulders, head and a cap."""
    middle = side / 2
    ink.disc(middle, middle + side * 0.16, side * 0.27, _COAT_DARK)
    ink.disc(middle, middle + side * 0.16, side * 0.27 - max(0.8, side * 0.035), _COAT)
    ink.disc(middle, side * 0.34, side * 0.21, _COAT_DARK)
    ink.disc(middle, side * 0.36, side * 0.17, _SKIN)
    ink.rectangle(middle - side * 0.19, side * 0.14, middle + side * 0.19, side * 0.29, _COAT, radius=side * 0.07)
    if side >= 20:
        for way in (-1, 1):
            ink.disc(middle + way * side * 0.065, side * 0.38, side * 0.028, _COAT_DARK)
