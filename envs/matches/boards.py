"""Experts and texts of the board games of `pettingzoo.classic`, from their observations: planes of own and other marks.

An observation is [H, W, 2] of 0 and 1: the own marks, then the other side's. The expert of tic-tac-toe is perfect. The
expert of Connect Four searches `DEPTH` plies ahead.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np

DEPTH: Final = 4
"""Number of plies that the expert of Connect Four searches ahead."""
ROWS, COLUMNS = 6, 7
LINES: Final = [
    sum(1 << cell for cell in line)
    for line in [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]
]
"""Lines of tic-tac-toe as bit masks of the nine squares."""
FULL: Final = 2**9 - 1


def board_text(observation: Any) -> str:
    """Return the board as rows of `x` (own mark), `o` (the other side's) and `.` (empty)."""
    own, other = observation[..., 0], observation[..., 1]
    return "\n".join("".join(row) for row in np.where(own, "x", np.where(other, "o", ".")))


def transposed_text(observation: Any) -> str:
    """Return `board_text` with rows and columns swapped, for tic-tac-toe, whose observation is stored by column."""
    return board_text(np.swapaxes(observation, 0, 1))


def tictactoe_expert(observation: Any, legal: Sequence[int] | None = None) -> list[int]:
    """Return all actions with the best result against perfect play."""
    own, other = _bits(observation[..., 0]), _bits(observation[..., 1])
    worth = {cell: -_tictactoe_value(other, own | 1 << cell) for cell in range(9) if not (own | other) & 1 << cell}
    return [cell for cell, value in worth.items() if value == max(worth.values())]


def _bits(plane: Any) -> int:
    return sum(1 << cell for cell, mark in enumerate(np.asarray(plane).ravel().tolist()) if mark)


@cache
def _tictactoe_value(own: int, other: int) -> int:
    """Return the result with perfect play for the side to move: 1 win, 0 draw, -1 loss."""
    if any(other & line == line for line in LINES):
        return -1
    free = [1 << cell for cell in range(9) if not (own | other) & 1 << cell]
    return max((-_tictactoe_value(other, own | cell) for cell in free), default=0)


def connect_four_expert(observation: Any, legal: Sequence[int] | None = None) -> list[int]:
    """Return all actions with the best value of an alpha-beta search over `DEPTH` plies."""
    own, other = (_columns(observation[..., side]) for side in (0, 1))
    worth = {}
    for column in _free(own | other):
        worth[column] = -_search(other, own | _drop(own | other, column), DEPTH - 1, -(10**6), 10**6)
    return [column for column, value in worth.items() if value == max(worth.values())]


def _columns(plane: Any) -> int:
    """Return marks as bits: 7 for each column from the bottom, of which the last one is always 0."""
    found = 0
    for row, column in np.argwhere(np.asarray(plane)).tolist():
        found |= 1 << (7 * column + ROWS - 1 - row)
    return found


def _free(taken: int) -> list[int]:
    """Return the columns that are not full, from the middle outwards."""
    return [column for column in (3, 2, 4, 1, 5, 0, 6) if not taken >> (7 * column + ROWS - 1) & 1]


def _drop(taken: int, column: int) -> int:
    """Return the bit of the lowest free square of a column."""
    square: int = (taken + (1 << 7 * column)) & (2**ROWS - 1) << 7 * column & ~taken
    return square


def _four(marks: int) -> bool:
    """Return True if there are four marks in a row."""
    for step in (1, 6, 7, 8):
        pairs = marks & marks >> step
        if pairs & pairs >> 2 * step:
            return True
    return False


def _search(own: int, other: int, depth: int, low: int, high: int) -> int:
    """Return the value for the side to move: high for an early win, and else the lead in central marks."""
    if _four(other):
        return -1000 - depth
    free = _free(own | other)
    if not free:
        return 0
    if not depth:
        middle = 2**7 - 1 << 21
        return (own & middle).bit_count() - (other & middle).bit_count()
    for column in free:
        low = max(low, -_search(other, own | _drop(own | other, column), depth - 1, -high, -low))
        if low >= high:
            break
    return low
