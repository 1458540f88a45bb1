"""Optimal plans by A*: fewest moves, or fewest pushes.

A state consists of the boxes' cells and the player's cell after a push. Expanding a state walks the player to all cells
that were not reached at the same or a lower cost with these boxes, and tries the pushes from there.

The lower bound is the cheapest matching of boxes to targets, in pushes with no other boxes in the room. The bound for
moves adds a bound on the player's walk: pushes move the player exactly as far as the boxes still have to travel, and
the rest of the way to a cell next to a target is walked. Both bounds are consistent, so the first solved state is
optimal.

States with a box on a dead cell, without a matching, or with frozen boxes off target are pruned. The search for the
fewest moves also prunes states that cannot beat the plan with the fewest pushes, which is found quickly.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import BOX, BOX_ON_TARGET, END, MOST_BOXES, PLAYER, PLAYER_ON_TARGET, TARGET, WALL, Board
from envs.sokoban.bounds import FAR, matching, push_distances, stuck, walk_bound
from render.draw.jit import njit

NODE_LIMIT: Final = 2_000_000
"""Default limit on the number of generated states."""
COST: Final = 0  # cost of a state so far
OWNER: Final = 1  # index of the arrangement of boxes
PARENT: Final = 2  # index of the previous state
PUSH: Final = 3  # the box's cell before the push · 4 + direction
NEXT: Final = 4  # next state in the same bucket
_BITS: Final = 7  # bits of a cell number; eight boxes and the player fill 63 bits


class Plan(NamedTuple):
    """Result of the solver."""

    actions: NDArray[np.int8] | None
    """Moves (0 up, 1 down, 2 left, 3 right), or None if no plan exists or none was found within the limit."""
    nodes: int
    """Number of generated states."""
    within_limit: bool
    """True if the search ended within the limit. With no actions, the position is then proved unsolvable."""
    pushes: int = 0
    """Number of pushes of the plan."""


def solve(board: Board, fewest: str = "moves", node_limit: int = NODE_LIMIT) -> Plan:
    """Return the plan with the fewest moves or pushes.

    Args:
        board: [rows, columns + 1] board.
        fewest: "moves" or "pushes".
        node_limit: Maximum number of generated states.
    """
    if fewest not in ("moves", "pushes"):
        raise ValueError(f"fewest must be moves or pushes, got {fewest!r}")
    flat, stride = board.reshape(-1), board.shape[1]
    nodes, actions, pushes = search(flat, stride, False, node_limit, FAR)
    if fewest == "moves" and nodes > 0:
        nodes, actions, pushes = search(flat, stride, True, node_limit, actions.size)
    if nodes < 0:
        return Plan(None, -nodes, pushes == 0)
    return Plan(actions, nodes, True, pushes)


@njit
def _mix(key: int) -> int:
    """Return a non-negative hash of a state."""
    z = key ^ (key >> 31)
    z = z * 0x1CE4E5B9BF58476D
    z = z ^ (z >> 29)
    return int(z & 0x7FFFFFFFFFFFFFFF)


@njit
def _find(table: NDArray[np.int32], keys: NDArray[np.int64], key: int) -> int:
    """Return the slot of a key, or the free slot for a new key."""
    mask = table.size - 1
    slot = _mix(key) & mask
    while table[slot] >= 0 and keys[table[slot]] != key:
        slot = (slot + 1) & mask
    return slot


@njit
def _walk(around: NDArray[np.int64], boxed: NDArray[np.bool_], start: int, steps: NDArray[np.int64]) -> None:
    """Fill `steps` [cells] with the player's distances, −1 for unreachable cells."""
    steps[:] = -1
    queue = np.empty(steps.size, np.int64)
    queue[0] = start
    steps[start] = 0
    head, tail = 0, 1
    while head < tail:
        place = queue[head]
        head += 1
        for direction in range(4):
            to = around[place, direction]
            if to >= 0 and steps[to] < 0 and not boxed[to]:
                steps[to] = steps[place] + 1
                queue[tail] = to
                tail += 1


