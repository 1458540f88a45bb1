"""Boards and levels: tile codes, conversion from and to text, and validation.

A board is uint8 [rows, columns + 1]: tile codes, with `END` in the last column so that its bytes translate to text.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from render.draw.jit import njit

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
SYMBOLS_ALLOWED: Final = "allowed are # wall, @ + player, $ * box, . target, and space, - or _ for floor"

SMALLEST: Final = 5
LARGEST: Final = 13
"""Limits on the rows and columns of a map."""
MOST_BOXES: Final = 8

UNKNOWN: Final = -1
"""Number of moves or pushes that the solver did not find within its limit."""


class Level(NamedTuple):
    """A start position with its optimal numbers of pushes and moves."""

    board: Board
    """uint8 [rows, columns + 1]."""
    pushes: int = UNKNOWN
    """Smallest number of pushes of any solution."""
    moves: int = UNKNOWN
    """Smallest number of moves of any solution. Pushes count as moves."""
    number: int = -1
    """Number of the level among given levels, −1 for a new level."""


@njit
def step_of(direction: int, stride: int) -> int:
    """Return the difference between the flat indices of a cell and its neighbour.

    Args:
        direction: 0 up, 1 down, 2 left, 3 right.
        stride: Cells per row of the board.
    """
    return -stride if direction == 0 else stride if direction == 1 else -1 if direction == 2 else 1


def text_of(board: Board) -> str:
    """Return the map in Boxoban's symbols, one line per row. Several boards give one map after another."""
    return board.tobytes().translate(_TO_TEXT).decode("ascii")[:-1]


def read_board(text: str) -> Board:
    """Return the board of a map in Boxoban's symbols. Cells outside the walls become walls.

    Raises:
        ValueError: If the map is invalid, with a one-line message.
    """
    lines = [line.rstrip().replace("-", " ").replace("_", " ") for line in text.split("\n")]
    lines = [line.rstrip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    margin = min((len(line) - len(line.lstrip(" ")) for line in lines), default=0)
    lines = [line[margin:] for line in lines]
    rows, columns = len(lines), max((len(line) for line in lines), default=0)
    if not (SMALLEST <= rows <= LARGEST and SMALLEST <= columns <= LARGEST):
        raise ValueError(f"a map must be {SMALLEST}x{SMALLEST} to {LARGEST}x{LARGEST}, this one is {rows}x{columns}")
    board = np.full((rows, columns + 1), FLOOR, np.uint8)
    board[:, columns] = END
    for row, line in enumerate(lines):
        for column, symbol in enumerate(line):
            code = SYMBOLS.find(symbol.encode("utf-8"))
            if code < 0:
                raise ValueError(f"row {row + 1} has {symbol!r}; {SYMBOLS_ALLOWED}")
            board[row, column] = code
    _close(board)
    check(board)
    return board


def _close(board: Board) -> None:
    """Turn the floor outside the walls into walls. Raise a ValueError if anything else is outside."""
    rows, columns = board.shape[0], board.shape[1] - 1
    stack = [(row, column) for row in range(rows) for column in (0, columns - 1)]
    stack += [(row, column) for row in (0, rows - 1) for column in range(columns)]
    while stack:
        row, column = stack.pop()
        if not (0 <= row < rows and 0 <= column < columns) or board[row, column] == WALL:
            continue
        if board[row, column] != FLOOR:
            raise ValueError("the outer cells of a map must be walls (#), around the player, all boxes and targets")
        board[row, column] = WALL
        stack += [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]


def check(board: Board) -> None:
    """Raise a one-line ValueError unless the board has one player and as many targets as boxes."""
    fields = board[:, :-1]
    players = int((fields == PLAYER).sum() + (fields == PLAYER_ON_TARGET).sum())
    boxes = int((fields == BOX).sum() + (fields == BOX_ON_TARGET).sum())
    targets = int(np.isin(fields, (TARGET, BOX_ON_TARGET, PLAYER_ON_TARGET)).sum())
    if players != 1:
        raise ValueError(f"a map must have one player (@ or +), this one has {players}")
    if not 1 <= boxes <= MOST_BOXES:
        raise ValueError(f"a map must have 1 to {MOST_BOXES} boxes ($ or *), this one has {boxes}")
    if boxes != targets:
        raise ValueError(f"a map must have as many targets as boxes, this one has {targets} and {boxes}")


def fitted(board: Board, room: tuple[int, int]) -> Board:
    """Return the board centred in a `room` (rows, columns) of walls, or raise a ValueError if it is too large."""
    rows, columns = board.shape[0], board.shape[1] - 1
    if (rows, columns) == room:
        return board
    if rows > room[0] or columns > room[1]:
        raise ValueError(f"a map of {rows}x{columns} does not fit into room={room}; set room=({rows}, {columns})")
    whole = np.full((room[0], room[1] + 1), WALL, np.uint8)
    whole[:, room[1]] = END
    top, left = (room[0] - rows) // 2, (room[1] - columns) // 2
    whole[top : top + rows, left : left + columns] = board[:, :-1]
    return whole
