"""The solver's lower bounds and its test for unsolvable positions.

Floor cells are numbered consecutively. `around` [cells, 4] holds the neighbours up, down, left and right of each cell,
−1 for a wall.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from render.draw.jit import njit

FAR: Final = 10_000
"""Distance of an unreachable cell."""


@njit
def push_distances(around: NDArray[np.int64], target: int, distance: NDArray[np.int64]) -> None:
    """Compute the pushes that move a box from each cell to a target, with no other boxes in the room.

    Args:
        around: [cells, 4] neighbours of each cell.
        target: Target cell.
        distance: [cells] output, `FAR` for unreachable cells.
    """
    distance[:] = FAR
    queue = np.empty(distance.size, np.int64)
    queue[0] = target
    distance[target] = 0
    head, tail = 0, 1
    while head < tail:
        place = queue[head]
        head += 1
        for direction in range(4):
            to = around[place, direction]
            if to >= 0 and distance[to] == FAR and around[to, direction] >= 0:
                distance[to] = distance[place] + 1
                queue[tail] = to
                tail += 1


@njit
def matching(boxes: NDArray[np.int64], count: int, distances: NDArray[np.int64], best: NDArray[np.int64]) -> int:
    """Return the smallest sum of distances over all matchings of boxes to targets, or `FAR` if none exists.

    Args:
        boxes: [count] cells of the boxes.
        count: Number of boxes.
        distances: [targets, cells] pushes to each target.
        best: [2 ** count] scratch memory.
    """
    for chosen in range(1, 1 << count):
        best[chosen] = FAR
    best[0] = 0
    for chosen in range((1 << count) - 1):
        base = best[chosen]
        if base >= FAR:
            continue
        number = 0  # index of the next box: the number of boxes matched so far
        rest = chosen
        while rest:
            rest &= rest - 1
            number += 1
        place = boxes[number]
        for target in range(count):
            if not chosen >> target & 1:
                cost = base + distances[target, place]
                if cost < best[chosen | 1 << target]:
                    best[chosen | 1 << target] = cost
    return int(best[(1 << count) - 1])


@njit
def stuck(around: NDArray[np.int64], boxes: NDArray[np.int64], count: int,
          hopeless: NDArray[np.bool_], goal: NDArray[np.bool_], fast: NDArray[np.bool_]) -> bool:  # fmt: skip
    """Return True if boxes are frozen with at least one off target, as in `deadlock`.

    Args:
        around: [cells, 4] neighbours of each cell.
        boxes: [count] cells of the boxes.
        count: Number of boxes.
        hopeless: [cells] mask of dead cells.
        goal: [cells] mask of targets.
        fast: [cells] scratch memory, False at the start and at the end.
    """
    for number in range(count):
        fast[boxes[number]] = True
    left, changed = count, True
    while changed and left:
        changed = False
        for number in range(count):
            place = boxes[number]
            if not fast[place]:
                continue
            for axis in (0, 2):
                one, other = around[place, axis], around[place, axis + 1]
                if one >= 0 and other >= 0 and not fast[one] and not fast[other]:
                    if not (hopeless[one] and hopeless[other]):
                        fast[place] = False
                        left -= 1
                        changed = True
                        break
    lost = False
    for number in range(count):
        lost |= fast[boxes[number]] and not goal[boxes[number]]
        fast[boxes[number]] = False
    return lost


@njit
def walk_bound(
    boxes: NDArray[np.int64],
    count: int,
    player: int,
    row_of: NDArray[np.int64],
    column_of: NDArray[np.int64],
    aims: NDArray[np.int64],
) -> int:
    """Return a lower bound on the player's remaining moves that are not pushes.

    Args:
        boxes: [count] cells of the boxes.
        count: Number of boxes.
        player: Cell of the player.
        row_of: [cells] row of each cell.
        column_of: [cells] column of each cell.
        aims: [n, 2] (row, column) of possible final player positions, less the sum of all targets.

    Returns:
        The bound, 0 if `aims` is empty.
    """
    if aims.shape[0] == 0:
        return 0
    row, column = row_of[player], column_of[player]
    for number in range(count):
        row -= row_of[boxes[number]]
        column -= column_of[boxes[number]]
    least = FAR
    for aim in range(aims.shape[0]):
        least = min(least, abs(aims[aim, 0] - row) + abs(aims[aim, 1] - column))
    return int(least)