@njit
def search(
    flat: NDArray[np.uint8], stride: int, by_moves: bool, node_limit: int, ceiling: int
) -> tuple[int, NDArray[np.int8], int]:
    """Run A* on a flat board.

    Args:
        flat: [rows · (columns + 1)] flat board.
        stride: Cells per row of the board.
        by_moves: True for the fewest moves, False for the fewest pushes.
        node_limit: Maximum number of generated states.
        ceiling: Maximum cost of a plan.

    Returns:
        Number of generated states (negative if no plan was found), the plan, and its number of pushes. Without a plan,
        the last value is 0 if the position is unsolvable and 1 if the limit was reached.
    """
    nothing = np.empty(0, np.int8)
    # number the floor cells
    number_of = np.full(flat.size, -1, np.int64)
    size = 0
    for place in range(flat.size):
        if flat[place] != WALL and flat[place] != END:
            number_of[place] = size
            size += 1
    around = np.full((size, 4), -1, np.int64)
    goal = np.zeros(size, np.bool_)
    targets = np.empty(MOST_BOXES, np.int64)
    boxes = np.empty(MOST_BOXES, np.int64)
    count, goals, player = 0, 0, 0
    for place in range(flat.size):
        own = number_of[place]
        if own < 0:
            continue
        for direction in range(4):
            step = -stride if direction == 0 else stride if direction == 1 else -1 if direction == 2 else 1
            around[own, direction] = number_of[place + step]
        code = flat[place]
        if code == BOX or code == BOX_ON_TARGET:
            boxes[count] = own
            count += 1
        if code == TARGET or code == BOX_ON_TARGET or code == PLAYER_ON_TARGET:
            targets[goals] = own
            goal[own] = True
            goals += 1
        if code == PLAYER or code == PLAYER_ON_TARGET:
            player = own
    distances = np.empty((count, size), np.int64)
    for target in range(count):
        push_distances(around, targets[target], distances[target])
    column_of = np.empty(size, np.int64)
    row_of = np.empty(size, np.int64)
    for place in range(flat.size):
        if number_of[place] >= 0:
            row_of[number_of[place]], column_of[number_of[place]] = place // stride, place % stride
    aims = np.empty((4 * count, 2), np.int64)  # the player's cell after a last push, less all targets
    aimed = 0
    for target in range(count):
        for direction in range(4):
            end = around[targets[target], direction]
            if end >= 0 and around[end, direction] >= 0:
                aims[aimed, 0], aims[aimed, 1] = row_of[end], column_of[end]
                for other in range(count):
                    aims[aimed, 0] -= row_of[targets[other]]
                    aims[aimed, 1] -= column_of[targets[other]]
                aimed += 1
    if not by_moves:
        aimed = 0
    hopeless = np.ones(size, np.bool_)
    for place in range(size):
        for target in range(count):
            if distances[target, place] < FAR:
                hopeless[place] = False
    scratch = np.empty(1 << count, np.int64)
    boxed = np.zeros(size, np.bool_)
    fast = np.zeros(size, np.bool_)
    here = np.empty(MOST_BOXES, np.int64)

    queue = np.empty(size, np.int64)
    # arrangements of boxes: sorted cells as a key, the lowest known cost with the player on each cell, and the bound in
    # the last column
    room = 1024
    keys = np.empty(room, np.int64)
    reached = np.empty((room, size + 1), np.int32)
    table = np.full(4 * room, -1, np.int32)
    # states: an arrangement and the player's cell after a push
    states = np.empty((4096, 5), np.int32)
    buckets = np.full(ceiling + 1, -1, np.int32)  # heads of linked lists by cost + bound
    key = 0
    for number in range(count):
        key = key << _BITS | boxes[number]
        boxed[boxes[number]] = True
    level = matching(boxes, count, distances, scratch)
    if level == 0:
        return 1, nothing, 0
    if level >= FAR or stuck(around, boxes, count, hopeless, goal, fast):
        return -1, nothing, 0
    keys[0] = key
    reached[0] = FAR
    reached[0, player] = 0
    reached[0, size] = level
    table[_find(table, keys, key)] = 0
    _note(states, 0, 0, 0, -1, player << 2, -1)
    level += walk_bound(boxes, count, player, row_of, column_of, aims[:aimed])
    if level > ceiling:
        return -1, nothing, 0
    buckets[level] = 0
    known, used, walking = 1, 1, int(by_moves)
    boxed[:] = False
    mask = (1 << _BITS) - 1
    while level < buckets.size:
        node = buckets[level]
        if node < 0:
            level += 1
            continue
        buckets[level] = states[node, NEXT]
        owner, cost, start = states[node, OWNER], states[node, COST], states[node, PUSH] >> 2
        if reached[owner, start] < cost:  # a cheaper path was found since
            continue
        if reached[owner, size] == 0:
            own = _first_player(flat, number_of)
            return used, _plan(node, keys, states, around, count, own), _length(node, states)
        key = int(keys[owner])
        for number in range(count - 1, -1, -1):
            boxes[number] = key & mask
            key >>= _BITS
            boxed[boxes[number]] = True
        # walk only to cells not reached as cheaply with these boxes, and push from there
        queue[0] = start
        head, tail = 0, 1
        while head < tail:
            player = queue[head]
            head += 1
            here_cost = reached[owner, player] + walking
            for direction in range(4):
                place = around[player, direction]
                if place < 0:
                    continue
                if not boxed[place]:
                    if here_cost < reached[owner, place]:
                        reached[owner, place] = here_cost
                        queue[tail] = place
                        tail += 1
                    continue
                to = around[place, direction]
                if to < 0 or boxed[to] or hopeless[to]:
                    continue
                key = _pushed(boxes, count, place, to, here)
                slot = _find(table, keys, key)
                child = table[slot]
                if child < 0:
                    if known == room:
                        keys = _longer(keys)
                        reached = _longer(reached)
                        room *= 2
                        table = np.full(4 * room, -1, np.int32)
                        for entry in range(known):
                            table[_find(table, keys, keys[entry])] = entry
                        slot = _find(table, keys, key)
                    child = known
                    known += 1
                    table[slot] = child
                    keys[child] = key
                    boxed[place], boxed[to] = False, True
                    bound = matching(here, count, distances, scratch)
                    if bound < FAR and stuck(around, here, count, hopeless, goal, fast):
                        bound = FAR
                    boxed[place], boxed[to] = True, False
                    reached[child] = FAR
                    reached[child, size] = bound
                cost = reached[owner, player] + 1
                if reached[child, place] <= cost or reached[child, size] >= FAR:
                    continue
                total = cost + reached[child, size] + walk_bound(here, count, place, row_of, column_of, aims[:aimed])
                if total > ceiling:
                    continue
                reached[child, place] = cost
                if used == node_limit:
                    return -used, nothing, 1
                if used == states.shape[0]:
                    states = _longer(states)
                _note(states, used, cost, child, node, place << 2 | direction, buckets[total])
                buckets[total] = used
                used += 1
        for number in range(count):
            boxed[boxes[number]] = False
    return -used, nothing, 0


