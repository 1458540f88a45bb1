"""Lower bounds on the player's walks, for the search for the fewest moves.

A push moves the player exactly as far as a box. The boxes' ways between two positions sum to a vector, and the rest of
the player's way between them is walked. The length of that rest, along rows and columns, is a lower bound. It depends
only on the vector (row, column) of the player less all boxes. The vector's index into a table of bounds is
`first_shift` less the `SHIFT` of the boxes plus that of the player.
"""

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.solver.cells import FAR, PLACE, SHIFT, Cells, Ints
from render.draw.jit import njit


@njit
def set_shifts(cells: Cells, count: int, columns: int) -> None:
    """Set `SHIFT`. The parameters are those of `walk_bounds`."""
    width = (columns - 3) * (count + 1)
    for place in range(cells.shape[0] - 1):
        cells[place, SHIFT] = (cells[place, PLACE] // columns - 1) * width + cells[place, PLACE] % columns - 1


@njit
def first_shift(count: int, rows: int, columns: int) -> int:
    """Return the index of the vector zero. The parameters are those of `walk_bounds`."""
    width = (columns - 3) * (count + 1)
    return (rows - 3) * count * width + (columns - 4) * count


@njit
def end_cells(cells: Cells, targets: Ints, count: int, ends: Ints) -> int:
    """Fill `ends` [4 · targets] with the player's cells after a push onto a target, and return their number."""
    wall, used = cells.shape[0] - 1, 0
    for target in range(count):
        for direction in range(4):
            end = cells[targets[target], direction]
            if end != wall and cells[end, direction] != wall:
                ends[used] = end
                used += 1
    return used


@njit
def walk_bounds(
    cells: Cells, boxes: Ints, count: int, rows: int, columns: int, players: Ints, ends: int, bounds: NDArray[np.int16]
) -> None:
    """Fill `bounds` with lower bounds on the walked moves between each vector and the nearest of given positions.

    Args:
        cells: [cells + 1, FIELDS] the room.
        boxes: [count] cells of the boxes in the given positions.
        count: Number of boxes.
        rows: Rows of the room.
        columns: Columns of the room, with that of the ends of lines.
        players: [ends] cells of the player in the given positions.
        ends: Number of given positions.
        bounds: [(rows − 2) · (columns − 3) · (count + 1)²] output.
    """
    width = (columns - 3) * (count + 1)
    origin = first_shift(count, rows, columns)
    for number in range(count):
        origin -= int(cells[boxes[number], SHIFT])
    bounds[:] = FAR
    across = np.empty(width, np.int16)
    for number in range(ends):
        row, column = divmod(origin + int(cells[players[number], SHIFT]), width)
        for x in range(width):
            across[x] = abs(x - column)
        for y in range(bounds.size // width):
            down = np.int16(abs(y - row))
            for x in range(width):
                bounds[y * width + x] = min(bounds[y * width + x], np.int16(across[x] + down))
