"""Positions that are lost for certain: dead squares and frozen boxes. Never says so of a position that can be solved.

A square is dead if no box can be pushed from it to any target, even with no other box in the way. Boxes are frozen
if none of them can ever be moved without landing on a dead square; one off its target loses the game.
"""

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import BOX, BOX_ON_TARGET, PLAYER_ON_TARGET, TARGET, WALL
from render.jit import njit


@njit
def dead_squares(flat: NDArray[np.uint8], stride: int, dead: NDArray[np.bool_]) -> None:
    """Fill `dead` [rows · (columns + 1)]: walls are dead too. Found by pulling a box away from each target."""
    dead[:] = True
    stack = np.empty(flat.size, np.int64)
    count = 0
    for place in range(flat.size):
        if flat[place] == TARGET or flat[place] == BOX_ON_TARGET or flat[place] == PLAYER_ON_TARGET:
            dead[place] = False
            stack[count] = place
            count += 1
    while count:
        count -= 1
        place = stack[count]
        for step in (-stride, stride, -1, 1):
            to = place + step  # the box is pulled here, by a player who ends one further
            if flat[to] == WALL or flat[to + step] == WALL or not dead[to]:
                continue
            dead[to] = False
            stack[count] = to
            count += 1


@njit
def frozen(flat: NDArray[np.uint8], stride: int, dead: NDArray[np.bool_]) -> bool:
    """Whether some boxes hold each other fast for ever, one of them off its target.

    All boxes are taken to be fast, then those with a free axis are let go until nothing changes. The first of the
    rest to move would have to move along an axis whose both ends are dead.
    """
    fast = np.zeros(flat.size, np.bool_)
    for place in range(flat.size):
        fast[place] = flat[place] == BOX or flat[place] == BOX_ON_TARGET
    changed = True
    while changed:
        changed = False
        for place in range(flat.size):
            if not fast[place]:
                continue
            for step in (stride, 1):
                one, other = place - step, place + step
                blocked = flat[one] == WALL or flat[other] == WALL or fast[one] or fast[other]
                if not blocked and not (dead[one] and dead[other]):
                    fast[place] = False
                    changed = True
                    break
    for place in range(flat.size):
        if fast[place] and flat[place] == BOX:
            return True
    return False
