"""States of both searches: keys of arrangements of boxes and a hash table. The plan of the fewest pushes."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.solver.cells import Cells, Ints
from render.draw.jit import njit

COST: Final = 0  # cost of a state so far
OWNER: Final = 1  # index of the arrangement of boxes
PARENT: Final = 2  # index of the previous state
PUSH: Final = 3  # the player's cell · 8 + direction of the push
NEXT: Final = 4  # next state in the same bucket

BITS: Final = 7  # bits of a cell number; eight boxes and the player fill 63 bits


@njit
def key_of(boxes: Ints, count: int) -> int:
    """Return the sorted cells of the boxes as one number."""
    key = 0
    for number in range(count):
        key = key << BITS | boxes[number]
    return key


@njit
def unpack(key: int, count: int, boxes: Ints) -> None:
    """Fill `boxes` with the sorted cells of a key."""
    for number in range(count - 1, -1, -1):
        boxes[number] = key & ((1 << BITS) - 1)
        key >>= BITS


@njit
def pushed(boxes: Ints, count: int, place: int, to: int, here: Ints) -> int:
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
    return key_of(here, count)


@njit
def find(table: NDArray[np.int32], keys: Ints, key: int) -> int:
    """Return the slot of a key, or the free slot for a new key."""
    mask = table.size - 1
    z = (key ^ (key >> 31)) * 0x1CE4E5B9BF58476D
    slot = (z ^ (z >> 29)) & mask
    while table[slot] >= 0 and keys[table[slot]] != key:
        slot = (slot + 1) & mask
    return slot


@njit
def table_of(keys: Ints, known: int) -> NDArray[np.int32]:
    """Return a hash table of the first `known` keys, with four slots for each place in `keys`."""
    table = np.full(4 * keys.size, -1, np.int32)
    for entry in range(known):
        table[find(table, keys, keys[entry])] = entry
    return table


@njit
def longer(old: Any) -> Any:
    """Return a copy with twice the rows."""
    new = np.empty((2 * old.shape[0], *old.shape[1:]), old.dtype)
    into, values = new.reshape(-1), old.reshape(-1)
    for index in range(values.size):  # numba compiles a loop much faster than an array assignment
        into[index] = values[index]
    return new


@njit
def length(node: int, states: NDArray[np.int32]) -> int:
    """Return the number of pushes up to a node."""
    count = 0
    while states[node, PARENT] >= 0:
        count += 1
        node = int(states[node, PARENT])
    return count


@njit
def _walk(cells: Cells, blocked: NDArray[np.bool_], start: int, steps: Ints) -> None:
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
            to = cells[place, direction]
            if steps[to] < 0 and not blocked[to]:
                steps[to] = steps[place] + 1
                queue[tail] = to
                tail += 1


@njit
def plan(
    last: int,
    keys: Ints,
    states: NDArray[np.int32],
    cells: Cells,
    count: int,
    player: int,
) -> NDArray[np.int8]:
    """Return the moves to a node: its pushes, each after a shortest walk."""
    chain = np.empty(length(last, states), np.int64)
    node, index = last, chain.size
    while states[node, PARENT] >= 0:
        index -= 1
        chain[index] = node
        node = int(states[node, PARENT])
    wall = cells.shape[0] - 1
    blocked = np.empty(wall + 1, np.bool_)
    steps = np.empty(wall + 1, np.int64)
    moves = np.empty(chain.size * (wall + 1), np.int8)
    used = 0
    for link in chain:
        key = int(keys[states[states[link, PARENT], OWNER]])
        blocked[:] = False
        blocked[wall] = True
        for _ in range(count):
            blocked[key & ((1 << BITS) - 1)] = True
            key >>= BITS
        place, direction = int(states[link, PUSH] >> 3), int(states[link, PUSH] & 3)
        behind = cells[place, direction ^ 1]
        _walk(cells, blocked, behind, steps)  # the walk follows decreasing distances to the start of the push
        while player != behind:
            for way in range(4):
                to = cells[player, way]
                if not blocked[to] and steps[to] == steps[player] - 1:
                    moves[used] = way
                    used += 1
                    player = to
                    break
        moves[used] = direction
        used += 1
        player = place
    return moves[:used].copy()
