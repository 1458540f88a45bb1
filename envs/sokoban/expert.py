"""The expert policy: follow an optimal plan, and solve again only if the player left it."""

import numpy as np

from envs.sokoban.board import BOX, BOX_ON_TARGET, FLOOR, PLAYER, PLAYER_ON_TARGET, TARGET, Board
from envs.sokoban.levels import CERTIFICATE_NODES
from envs.sokoban.solver.solve import solve


class Expert:
    """Expert that stores the remaining moves for every board along its plan."""

    def __init__(self) -> None:
        self._plan: list[int] = []
        self._at: dict[bytes, int] = {}

    def plan(self, board: Board) -> list[int]:
        """Return the moves (0 up, 1 down, 2 left, 3 right) that solve the position, or [] if no plan was found.

        The plan has the fewest moves, or the fewest pushes if the search for the fewest moves reached its limit.
        """
        key = board.tobytes()
        if key not in self._at:
            self._solve(board)
        return self._plan[self._at[key] :]

    def _solve(self, board: Board) -> None:
        found = solve(board, "moves", CERTIFICATE_NODES)
        if found.actions is None and not found.within_limit:
            found = solve(board, "pushes", CERTIFICATE_NODES)
        self._plan = [] if found.actions is None else found.actions.tolist()
        self._at = {board.tobytes(): 0}
        now = board.copy()
        for index, way in enumerate(self._plan, start=1):
            step(now, way)
            self._at[now.tobytes()] = index


def step(board: Board, way: int) -> bool:
    """Make one legal move on a board, in place. Return True if it pushed a box."""
    flat, stride = board.reshape(-1), board.shape[1]
    jump = (-stride, stride, -1, 1)[way]
    place = int(np.flatnonzero((flat == PLAYER) | (flat == PLAYER_ON_TARGET))[0])
    to = place + jump
    pushed = bool(flat[to] in (BOX, BOX_ON_TARGET))
    if pushed:
        flat[to + jump] = BOX_ON_TARGET if flat[to + jump] == TARGET else BOX
        flat[to] = TARGET if flat[to] == BOX_ON_TARGET else FLOOR
    flat[place] = TARGET if flat[place] == PLAYER_ON_TARGET else FLOOR
    flat[to] = PLAYER_ON_TARGET if flat[to] == TARGET else PLAYER
    return pushed


def up_to_push(board: Board, plan: list[int], run: bool = False) -> list[int]:
    """Return the moves of a plan up to its first push.

    Args:
        board: Position in which the plan begins.
        plan: Legal moves (0 up, 1 down, 2 left, 3 right).
        run: Also return the pushes that follow directly in the same direction.
    """
    now = board.copy()
    for count, way in enumerate(plan, start=1):
        if step(now, way):
            while run and count < len(plan) and plan[count] == way and step(now, way):
                count += 1
            return plan[:count]
    return plan
