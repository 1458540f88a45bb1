"""The map: codes of its fields, its text, and what a level is.

A board is uint8 [rows, columns + 1]: tile codes, and `END` in the last column, so that its bytes translate to text.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Board = NDArray[np.uint8]

WALL: Final = 0
FLOOR: Final = 1
TARGET: Final = 2
BOX_ON_TARGET: Final = 3
BOX: Final = 4
PLAYER: Final = 5
PLAYER_ON_TARGET: Final = 6
END: Final = 7

SYMBOLS: Final = b"# .*$@+\n"
"""Boxoban's symbols, in the order of the codes."""
_TO_TEXT: Final = SYMBOLS + bytes(248)

SMALLEST: Final = 5
LARGEST: Final = 13
MOST_BOXES: Final = 8

UNKNOWN: Final = -1
"""A number of moves or pushes that was not found within the solver's limit."""


class Level(NamedTuple):
    """A start position and its certificate."""

    board: Board
    """uint8 [rows, columns + 1]."""
    pushes: int = UNKNOWN
    """Fewest pushes of any solution."""
    moves: int = UNKNOWN
    """Fewest moves (pushes are moves) of any solution."""


def text_of(board: Board) -> str:
    """The map in Boxoban's symbols, one line a row; of several boards, one map after another."""
    return board.tobytes().translate(_TO_TEXT).decode("ascii")[:-1]


def read_board(text: str) -> Board:
    """The board of a map in Boxoban's symbols; ValueError in one line where it is none.

    Short lines are filled up with walls.
    """
    lines = [line.rstrip("\r") for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    rows, columns = len(lines), max((len(line) for line in lines), default=0)
    if not (SMALLEST <= rows <= LARGEST and SMALLEST <= columns <= LARGEST):
        raise ValueError(f"a map is {SMALLEST}x{SMALLEST} to {LARGEST}x{LARGEST}, this one is {rows}x{columns}")
    board = np.full((rows, columns + 1), WALL, np.uint8)
    board[:, columns] = END
    for row, line in enumerate(lines):
        for column, symbol in enumerate(line):
            code = SYMBOLS.find(symbol.encode("utf-8"))
            if code < 0:
                raise ValueError(
                    f"row {row + 1} has {symbol!r}; allowed are # wall, @ + player, $ * box, . target, space"
                )
            board[row, column] = code
    check(board)
    return board


def check(board: Board) -> None:
    """ValueError in one line if this is no position to start from."""
    fields = board[:, :-1]
    players = int((fields == PLAYER).sum() + (fields == PLAYER_ON_TARGET).sum())
    boxes = int((fields == BOX).sum() + (fields == BOX_ON_TARGET).sum())
    targets = int(np.isin(fields, (TARGET, BOX_ON_TARGET, PLAYER_ON_TARGET)).sum())
    if players != 1:
        raise ValueError(f"a map has one player (@ or +), this one has {players}")
    if not 1 <= boxes <= MOST_BOXES:
        raise ValueError(f"a map has 1 to {MOST_BOXES} boxes ($ or *), this one has {boxes}")
    if boxes != targets:
        raise ValueError(f"a map has as many targets as boxes, this one has {targets} and {boxes}")
    edge = np.concatenate([fields[0], fields[-1], fields[:, 0], fields[:, -1]])
    if (edge != WALL).any():
        raise ValueError("the outer fields of a map must be walls (#)")


def fitted(board: Board, room: tuple[int, int]) -> Board:
    """The board in the middle of a room [rows, columns] of walls; ValueError where it is too large for it."""
    rows, columns = board.shape[0], board.shape[1] - 1
    if (rows, columns) == room:
        return board
    if rows > room[0] or columns > room[1]:
        raise ValueError(f"a map of {rows}x{columns} does not fit into room={room}; give room=({rows}, {columns})")
    whole = np.full((room[0], room[1] + 1), WALL, np.uint8)
    whole[:, room[1]] = END
    top, left = (room[0] - rows) // 2, (room[1] - columns) // 2
    whole[top : top + rows, left : left + columns] = board[:, :-1]
    return whole
