"""Fewest pushes by A*, compiled.

Reference counting of arrays in the inner loop takes two thirds of the time. `_expand` therefore neither creates
nor slices nor reassigns arrays. If its memory is full, it returns, and `search` calls it again with longer arrays.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import MOST_BOXES
from envs.sokoban.solver.bounds import matching, stuck
from envs.sokoban.solver.cells import (
    DEAD,
    FAR,
    FIELDS,
    Cells,
    Ints,
    describe,
    mark_dead,
    number_cells,
    reach_by,
)
from envs.sokoban.solver.states import (
    BITS,
    COST,
    NEXT,
    OWNER,
    PARENT,
    PUSH,
    find,
    key_of,
    length,
    longer,
    plan,
    pushed,
    table_of,
)
from render.draw.jit import njit

LEVEL: Final = 0  # lowest bucket that may hold a state
KNOWN: Final = 1  # number of arrangements
USED: Final = 2  # number of states
CEILING: Final = 3  # maximum cost of a plan, lowered when a plan is found

FULL: Final = -1  # results of `_expand`
UNSOLVABLE: Final = -2
AT_LIMIT: Final = -3

_PUSHES: Final = 4 * MOST_BOXES  # maximum number of pushes of one expansion


@njit
def search(
    flat: NDArray[np.uint8], stride: int, node_limit: int, ceiling: int, planned: bool
) -> tuple[int, NDArray[np.int8], int, int]:
    """Run A* on a flat board.

    Args:
        flat: [rows · (columns + 1)] flat board.
        stride: Cells per row of the board.
        node_limit: Maximum number of generated states.
        ceiling: Maximum cost of a plan.
        planned: True to return the plan. False leaves it empty.

    Returns:
        Number of generated states (negative if no plan was found), the plan, its cost and its number of pushes. Without
        a plan, the last value is 0 if the position is unsolvable and 1 if the limit was reached.
    """
    nothing = np.empty(0, np.int8)
    numbers = np.empty(flat.size, np.int64)
    size = number_cells(flat, numbers)
    cells = np.zeros((size + 1, FIELDS), np.uint16)
    boxes, targets = np.empty(MOST_BOXES, np.int64), np.empty(MOST_BOXES, np.int64)
    count, player = describe(flat, stride, numbers, cells, boxes, targets)
    distances = np.empty((count, size + 1), np.int64)
    queue = np.empty(size + 1, np.uint16)
    for target in range(count):
        reach_by(cells, targets[target], target, True, distances, queue)
    mark_dead(cells, count, distances)
    boxed, frozen = np.zeros(size + 1, np.bool_), np.zeros(size + 1, np.bool_)
    frozen[size] = True
    best = np.empty(1 << count, np.int64)
    level = matching(boxes, count, distances, best)
    if level == 0:
        return 1, nothing, 0, 0
    if level > min(ceiling, FAR - 1) or stuck(cells, boxes, count, frozen):
        return -1, nothing, 0, 0
    # arrangements of boxes: sorted cells as a key, the lowest known cost with the player on each cell (0 for walls and
    # boxes), and the bound in the last column
    keys = np.empty(1024, np.int64)
    reached = np.empty((1024, size + 2), np.int16)
    table = np.full(4096, -1, np.int32)
    states = np.empty((4096, 5), np.int32)
    buckets = np.full(ceiling + 1, -1, np.int32)  # heads of linked lists by cost + bound
    here = np.empty(MOST_BOXES, np.int64)
    keys[0] = key_of(boxes, count)
    _add(reached, 0, boxes, count, level)
    reached[0, player] = 0
    table[find(table, keys, keys[0])] = 0
    states[0, COST], states[0, OWNER], states[0, PARENT], states[0, PUSH], states[0, NEXT] = 0, 0, -1, player << 3, -1
    buckets[level] = 0
    marks = np.empty(4, np.int64)
    marks[LEVEL], marks[KNOWN], marks[USED], marks[CEILING] = level, 1, 1, ceiling
    while True:
        found = _expand(
            cells, distances, node_limit, boxes, here, count, boxed, frozen, best, queue, keys,
            reached, table, states, buckets, marks,
        )  # fmt: skip
        if found != FULL:
            break
        if marks[KNOWN] + _PUSHES > keys.size:
            keys, reached = longer(keys), longer(reached)
            table = table_of(keys, marks[KNOWN])
        else:
            states = longer(states)
    if found < 0:
        return -marks[USED], nothing, 0, int(found == AT_LIMIT)
    moves = plan(found, keys, states, cells, count, player) if planned else nothing
    return marks[USED], moves, int(states[found, COST]), length(found, states)


@njit
def _expand(
    cells: Cells,
    distances: Ints,
    node_limit: int,
    boxes: Ints,
    here: Ints,
    count: int,
    boxed: NDArray[np.bool_],
    frozen: NDArray[np.bool_],
    best: Ints,
    queue: Cells,
    keys: Ints,
    reached: NDArray[np.int16],
    table: NDArray[np.int32],
    states: NDArray[np.int32],
    buckets: NDArray[np.int32],
    marks: Ints,
) -> int:
    """Expand states in the order of their bounds. Return the solved state, FULL, UNSOLVABLE or AT_LIMIT."""
    wall, mask = cells.shape[0] - 1, (1 << BITS) - 1
    level, known, used, ceiling = marks[LEVEL], marks[KNOWN], marks[USED], marks[CEILING]
    current = -1  # the arrangement in `boxes` and `boxed`
    while level <= ceiling:
        node = buckets[level]
        if node < 0:
            level += 1
            continue
        if known + _PUSHES > keys.size or used + _PUSHES > states.shape[0]:
            marks[LEVEL], marks[KNOWN], marks[USED], marks[CEILING] = level, known, used, ceiling
            if current >= 0:
                for number in range(count):
                    boxed[boxes[number]] = False
            return FULL
        buckets[level] = states[node, NEXT]
        owner, start = int(states[node, OWNER]), int(states[node, PUSH] >> 3)
        if reached[owner, start] < states[node, COST]:  # a cheaper path was found since
            continue
        if reached[owner, wall + 1] == 0:
            marks[USED] = used
            return int(node)
        if owner != current:
            key = keys[owner]
            for number in range(count - 1, -1, -1):
                if current >= 0:
                    boxed[boxes[number]] = False
                boxes[number] = key & mask
                key >>= BITS
            for number in range(count):
                boxed[boxes[number]] = True
            current = owner
        # walk only to cells not reached as cheaply with these boxes, and push from there
        queue[0] = start
        head, tail = 0, 1
        while head < tail:
            player = queue[head]
            head += 1
            cost = int(reached[owner, player])
            for direction in range(4):
                place = cells[player, direction]
                if not boxed[place]:  # without branches, which are hard to predict here
                    queue[tail] = place
                    tail += int(cost < reached[owner, place])
                    reached[owner, place] = min(reached[owner, place], cost)
                    continue
                to = cells[place, direction]
                if boxed[to] or cells[to, DEAD]:
                    continue
                key = pushed(boxes, count, place, to, here)
                slot = find(table, keys, key)
                child = int(table[slot])
                if child < 0:
                    child = known
                    known += 1
                    table[slot] = child
                    keys[child] = key
                    least = matching(here, count, distances, best)
                    if least < FAR and stuck(cells, here, count, frozen):
                        least = FAR
                    _add(reached, child, here, count, least)
                least = int(reached[child, wall + 1])
                if least >= FAR or reached[child, place] <= cost + 1:
                    continue
                total = cost + 1 + least
                if total > ceiling:
                    continue
                if least == 0:
                    ceiling = total
                reached[child, place] = cost + 1
                if used >= node_limit:
                    marks[USED] = node_limit
                    return AT_LIMIT
                states[used, COST], states[used, OWNER], states[used, PARENT] = cost + 1, child, node
                states[used, PUSH], states[used, NEXT] = place << 3 | direction, buckets[total]
                buckets[total] = used
                used += 1
    marks[USED] = used
    return UNSOLVABLE


@njit
def _add(reached: NDArray[np.int16], owner: int, boxes: Ints, count: int, bound: int) -> None:
    """Write a new arrangement of boxes."""
    wall = reached.shape[1] - 2
    for place in range(wall):
        reached[owner, place] = FAR
    for number in range(count):
        reached[owner, boxes[number]] = 0
    reached[owner, wall], reached[owner, wall + 1] = 0, bound
