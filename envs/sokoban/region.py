"""Sets of cells as bits, and the cells that the player can reach, compiled. Bit n stands for cell n of a flat board."""

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import END, WALL
from render.draw.jit import njit

Words = NDArray[np.uint64]
"""[3]: 192 bits for at most 13 · 14 cells."""


@njit
def bit(words: Words, place: int) -> bool:
    """Return the bit of a cell."""
    return bool(words[place >> 6] >> np.uint64(place & 63) & np.uint64(1))


@njit
def flip(words: Words, place: int) -> None:
    """Invert the bit of a cell."""
    words[place >> 6] ^= np.uint64(1) << np.uint64(place & 63)


@njit
def floor(flat: NDArray[np.uint8], boxes: NDArray[np.int64], free: Words) -> None:
    """Set `free` to the cells of a flat board without walls and `boxes`."""
    free[:] = 0
    for place in range(flat.size):
        if flat[place] != WALL and flat[place] != END:
            flip(free, place)
    for number in range(boxes.size):
        flip(free, boxes[number])


@njit
def flood(free: Words, start: int, stride: int, region: Words) -> None:
    """Set `region` to the cells that are connected to the cell `start` through `free` cells.

    Args:
        free: The free cells. None is in the first or last row or column of the board.
        start: A free cell.
        stride: Cells per row of the board.
        region: Output.
    """
    one, last = np.uint64(1), np.uint64(63)
    by, rest = np.uint64(stride), np.uint64(64 - stride)
    region[:] = 0
    flip(region, start)
    a, b, c = region[0], region[1], region[2]
    while True:  # all cells grow by one step to the four sides
        x = (a | a << one | a >> one | b << last | a << by | a >> by | b << rest) & free[0]
        y = (b | b << one | a >> last | b >> one | c << last | b << by | a >> rest | b >> by | c << rest) & free[1]
        z = (c | c << one | b >> last | c >> one | c << by | b >> rest | c >> by) & free[2]
        if x == a and y == b and z == c:
            break
        a, b, c = x, y, z
    region[0], region[1], region[2] = a, b, c
