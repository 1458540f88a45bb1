"""Arrangements of boxes in the search for the fewest moves, with the costs of the forward and of the backward side."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.solver.cells import FAR, SHIFT, Cells, Ints
from envs.sokoban.solver.states import find, pushed, unpack
from render.draw.jit import njit

Costs = NDArray[np.int16]
"""[2 · arrangements, cells + 3]: row 2n belongs to the forward side of arrangement n, row 2n + 1 to the backward side.

The columns hold the lowest known cost with the player on each cell (`FAR`, `BOX` or `WALL` if there is none), the bound
on pushes of this side, and the boxes' part of an index into the bounds on walks.
"""
BOX: Final = -1
WALL: Final = -2


@njit
def add(cells: Cells, costs: Costs, owner: int, boxes: Ints, count: int, origin: int, ahead: int, back: int) -> None:
    """Write the two rows of a new arrangement of boxes."""
    wall = cells.shape[0] - 1
    base = origin
    for row in (2 * owner, 2 * owner + 1):
        for place in range(wall):
            costs[row, place] = FAR
        costs[row, wall] = WALL
        for number in range(count):
            costs[row, boxes[number]] = BOX
    for number in range(count):
        base -= int(cells[boxes[number], SHIFT])
    costs[2 * owner, wall + 1], costs[2 * owner + 1, wall + 1] = ahead, back
    costs[2 * owner, wall + 2], costs[2 * owner + 1, wall + 2] = base, base


@njit
def trace(
    owner: int,
    player: int,
    side: int,
    keys: Ints,
    costs: Costs,
    table: NDArray[np.int32],
    cells: Cells,
    count: int,
    boxes: Ints,
    here: Ints,
    moves: NDArray[np.int8],
    used: int,
) -> tuple[int, int]:
    """Write the moves between a state and the first state of a side.

    Args:
        owner: Arrangement of the state.
        player: The player's cell.
        side: 0 for the moves from the start, last move first. 1 for the moves to a solved position, first move first.
        keys: [arrangements] keys.
        costs: Costs of the arrangements.
        table: Hash table of the keys.
        cells: [cells + 1, FIELDS] the room.
        count: Number of boxes.
        boxes: [boxes] scratch memory.
        here: [boxes] scratch memory.
        moves: Output, written from `used` on.
        used: Number of moves written before.

    Returns:
        Number of moves written, with those before, and number of pushes among the new ones.
    """
    pushes = 0
    while costs[2 * owner + side, player] > 0:
        row = 2 * owner + side
        cost = costs[row, player]
        for direction in range(4):
            to = cells[player, direction ^ (1 - side)]
            if 0 <= costs[row, to] < cost:
                player = to
                moves[used] = direction
                used += 1
                break
            box, moved = to, cells[to, direction]
            if side == 0:
                box, moved = cells[player, direction], player
            if costs[row, box] != BOX or (costs[row, moved] < 0 and side == 1):
                continue
            unpack(keys[owner], count, boxes)
            key = pushed(boxes, count, box, moved, here)
            before = table[find(table, keys, key)]
            if before >= 0 and 0 <= costs[2 * before + side, to] < cost:
                owner, player = before, to
                moves[used] = direction
                used += 1
                pushes += 1
                break
    return used, pushes
