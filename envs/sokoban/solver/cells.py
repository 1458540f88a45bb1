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
SHIFT: Final = 7  # the cell's part of an index into the bounds on walks
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
def reach_by(cells: Cells, first: int, row: int, pulled: bool, distances: Ints, queue: Cells) -> None:
    """Compute the fewest pushes of a box between a cell and all others, with no other boxes in the room.

    Args:
        cells: [cells + 1, FIELDS] the room.
        first: The cell.
        row: Row of `distances` to fill.
        pulled: True for the pushes to the cell, False for those from the cell.
        distances: [rows, cells + 1] output, `FAR` for unreachable cells.
        queue: [cells] scratch memory.
    """
    wall = cells.shape[0] - 1
    for place in range(wall + 1):
        distances[row, place] = FAR
    queue[0] = first
    distances[row, first] = 0
    head, tail = 0, 1
    while head < tail:
        place = queue[head]
        head += 1
        for direction in range(4):
            to = cells[place, direction]
            stand = cells[to, direction] if pulled else cells[place, direction ^ 1]  # the player's cell
            if to != wall and distances[row, to] == FAR and stand != wall:
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
