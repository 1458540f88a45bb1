"""Level generation: carve a room, pull boxes away from their targets at random, and measure it with the solver.

Carving and reverse play follow gym-sokoban (after Racanière et al., 2017, arXiv 1707.06203). All arithmetic is on
integers and random numbers come from splitmix64, so that a seed gives the same level on every machine.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import BOX, END, FLOOR, PLAYER, PLAYER_ON_TARGET, TARGET, WALL, Level
from envs.sokoban.bounds import matching
from envs.sokoban.cells import FAR
from envs.sokoban.search import search
from render.draw.jit import njit

TRIES: Final = 120  # rooms tried for a level within the band, before the closest level is used
WALKS: Final = 4  # reverse games per room
PULLS: Final = 60  # maximum number of pulls per box in a reverse game
PATIENCE: Final = 15  # pulls without progress before returning to the best position
EFFORT: Final = 20_000  # maximum number of solver states per candidate
PATTERNS: Final = np.array((0o070, 0o222, 0o062, 0o066, 0o032), np.int64)
"""Patterns carved at a step: 3 x 3 cells as octal rows, always including the middle one."""


def generate(room: tuple[int, int], boxes: int, difficulty: float, seed: int) -> Level:
    """Return a new level. Its smallest number of pushes is known, its number of moves is not.

    Args:
        room: (rows, columns).
        boxes: Number of boxes.
        difficulty: Difficulty from 0 to 1.
        seed: Seed that determines the level.
    """
    low, high = band(room, boxes, difficulty)
    random = np.array([seed], np.uint64)
    board, pushes = make(room[0], room[1], boxes, low, high, random, PATTERNS, False, EFFORT)
    return Level(board, int(pushes))


def band(room: tuple[int, int], boxes: int, difficulty: float) -> tuple[int, int]:
    """Return the range (low, high) of the smallest number of pushes. The parameters are those of `generate`."""
    easy, hard = (3 * boxes + 1) // 2, boxes * (12 - boxes) * (room[0] + room[1]) // 30
    middle, spread = easy + round(difficulty * (hard - easy)), (3 * boxes + 3) // 4
    return max(middle - spread, boxes + 1), middle + spread


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
def carve(board: NDArray[np.uint8], random: NDArray[np.uint64], patterns: NDArray[np.int64]) -> int:
    """Carve floor into a board along a random walk, and return the number of floor cells.

    Args:
        board: [rows, columns + 1] board, overwritten.
        random: [1] state of the random number generator.
        patterns: Carving patterns, see `PATTERNS`.
    """
    rows, columns = board.shape[0], board.shape[1] - 1
    board[:] = WALL
    board[:, columns] = END
    row, column, direction = 1 + below(random, rows - 2), 1 + below(random, columns - 2), below(random, 4)
    for _ in range(17 * (rows + columns) // 10):
        if below(random, 20) < 7:
            direction = below(random, 4)
        row += -1 if direction == 0 else 1 if direction == 1 else 0
        column += -1 if direction == 2 else 1 if direction == 3 else 0
        row, column = min(max(row, 1), rows - 2), min(max(column, 1), columns - 2)
        pattern = patterns[below(random, patterns.size)]
        for bit in range(9):
            y, x = row + 1 - bit // 3, column + 1 - bit % 3
            if pattern >> bit & 1 and 0 < y < rows - 1 and 0 < x < columns - 1:
                board[y, x] = FLOOR
    return int((board == FLOOR).sum())


@njit
def _copy(values: Any, into: Any) -> None:
    """Copy a flat array. Numba compiles this much faster than an array assignment."""
    for index in range(values.size):
        into[index] = values[index]


@njit
def _apart(one: int, other: int, stride: int) -> int:
    """Return the Manhattan distance of two flat indices."""
    return abs(one // stride - other // stride) + abs(one % stride - other % stride)


@njit
def _reach(
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
def make(
    rows: int,
    columns: int,
    count: int,
    low: int,
    high: int,
    random: NDArray[np.uint64],
    patterns: NDArray[np.int64],
    by_moves: bool,
    effort: int,
) -> tuple[NDArray[np.uint8], int]:
    """Return a board and its smallest number of pushes, within `low` to `high` or as close as was found.

    Args:
        rows: Rows of the room.
        columns: Columns of the room.
        count: Number of boxes.
        low: Smallest wanted number of pushes.
        high: Largest wanted number of pushes.
        random: [1] state of the random number generator.
        patterns: Carving patterns, see `PATTERNS`.
        by_moves: Passed to the solver. As a constant, it would make numba compile the solver twice.
        effort: Maximum number of solver states, an argument for the same reason.
    """
    stride = columns + 1
    room = np.empty((rows, stride), np.uint8)
    flat = room.reshape(-1)
    board = np.empty((rows, stride), np.uint8)
    best = np.empty((rows, stride), np.uint8)
    best_pushes, best_gap = 0, 1 << 30
    boxed = np.empty(flat.size, np.bool_)
    reached = np.empty(flat.size, np.bool_)
    fields = np.empty(flat.size, np.int64)
    targets = np.empty(count, np.int64)
    boxes = np.empty(count, np.int64)
    tries = 0
    while tries < TRIES or best_pushes == 0:
        tries += 1
        floor = carve(room, random, patterns)
        if floor < min(2 * count + 3 + low, (rows - 2) * (columns - 2) * 3 // 4):
            continue
        for _ in range(WALKS):
            # place targets with their boxes, closer together if many pushes are wanted
            wanted = low + below(random, high - low + 1)
            boxed[:] = False
            for number in range(count):
                boxes[number] = -1
                for _ in range(1 + wanted // (4 * count) if number else 1):
                    place = below(random, flat.size)
                    while flat[place] != FLOOR or boxed[place]:
                        place = below(random, flat.size)
                    if boxes[number] < 0 or _apart(place, boxes[0], stride) < _apart(boxes[number], boxes[0], stride):
                        boxes[number] = place
                boxed[boxes[number]] = True
                targets[number] = boxes[number]
            player = below(random, flat.size)
            while flat[player] != FLOOR or boxed[player]:
                player = below(random, flat.size)
            player = _pull(flat, boxed, stride, player, boxes, wanted, random, reached, fields)
            for number in range(count):
                flat[targets[number]] = TARGET
            home = 0
            for number in range(count):
                home += int(flat[boxes[number]] == TARGET)
            _copy(room.reshape(-1), board.reshape(-1))
            for number in range(count):
                flat[targets[number]] = FLOOR
            if home:
                continue
            whole = board.reshape(-1)
            for number in range(count):
                whole[boxes[number]] = BOX
            whole[player] = PLAYER_ON_TARGET if whole[player] == TARGET else PLAYER
            # only a closer level than the best so far is of use
            ceiling = high + min(count, best_gap - 1)
            nodes, _, pushes, _ = search(whole, stride, by_moves, effort, ceiling, by_moves)
            if nodes < 0:
                continue
            gap = max(low - pushes, pushes - high, 0)
            if gap < best_gap:
                _copy(board.reshape(-1), best.reshape(-1))
                best_pushes, best_gap = pushes, gap
            if gap == 0:
                return best, best_pushes
            if pushes * 2 < low:  # give up a room that is far too easy
                break
    return best, best_pushes


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
def _pull(
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
    for target in range(count):
        _distances(flat, stride, targets[target], target, distances, fields)
    scratch = np.empty(1 << count, np.int64)
    current, direction = below(random, count), below(random, 4)
    best_player, best_away, idle = player, 0, 0
    _reach(flat, boxed, stride, player, reached, fields)
    _find_ways(flat, boxed, stride, boxes, reached, ways)
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
        step = -stride if direction == 0 else stride if direction == 1 else -1 if direction == 2 else 1
        place = boxes[current]
        boxed[place], boxed[place + step] = False, True
        boxes[current], player = place + step, place + 2 * step
        covered = False
        for target in range(count):
            covered |= boxed[targets[target]]
        away = 0 if covered else matching(boxes, count, distances, scratch)
        idle += 1
        if away > best_away:
            _copy(boxes, best)
            best_player, best_away, idle = player, away, 0
            if away >= enough:
                break
        if idle > PATIENCE and best_away > 0:
            _replace(boxed, boxes, best)
            player, idle = best_player, 0
            current = below(random, count)
        _reach(flat, boxed, stride, player, reached, fields)
        _find_ways(flat, boxed, stride, boxes, reached, ways)
    _replace(boxed, boxes, best)
    return int(fields[below(random, _reach(flat, boxed, stride, best_player, reached, fields))])


@njit
def _find_ways(
    flat: NDArray[np.uint8],
    boxed: NDArray[np.bool_],
    stride: int,
    boxes: NDArray[np.int64],
    reached: NDArray[np.bool_],
    ways: NDArray[np.int64],
) -> None:
    """Set the bits of `ways` [boxes] for the directions (up, down, left, right) in which the player can pull a box."""
    for number in range(boxes.size):
        ways[number] = 0
        for direction in range(4):
            step = -stride if direction == 0 else stride if direction == 1 else -1 if direction == 2 else 1
            beside = boxes[number] + step
            if reached[beside] and flat[beside + step] != WALL and not boxed[beside + step]:
                ways[number] |= 1 << direction


@njit
def _replace(boxed: NDArray[np.bool_], boxes: NDArray[np.int64], best: NDArray[np.int64]) -> None:
    """Put the boxes on the cells `best`."""
    for number in range(boxes.size):
        boxed[boxes[number]] = False
    for number in range(boxes.size):
        boxed[best[number]] = True
        boxes[number] = best[number]
