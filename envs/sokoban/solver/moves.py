"""Fewest moves by a bidirectional search, compiled.

A state consists of the boxes' cells and the player's cell, and every edge is one move. The search runs forward from the
start by moves and backward from the solved positions by moves taken back. Both sides have a consistent lower bound:
`ahead` on the moves up to a solution, and `back` on the moves from the start. A state's priority is twice its cost plus
the difference of the two bounds (Ikeda et al., 1994, "A fast algorithm for finding better routes by AI search
techniques"; DIBBS of Sewell and Jacobson, 2021). Along a path of n moves, the priorities of the two sides sum to 2n at
every state. All paths shorter than the best one are therefore known once the lowest priorities sum to 2 · best − 1.

Reference counting of arrays in the inner loop takes two thirds of the time. `_expand` therefore neither creates
nor slices nor reassigns arrays. If its memory is full, it returns, and `search_moves` calls it again with longer
arrays.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import MOST_BOXES
from envs.sokoban.solver.bounds import matching, stuck
from envs.sokoban.solver.cells import DEAD, FAR, FIELDS, SHIFT, Cells, Ints, describe, mark_dead, number_cells, reach_by
from envs.sokoban.solver.sides import BOX, Costs, add, trace
from envs.sokoban.solver.states import find, key_of, longer, pushed, table_of, unpack
from envs.sokoban.solver.walks import end_cells, first_shift, set_shifts, walk_bounds
from render.draw.jit import njit

ROW: Final = 0  # columns of `states`
COST: Final = 1
PLAYER: Final = 2
NEXT: Final = 3  # next state in the same bucket

KNOWN: Final = 0  # columns of `marks`: number of arrangements
USED: Final = 1  # number of states
BEST: Final = 2  # length of the shortest path found
MEETING: Final = 3  # the arrangement and the cell where it was found
MEETING_CELL: Final = 4
LEVEL: Final = 5  # lowest bucket that may hold a state, for each side
OPEN: Final = 7  # number of states in the buckets, for each side
MARKS: Final = 9

FULL: Final = -1
DONE: Final = 0
AT_LIMIT: Final = 1

_REACH: Final = 2700  # largest difference between the priorities of a state and of the next one, for 13x13 and 8 boxes


@njit
def search_moves(
    flat: NDArray[np.uint8], stride: int, node_limit: int, planned: bool
) -> tuple[int, NDArray[np.int8], int, int]:
    """Find a plan with the fewest moves.

    Args:
        flat: [rows · (columns + 1)] flat board.
        stride: Cells per row of the board.
        node_limit: Maximum number of generated states.
        planned: True to return the plan. False leaves it empty.

    Returns:
        Number of generated states (negative if no plan was found), the plan, its number of moves, and its number of
        pushes if `planned`. Without a plan, the last value is 0 if the position is unsolvable and 1 if the limit was
        reached.
    """
    nothing = np.empty(0, np.int8)
    numbers = np.empty(flat.size, np.int64)
    size = number_cells(flat, numbers)
    cells = np.zeros((size + 1, FIELDS), np.uint16)
    boxes, targets = np.empty(MOST_BOXES, np.int64), np.empty(MOST_BOXES, np.int64)
    count, player = describe(flat, stride, numbers, cells, boxes, targets)
    ahead, back = np.empty((count, size + 1), np.int64), np.empty((count, size + 1), np.int64)
    queue = np.empty(size, np.uint16)
    for number in range(count):
        reach_by(cells, targets[number], number, True, ahead, queue)
        reach_by(cells, boxes[number], number, False, back, queue)
    mark_dead(cells, count, ahead)
    frozen = np.zeros(size + 1, np.bool_)
    frozen[size] = True
    scratch = np.empty(1 << count, np.int64)
    pushes = matching(boxes, count, ahead, scratch)
    if pushes == 0:
        return 1, nothing, 0, 0
    if pushes >= FAR or stuck(cells, boxes, count, frozen):
        return -1, nothing, 0, 0

    rows = flat.size // stride
    set_shifts(cells, count, stride)
    origin = first_shift(count, rows, stride)
    ends = np.empty(4 * count, np.int64)
    last = end_cells(cells, targets, count, ends)
    starts = np.empty(1, np.int64)
    starts[0] = player
    walks = np.empty((2, (rows - 2) * (count + 1) * (stride - 3) * (count + 1)), np.int16)
    walk_bounds(cells, targets, count, rows, stride, ends, last, walks[0])
    walk_bounds(cells, boxes, count, rows, stride, starts, 1, walks[1])

    keys = np.empty(512, np.int64)
    costs = np.empty((1024, size + 3), np.int16)
    table = np.full(2048, -1, np.int32)
    states = np.empty((4096, 4), np.int32)
    buckets = np.full((4096, 2), -1, np.int32)  # heads of linked lists by priority, for each side
    marks = np.zeros(MARKS, np.int64)
    marks[BEST] = FAR
    for side in range(2):
        owner = marks[KNOWN]
        here = targets if side else boxes
        keys[owner] = key_of(here, count)
        table[find(table, keys, keys[owner])] = owner
        add(cells, costs, owner, here, count, origin, matching(here, count, ahead, scratch),
             matching(here, count, back, scratch))  # fmt: skip
        marks[KNOWN] += 1
        marks[LEVEL + side] = buckets.shape[0]
        for number in range(last if side else 1):
            cell = ends[number] if side else player
            row, used = 2 * owner + side, marks[USED]
            if costs[row, cell] <= 0:  # a second way to the cell, or a box on it
                continue
            costs[row, cell] = 0
            index = costs[row, size + 2] + cells[cell, SHIFT]
            priority = costs[row, size + 1] + walks[side, index] - costs[row ^ 1, size + 1] - walks[1 - side, index]
            states[used, ROW], states[used, COST], states[used, PLAYER] = row, 0, cell
            states[used, NEXT], buckets[priority, side] = buckets[priority, side], used
            marks[LEVEL + side] = min(marks[LEVEL + side], priority)
            marks[OPEN + side] += 1
            marks[USED] += 1
    here = np.empty(MOST_BOXES, np.int64)
    while True:
        found = _expand(
            cells, ahead, back, walks, origin, node_limit, boxes, here, count, frozen, scratch, keys, costs, table,
            states, buckets, marks,
        )  # fmt: skip
        if found != FULL:
            break
        if marks[KNOWN] + 4 > keys.size:
            keys, costs = longer(keys), longer(costs)
            table = table_of(keys, marks[KNOWN])
        elif marks[USED] + 8 > states.shape[0]:
            states = longer(states)
        else:
            filled = buckets.shape[0]
            buckets = longer(buckets)
            for level in range(filled, 2 * filled):
                buckets[level, 0], buckets[level, 1] = -1, -1
    if found == AT_LIMIT or marks[BEST] >= FAR:
        return -min(marks[USED], node_limit), nothing, 0, int(found == AT_LIMIT)
    if not planned:
        return marks[USED], nothing, marks[BEST], 0
    moves = np.empty(marks[BEST], np.int8)
    before, some = trace(
        marks[MEETING], marks[MEETING_CELL], 0, keys, costs, table, cells, count, boxes, here, moves, 0
    )
    moves[:before] = moves[:before][::-1].copy()
    _, others = trace(
        marks[MEETING], marks[MEETING_CELL], 1, keys, costs, table, cells, count, boxes, here, moves, before
    )
    return marks[USED], moves, marks[BEST], some + others


@njit
def _expand(
    cells: Cells,
    ahead: Ints,
    back: Ints,
    walks: NDArray[np.int16],
    origin: int,
    node_limit: int,
    boxes: Ints,
    here: Ints,
    count: int,
    frozen: NDArray[np.bool_],
    scratch: Ints,
    keys: Ints,
    costs: Costs,
    table: NDArray[np.int32],
    states: NDArray[np.int32],
    buckets: NDArray[np.int32],
    marks: Ints,
) -> int:
    """Expand states of both sides in the order of their priorities. Return DONE, FULL or AT_LIMIT."""
    wall = cells.shape[0] - 1
    known, used, best, result = marks[KNOWN], marks[USED], marks[BEST], DONE
    while result == DONE:
        side = int(marks[OPEN + 1] < marks[OPEN])  # the side with fewer states
        left, level, across = marks[OPEN + side], marks[LEVEL + side], marks[LEVEL + 1 - side]
        if left == 0 or level + across >= 2 * best - 1:
            break
        while level + across < 2 * best - 1:
            node = buckets[level, side]
            if node < 0:
                break
            if known + 4 > keys.size or used + 8 > states.shape[0] or level + _REACH > buckets.shape[0]:
                result = FULL
                break
            if used >= node_limit:
                result = AT_LIMIT
                break
            buckets[level, side] = states[node, NEXT]
            left -= 1
            row, player, cost = states[node, ROW], states[node, PLAYER], int(states[node, COST]) + 1
            if costs[row, player] < cost - 1:  # a shorter path was found since
                continue
            back_row = row ^ 1
            other = int(costs[back_row, player])
            if other < FAR and 2 * (cost - 1 + other) - level < across:  # expanded by the other side
                continue
            base = int(costs[row, wall + 2])
            bound, opposite = int(costs[row, wall + 1]), int(costs[back_row, wall + 1])
            for direction in range(4):
                to = cells[player, direction ^ side]  # forward: the next cell, backward: the previous one
                if costs[row, to] > cost:
                    index = base + cells[to, SHIFT]
                    least = cost + bound + walks[side, index]
                    priority = cost + least - opposite - walks[1 - side, index]
                    if least < best and priority + across < 2 * best - 1:
                        costs[row, to] = cost
                        states[used, ROW], states[used, COST], states[used, PLAYER] = row, cost, to
                        states[used, NEXT], buckets[priority, side] = buckets[priority, side], used
                        used += 1
                        left += 1
                        if cost + costs[back_row, to] < best:
                            best = cost + int(costs[back_row, to])
                            marks[MEETING], marks[MEETING_CELL] = row >> 1, to
                # forward: push the box on the next cell, backward: pull the box on the other side of the player
                box = to if side == 0 else cells[player, direction]
                if costs[row, box] != BOX:
                    continue
                moved = cells[to, direction] if side == 0 else player
                if costs[row, moved if side == 0 else to] < 0 or cells[moved, DEAD]:
                    continue
                unpack(keys[row >> 1], count, boxes)
                key = pushed(boxes, count, box, moved, here)
                slot = find(table, keys, key)
                owner = int(table[slot])
                if owner < 0:
                    owner = known
                    known += 1
                    table[slot] = owner
                    keys[owner] = key
                    first, second = matching(here, count, ahead, scratch), FAR
                    if first < FAR and (side == 1 or not stuck(cells, here, count, frozen)):
                        second = matching(here, count, back, scratch)
                    add(cells, costs, owner, here, count, origin, first, second)
                child = 2 * owner + side
                if costs[child, to] <= cost:
                    continue
                index = base + cells[player, SHIFT]  # the player moves as far as the box
                least = cost + int(costs[child, wall + 1]) + walks[side, index]
                priority = cost + least - int(costs[child ^ 1, wall + 1]) - walks[1 - side, index]
                if least >= best or costs[child ^ 1, wall + 1] >= FAR or priority + across >= 2 * best - 1:
                    continue
                costs[child, to] = cost
                states[used, ROW], states[used, COST], states[used, PLAYER] = child, cost, to
                states[used, NEXT], buckets[priority, side] = buckets[priority, side], used
                used += 1
                left += 1
                if cost + costs[child ^ 1, to] < best:
                    best = cost + int(costs[child ^ 1, to])
                    marks[MEETING], marks[MEETING_CELL] = owner, to
        while left > 0 and buckets[level, side] < 0:
            level += 1
        marks[OPEN + side], marks[LEVEL + side] = left, level
    marks[KNOWN], marks[USED], marks[BEST] = known, used, best
    return result
