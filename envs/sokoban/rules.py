"""gym-sokoban's rules and rewards for many games in one call. Rewards are in tenths, so that sums are exact.

N games are stored in `boards` uint8 [N, rows, columns + 1] and `state` int64 [N, FIELDS]. The constants below index the
fields of `state`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import BOX, BOX_ON_TARGET, FLOOR, LARGEST, PLAYER, PLAYER_ON_TARGET, TARGET, WALL, step_of
from envs.sokoban.deadlock import find_homes, lost
from render.draw.jit import njit

State = NDArray[np.int64]

PLACE: Final = 0  # the player's cell, an index into the flat board
STEPS: Final = 1
BOXES: Final = 2
COVERED: Final = 3  # targets with a box
TENTHS: Final = 4  # reward of the last step, in tenths
TOTAL: Final = 5  # sum of the rewards so far, in tenths
BEST: Final = 6  # highest TOTAL within the first PLANNED steps, at least 0
EVENT: Final = 7
DIRECTION: Final = 8
DEADLOCK: Final = 9
LEGAL: Final = 10  # bits 0-3: up, down, left, right changes the state; bits 4-7: also without a push
HASH: Final = 11
FIELDS: Final = 12

STARTED: Final = 0
MOVED: Final = 1
PUSHED: Final = 2
ONTO_TARGET: Final = 3
OFF_TARGET: Final = 4
BETWEEN_TARGETS: Final = 5
AT_WALL: Final = 6
BOX_AT_WALL: Final = 7
BOX_AT_BOX: Final = 8
AT_BOX: Final = 9  # a move without pushing into a box
WAITED: Final = 10

STEP_TENTHS: Final = -1
TARGET_TENTHS: Final = 10
SOLVED_TENTHS: Final = 100
PLANNED: Final = 50
"""Number of actions that Sokoban-Global's score counts."""


def _salts() -> NDArray[np.int64]:
    """Return Zobrist keys [cells, codes] from splitmix64, equal on every machine."""
    count = LARGEST * (LARGEST + 1) * 8
    with np.errstate(over="ignore"):
        z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return z.view(np.int64).reshape(-1, 8)


SALTS: Final = _salts()


@njit
def legal(flat: NDArray[np.uint8], place: int, stride: int) -> int:
    """Return the `LEGAL` bits of a board.

    Args:
        flat: [rows · (columns + 1)] flat board.
        place: The player's cell.
        stride: Cells per row of the board.
    """
    bits = 0
    for direction in range(4):
        step = step_of(direction, stride)
        code = flat[place + step]
        if code == FLOOR or code == TARGET:
            bits |= 17 << direction
        elif code == BOX or code == BOX_ON_TARGET:
            beyond = flat[place + 2 * step]
            if beyond == FLOOR or beyond == TARGET:
                bits |= 1 << direction
    return bits


@njit
def start(
    boards: NDArray[np.uint8], state: State, homes: NDArray[np.uint8], index: int, salts: NDArray[np.int64]
) -> None:
    """Initialise the state of a game from its board.

    Args:
        boards: [N, rows, columns + 1] boards.
        state: [N, FIELDS] states, changed in place.
        homes: [N, rows · (columns + 1)] outputs of `find_homes`, changed in place.
        index: Index of the game.
        salts: Zobrist keys [cells, codes].
    """
    stride = boards.shape[2]
    flat = boards[index].reshape(-1)
    s = state[index]
    s[:] = 0
    mix = np.int64(stride)
    for place in range(flat.size):
        code = flat[place]
        mix ^= salts[place, code]
        if code == BOX or code == BOX_ON_TARGET:
            s[BOXES] += 1
        if code == BOX_ON_TARGET:
            s[COVERED] += 1
        if code == PLAYER or code == PLAYER_ON_TARGET:
            s[PLACE] = place
    s[HASH] = mix
    s[LEGAL] = legal(flat, s[PLACE], stride)
    find_homes(flat, stride, homes[index])
    s[DEADLOCK] = int(lost(flat, stride, homes[index]))


@njit
def advance(
    boards: NDArray[np.uint8],
    state: State,
    homes: NDArray[np.uint8],
    actions: NDArray[np.int64],
    going: NDArray[np.bool_],
    salts: NDArray[np.int64],
) -> None:
    """Advance the active games by one step.

    Args:
        boards: [N, rows, columns + 1] boards, changed in place.
        state: [N, FIELDS] states, changed in place.
        homes: [N, rows · (columns + 1)] outputs of `find_homes`.
        actions: [N] gym-sokoban's actions. 0 waits, 1-4 push or move up, down, left, right, 5-8 only move.
        going: [N] mask of the active games.
        salts: Zobrist keys [cells, codes].
    """
    stride = boards.shape[2]
    for index in range(boards.shape[0]):
        s = state[index]
        s[TENTHS] = 0
        if not going[index]:
            continue
        flat = boards[index].reshape(-1)
        s[STEPS] += 1
        before = s[COVERED]
        if actions[index] == 0:
            s[EVENT] = WAITED
        else:
            s[EVENT] = _go(flat, s, homes[index], stride, (actions[index] - 1) % 4, actions[index] < 5, salts)
        tenths = STEP_TENTHS + TARGET_TENTHS * (s[COVERED] - before)
        if s[COVERED] == s[BOXES]:
            tenths += SOLVED_TENTHS
        s[TENTHS] = tenths
        s[TOTAL] += tenths
        if s[STEPS] <= PLANNED and s[TOTAL] > s[BEST]:
            s[BEST] = s[TOTAL]


@njit
def _go(
    flat: NDArray[np.uint8],
    s: NDArray[np.int64],
    homes: NDArray[np.uint8],
    stride: int,
    direction: int,
    push: bool,
    salts: NDArray[np.int64],
) -> int:
    """Move the player of one game and return the event."""
    s[DIRECTION] = direction
    step = step_of(direction, stride)
    place = s[PLACE]
    to = place + step
    event = MOVED
    mix = s[HASH]
    if flat[to] == WALL:
        return AT_WALL
    if flat[to] == BOX or flat[to] == BOX_ON_TARGET:
        if not push:
            return AT_BOX
        beyond = to + step
        if flat[beyond] == WALL:
            return BOX_AT_WALL
        if flat[beyond] != FLOOR and flat[beyond] != TARGET:
            return BOX_AT_BOX
        off, on = flat[to] == BOX_ON_TARGET, flat[beyond] == TARGET
        mix ^= salts[beyond, flat[beyond]] ^ salts[to, flat[to]]
        flat[beyond] = BOX_ON_TARGET if on else BOX
        flat[to] = TARGET if off else FLOOR
        mix ^= salts[beyond, flat[beyond]] ^ salts[to, flat[to]]
        s[COVERED] += int(on) - int(off)
        event = PUSHED
        if on:
            event = BETWEEN_TARGETS if off else ONTO_TARGET
        elif off:
            event = OFF_TARGET
        if s[DEADLOCK] == 0:
            s[DEADLOCK] = int(lost(flat, stride, homes))
    mix ^= salts[place, flat[place]] ^ salts[to, flat[to]]
    flat[place] = TARGET if flat[place] == PLAYER_ON_TARGET else FLOOR
    flat[to] = PLAYER_ON_TARGET if flat[to] == TARGET else PLAYER
    s[HASH] = mix ^ salts[place, flat[place]] ^ salts[to, flat[to]]
    s[PLACE] = to
    s[LEGAL] = legal(flat, to, stride)
    return event