@njit
def _longer(old: Any) -> Any:
    """Return a copy with twice the rows."""
    new = np.empty((2 * old.shape[0], *old.shape[1:]), old.dtype)
    into, values = new.reshape(-1), old.reshape(-1)
    for index in range(values.size):  # numba compiles a loop much faster than an array assignment
        into[index] = values[index]
    return new


@njit
def _note(states: NDArray[np.int32], node: int, cost: int, owner: int, parent: int, push: int, following: int) -> None:
    """Write a state."""
    s = states[node]
    s[COST], s[OWNER], s[PARENT], s[PUSH], s[NEXT] = cost, owner, parent, push, following


@njit
def _pushed(boxes: NDArray[np.int64], count: int, place: int, to: int, here: NDArray[np.int64]) -> int:
    """Fill `here` with the sorted boxes after the push from `place` to `to`, and return their key."""
    number = 0
    for other in range(count):
        here[other] = boxes[other]
        if boxes[other] == place:
            number = other
    here[number] = to
    while number > 0 and here[number - 1] > to:
        here[number], here[number - 1] = here[number - 1], to
        number -= 1
    while number < count - 1 and here[number + 1] < to:
        here[number], here[number + 1] = here[number + 1], to
        number += 1
    key = 0
    for other in range(count):
        key = key << _BITS | here[other]
    return key


@njit
def _first_player(flat: NDArray[np.uint8], number_of: NDArray[np.int64]) -> int:
    for place in range(flat.size):
        if flat[place] == PLAYER or flat[place] == PLAYER_ON_TARGET:
            return int(number_of[place])
    return -1


@njit
def _length(node: int, states: NDArray[np.int32]) -> int:
    """Return the number of pushes up to a node."""
    count = 0
    while states[node, PARENT] >= 0:
        node = int(states[node, PARENT])
        count += 1
    return count


@njit
def _plan(
    last: int,
    keys: NDArray[np.int64],
    states: NDArray[np.int32],
    around: NDArray[np.int64],
    count: int,
    player: int,
) -> NDArray[np.int8]:
    """Return the moves to a node: its pushes, each after a shortest walk."""
    chain = np.empty(_length(last, states), np.int64)
    node = last
    for index in range(chain.size - 1, -1, -1):
        chain[index] = node
        node = int(states[node, PARENT])
    size = around.shape[0]
    boxed = np.empty(size, np.bool_)
    steps = np.empty(size, np.int64)
    moves = np.empty(chain.size * (size + 1), np.int8)
    used = 0
    for link in chain:
        key = int(keys[states[states[link, PARENT], OWNER]])
        boxed[:] = False
        for _ in range(count):
            boxed[key & ((1 << _BITS) - 1)] = True
            key >>= _BITS
        place, direction = int(states[link, PUSH] >> 2), int(states[link, PUSH] & 3)
        behind = around[place, direction ^ 1]
        _walk(around, boxed, behind, steps)  # the walk follows decreasing distances to the start of the push
        while player != behind:
            for way in range(4):
                to = around[player, way]
                if to >= 0 and not boxed[to] and steps[to] == steps[player] - 1:
                    moves[used] = way
                    used += 1
                    player = to
                    break
        moves[used] = direction
        used += 1
        player = place
    return moves[:used].copy()
