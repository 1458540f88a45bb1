"""Level generation: carve a room, pull boxes away from their targets at random, and measure it with the solver.

Carving and reverse play follow gym-sokoban (after Racanière et al., 2017, arXiv 1707.06203). All arithmetic is on
integers and random numbers come from splitmix64, so that a seed gives the same level on every machine.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import BOX, END, FLOOR, PLAYER, PLAYER_ON_TARGET, TARGET, WALL, Level
from envs.sokoban.pull import below, copy, pull
from envs.sokoban.solver.search import search
from render.draw.jit import njit

TRIES: Final = 120  # rooms tried for a level within the band, before the closest level is used
WALKS: Final = 4  # reverse games per room
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
def make(
    rows: int,
    columns: int,
    count: int,
    low: int,
    high: int,
    random: NDArray[np.uint64],
    patterns: NDArray[np.int64],
    planned: bool,
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
        planned: Passed to the solver. As a constant, it would make numba compile the solver twice.
        effort: Maximum number of solver states, an argument for the same reason.
    """
    stride = columns + 1
    room = np.empty((rows, stride), np.uint8)
    flat = room.reshape(-1)
    board = np.empty((rows, stride), np.uint8)
    whole = board.reshape(-1)
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
            wanted = low + below(random, high - low + 1)
            _place(flat, stride, wanted, random, boxed, boxes)
            copy(boxes, targets)
            player = below(random, flat.size)
            while flat[player] != FLOOR or boxed[player]:
                player = below(random, flat.size)
            player = pull(flat, boxed, stride, player, boxes, wanted, random, reached, fields)
            if _covered(boxed, targets):
                continue
            _fill(flat, targets, boxes, player, whole)
            # only a closer level than the best so far is of use
            ceiling = high + min(count, best_gap - 1)
            nodes, _, pushes, _ = search(whole, stride, effort, ceiling, planned)
            if nodes < 0:
                continue
            gap = max(low - pushes, pushes - high, 0)
            if gap < best_gap:
                copy(whole, best.reshape(-1))
                best_pushes, best_gap = pushes, gap
            if gap == 0:
                return best, best_pushes
            if pushes * 2 < low:  # give up a room that is far too easy
                break
    return best, best_pushes


@njit
def _apart(one: int, other: int, stride: int) -> int:
    """Return the Manhattan distance of two flat indices."""
    return abs(one // stride - other // stride) + abs(one % stride - other % stride)


@njit
def _place(
    flat: NDArray[np.uint8],
    stride: int,
    wanted: int,
    random: NDArray[np.uint64],
    boxed: NDArray[np.bool_],
    boxes: NDArray[np.int64],
) -> None:
    """Place boxes at random, closer together if many pushes are `wanted`. Fill `boxed` and `boxes`."""
    count = boxes.size
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


@njit
def _covered(boxed: NDArray[np.bool_], targets: NDArray[np.int64]) -> bool:
    """Return True if there is a box on a target."""
    found = False
    for number in range(targets.size):
        found |= boxed[targets[number]]
    return found


@njit
def _fill(
    flat: NDArray[np.uint8],
    targets: NDArray[np.int64],
    boxes: NDArray[np.int64],
    player: int,
    whole: NDArray[np.uint8],
) -> None:
    """Write a level with no box on a target into the flat board `whole`."""
    copy(flat, whole)
    for number in range(targets.size):
        whole[targets[number]] = TARGET
        whole[boxes[number]] = BOX
    whole[player] = PLAYER_ON_TARGET if whole[player] == TARGET else PLAYER
