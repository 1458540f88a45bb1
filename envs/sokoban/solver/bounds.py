"""The solver's bound on pushes and its test for unsolvable positions. `cells` describes the room as in `cells.py`."""

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.solver.cells import DEAD, FAR, GOAL, Cells, Ints
from render.draw.jit import njit


@njit
def matching(boxes: Ints, count: int, distances: Ints, best: Ints) -> int:
    """Return the smallest sum of distances over all matchings of boxes to targets, or `FAR` if none exists.

    Args:
        boxes: [count] cells of the boxes.
        count: Number of boxes.
        distances: [targets, cells] pushes to each target.
        best: [2 ** count] scratch memory.
    """
    best[0] = 0
    for chosen in range(1, 1 << count):  # targets for the first boxes, as many as there are targets
        number, rest = -1, chosen
        while rest:
            rest &= rest - 1
            number += 1
        place, least = boxes[number], FAR
        for target in range(count):
            if chosen >> target & 1:
                least = min(least, best[chosen ^ 1 << target] + distances[target, place])
        best[chosen] = least
    return int(best[(1 << count) - 1])


@njit
def stuck(cells: Cells, boxes: Ints, count: int, frozen: NDArray[np.bool_]) -> bool:
    """Return True if boxes are frozen with at least one off target, as in `deadlock`.

    Args:
        cells: [cells + 1, FIELDS] the room.
        boxes: [count] cells of the boxes.
        count: Number of boxes.
        frozen: [cells + 1] scratch memory, True only for the wall at the start and at the end.
    """
    for number in range(count):
        frozen[boxes[number]] = True
    left, changed = count, True
    while changed and left:
        changed = False
        for number in range(count):
            place = boxes[number]
            if not frozen[place]:
                continue
            for axis in (0, 2):
                one, other = cells[place, axis], cells[place, axis + 1]
                if not (frozen[one] or frozen[other] or (cells[one, DEAD] and cells[other, DEAD])):
                    frozen[place] = False
                    left -= 1
                    changed = True
                    break
    lost = False
    for number in range(count):
        lost |= frozen[boxes[number]] and cells[boxes[number], GOAL] == 0
        frozen[boxes[number]] = False
    return lost
