"""Optimal plans: fewest moves, or fewest pushes.

The fewest pushes are found by A* over pushes (`search.py`), the fewest moves by a bidirectional search over moves
(`moves.py`). The lower bound on pushes is the cheapest matching of boxes to targets, in pushes with no other boxes in
the room. The bound on moves adds a bound on the player's walk (`walks.py`).

States with a box on a dead cell, without a matching, or with frozen boxes off target are pruned.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import UNKNOWN, Board
from envs.sokoban.solver.cells import FAR
from envs.sokoban.solver.moves import search_moves
from envs.sokoban.solver.search import search

NODE_LIMIT: Final = 5_000_000
"""Default limit on the number of generated states."""


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
    if fewest == "moves":
        nodes, actions, _, pushes = search_moves(flat, stride, node_limit, True)
    else:
        nodes, actions, _, pushes = search(flat, stride, node_limit, FAR, True)
    if nodes < 0:
        return Plan(None, -nodes, pushes == 0)
    return Plan(actions, nodes, True, pushes)


def fewest(board: Board, what: str, node_limit: int = NODE_LIMIT) -> int:
    """Return the fewest moves or pushes, or `UNKNOWN` if there is no plan or the limit was reached.

    Args:
        board: [rows, columns + 1] board.
        what: "moves" or "pushes".
        node_limit: Maximum number of generated states.
    """
    flat, stride = board.reshape(-1), board.shape[1]
    if what == "moves":
        nodes, _, cost, _ = search_moves(flat, stride, node_limit, False)
    else:
        nodes, _, cost, _ = search(flat, stride, node_limit, FAR, False)
    return cost if nodes > 0 else UNKNOWN
