"""Reverse play: pull the boxes of a room away from their targets at random, compiled."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import WALL, step_of
from envs.sokoban.region import Words, bit, flip, flood, floor
from envs.sokoban.solver.bounds import matching
from envs.sokoban.solver.cells import FAR
from render.draw.jit import njit

PULLS: Final = 60  # maximum number of pulls per box in a reverse game
PATIENCE: Final = 15  # pulls without progress before returning to the best position


@njit
def below(random: NDArray[np.uint64], limit: int) -> int:
    """Return a random integer from 0 to limit − 1."""
    random[0] += np.uint64(0x9E3779B97F4A7C15)
    z = random[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return int(np.int64(z >> np.uint64(33)) % limit)


@njit
def copy(values: Any, into: Any) -> None:
    """Copy a flat array. Numba compiles this much faster than an array assignment."""
    for index in range(values.size):
        into[index] = values[index]


@njit
def reach(
    flat: NDArray[np.uint8],
    boxed: NDArray[np.bool_],
    stride: int,
    start: int,
    reached: NDArray[np.bool_],
    fields: NDArray[np.int64],
) -> int:
    """Mark the cells the player can reach, list them in `fields` and return their number."""
    fresh = np.empty(flat.size, np.int64)
    for place in range(flat.size):
        fresh[place] = int(flat[place] != WALL and not boxed[place])
        reached[place] = False
    fresh[start], fields[0] = 0, start
    head, tail = 0, 1
    while head < tail:
        place = fields[head]
        reached[place] = True
        head += 1
        for step in (-stride, stride, -1, 1):  # without branches, which are hard to predict here
            fields[tail] = place + step
            tail += fresh[place + step]
            fresh[place + step] = 0
    return tail


@njit
def pull(
    flat: NDArray[np.uint8],
    boxed: NDArray[np.bool_],
    stride: int,
    player: int,
    boxes: NDArray[np.int64],
    enough: int,
    random: NDArray[np.uint64],
    reached: NDArray[np.bool_],
    fields: NDArray[np.int64],
) -> int:
    """Pull the `boxes` away from the targets at random until the position needs at least `enough` pushes.

    Pull one box for a while, then another. Return to the best position so far if there is no progress. `boxes` and
    `boxed` are set to the best position, if possible with all boxes off target. Return the player's cell.
    """
    count = boxes.size
    targets, best, ways = boxes.copy(), boxes.copy(), np.empty(count, np.int64)
    distances = np.empty((count, flat.size), np.int64)
    scratch = np.empty(1 << count, np.int64)
    free, region = np.empty(3, np.uint64), np.empty(3, np.uint64)
    current, direction = below(random, count), below(random, 4)
    best_player, best_away, idle, measured = player, 0, 0, False
    floor(flat, boxes, free)
    flood(free, player, stride, region)
    _find_ways(region, stride, boxes, ways)
    for _ in range(PULLS * count):
        if below(random, 6) == 0:
            current = below(random, count)
        if below(random, 3) == 0:
            direction = below(random, 4)
        if not ways[current]:
            current = below(random, count)
            continue
        # the player stands next to the box and steps back, and the box follows
        while not ways[current] >> direction & 1:
            direction = (direction + 1) % 4
        step = step_of(direction, stride)
        place = boxes[current]
        boxed[place], boxed[place + step] = False, True
        flip(free, place)
        flip(free, place + step)
        boxes[current], player = place + step, place + 2 * step
        covered = False
        for target in range(count):
            covered |= boxed[targets[target]]
        if not covered and not measured:  # most games end before
            for target in range(count):
                _distances(flat, stride, targets[target], target, distances, fields)
            measured = True
        away = 0 if covered else matching(boxes, count, distances, scratch)
        idle += 1
        if away > best_away:
            copy(boxes, best)
            best_player, best_away, idle = player, away, 0
            if away >= enough:
                break
        if idle > PATIENCE and best_away > 0:
            _replace(boxed, boxes, best)
            floor(flat, boxes, free)
            player, idle = best_player, 0
            current = below(random, count)
        flood(free, player, stride, region)
        _find_ways(region, stride, boxes, ways)
    _replace(boxed, boxes, best)
    return int(fields[below(random, reach(flat, boxed, stride, best_player, reached, fields))])


@njit
def _distances(
    flat: NDArray[np.uint8],
    stride: int,
    target: int,
    row: int,
    distances: NDArray[np.int64],
    queue: NDArray[np.int64],
) -> None:
    """Fill a row of `distances` with the pulls that move a lone box from `target` to each cell of the flat board."""
    for place in range(flat.size):
        distances[row, place] = FAR
    queue[0] = target
    distances[row, target] = 0
    head, tail = 0, 1
    while head < tail:
        place = queue[head]
        head += 1
        for step in (-stride, stride, -1, 1):
            to = place + step
            if flat[to] != WALL and flat[to + step] != WALL and distances[row, to] == FAR:
                distances[row, to] = distances[row, place] + 1
                queue[tail] = to
                tail += 1


@njit
def _find_ways(region: Words, stride: int, boxes: NDArray[np.int64], ways: NDArray[np.int64]) -> None:
    """Set the bits of `ways` [boxes] for the directions (up, down, left, right) in which the player can pull a box."""
    for number in range(boxes.size):
        ways[number] = 0
        for direction in range(4):
            step = step_of(direction, stride)
            beside = boxes[number] + step
            ways[number] |= int(bit(region, beside) and bit(region, beside + step)) << direction


@njit
def _replace(boxed: NDArray[np.bool_], boxes: NDArray[np.int64], best: NDArray[np.int64]) -> None:
    """Put the boxes on the cells `best`."""
    for number in range(boxes.size):
        boxed[boxes[number]] = False
    for number in range(boxes.size):
        boxed[best[number]] = True
        boxes[number] = best[number]
