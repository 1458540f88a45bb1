"""A room as numbered floor cells, for the solver.

Floor cells are numbered consecutively. The number after the last floor cell stands for all walls. `cells` uint16
[cells + 1, FIELDS] describes them. The constants below index its columns.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import BOX, BOX_ON_TARGET, END, PLAYER, PLAYER_ON_TARGET, TARGET, WALL, step_of
from render.draw.jit import njit

Ints = NDArray[np.int64]
Cells = NDArray[np.uint16]
"""Unsigned cell numbers spare numba the test for negative indices."""

# Columns 0 to 3: the neighbours up, down, left and right
DEAD: Final = 4  # 1 if a box here cannot reach any target, also for walls
GOAL: Final = 5
PLACE: Final = 6  # index into the flat board
SHIFT: Final = 7  # the cell's part of an index into `walk_bounds`
FIELDS: Final = 8

FAR: Final = 10_000
"""Distance of an unreachable cell."""


@njit
def number_cells(flat: NDArray[np.uint8], numbers: Ints) -> int:
    """Number the floor cells and return how many there are. Walls have their number, the last one."""
    size = 0
    for place in range(flat.size):
        if flat[place] != WALL and flat[place] != END:
            numbers[place] = size
            size += 1
    for place in range(flat.size):
        if flat[place] == WALL or flat[place] == END:
            numbers[place] = size
    return size


@njit
def describe(flat: NDArray[np.uint8], stride: int, numbers: Ints, cells: Cells,
              boxes: Ints, targets: Ints) -> tuple[int, int]:  # fmt: skip
    """Fill `cells`, `boxes` and `targets`. Return the number of boxes and the player's cell."""
    wall = cells.shape[0] - 1
    count, goals, player = 0, 0, 0
    for direction in range(4):
        cells[wall, direction] = wall
    for place in range(flat.size):
        own = numbers[place]
        if own == wall:
            continue
        for direction in range(4):
            step = step_of(direction, stride)
            cells[own, direction] = numbers[place + step]
        cells[own, PLACE] = place
        code = flat[place]
        if code == BOX or code == BOX_ON_TARGET:
            boxes[count] = own
            count += 1
        if code == TARGET or code == BOX_ON_TARGET or code == PLAYER_ON_TARGET:
            targets[goals] = own
            cells[own, GOAL] = 1
            goals += 1
        if code == PLAYER or code == PLAYER_ON_TARGET:
            player = own
    return count, player


@njit
def push_distances(cells: Cells, target: int, row: int, distances: Ints, queue: Cells) -> None:
    """Compute the pushes that move a box from each cell to a target, with no other boxes in the room.

    Args:
        cells: [cells + 1, FIELDS] the room.
        target: Target cell.
        row: Row of `distances` to fill.
        distances: [targets, cells + 1] output, `FAR` for unreachable cells.
        queue: [cells] scratch memory.
    """
    wall = cells.shape[0] - 1
    for place in range(wall + 1):
        distances[row, place] = FAR
    queue[0] = target
    distances[row, target] = 0
    head, tail = 0, 1
    while head < tail:
        place = queue[head]
        head += 1
        for direction in range(4):
            to = cells[place, direction]
            if to != wall and distances[row, to] == FAR and cells[to, direction] != wall:
                distances[row, to] = distances[row, place] + 1
                queue[tail] = to
                tail += 1


@njit
def mark_dead(cells: Cells, count: int, distances: Ints) -> None:
    """Set `DEAD` from the distances to the targets, [targets, cells + 1]."""
    for place in range(cells.shape[0]):
        nearest = FAR
        for target in range(count):
            nearest = min(nearest, distances[target, place])
        cells[place, DEAD] = int(nearest == FAR)


@njit
def walk_bounds(cells: Cells, targets: Ints, count: int, rows: int, columns: int) -> Ints:
    """Return lower bounds on the walked moves up to a solution, and set `SHIFT`.

    A push moves the player exactly as far as a box. The boxes' ways to the targets sum to a fixed vector, and the rest
    of the player's way to a cell after a last push is walked. The table holds the length of that rest for each vector
    (row, column) of the player less all boxes. The vector's index is `first_shift` less the `SHIFT` of
    the boxes plus that of the player.

    Args:
        cells: [cells + 1, FIELDS] the room. `SHIFT` is set.
        targets: [count] cells of the targets.
        count: Number of boxes.
        rows: Rows of the room.
        columns: Columns of the room, with that of the ends of lines.
    """
    wall = cells.shape[0] - 1
    height, width = (rows - 2) * (count + 1), (columns - 3) * (count + 1)
    for place in range(wall):
        cells[place, SHIFT] = (cells[place, PLACE] // columns - 1) * width + cells[place, PLACE] % columns - 1
    bounds = np.full(height * width, FAR, np.int64)
    origin = first_shift(count, rows, columns)
    for target in range(count):
        origin -= cells[targets[target], SHIFT]
    for target in range(count):
        for direction in range(4):
            end = cells[targets[target], direction]
            if end != wall and cells[end, direction] != wall:
                bounds[origin + cells[end, SHIFT]] = 0
    for row in range(height):  # the distance to the nearest zero, along rows and columns
        for index in range(row * width, (row + 1) * width):
            if row:
                bounds[index] = min(bounds[index], bounds[index - width] + 1)
            if index > row * width:
                bounds[index] = min(bounds[index], bounds[index - 1] + 1)
    for row in range(height - 1, -1, -1):
        for index in range((row + 1) * width - 1, row * width - 1, -1):
            if row < height - 1:
                bounds[index] = min(bounds[index], bounds[index + width] + 1)
            if index < (row + 1) * width - 1:
                bounds[index] = min(bounds[index], bounds[index + 1] + 1)
    return bounds


@njit
def first_shift(count: int, rows: int, columns: int) -> int:
    """Return the index into `walk_bounds` of the vector zero. The parameters are those of `walk_bounds`."""
    width = (columns - 3) * (count + 1)
    return (rows - 3) * count * width + (columns - 4) * count
