"""Positions that are lost for certain. Never says so of a position that can be solved.

- Dead squares: from there no box can be pushed to any target, even with no other box in the way.
- No matching: the targets that the boxes can be pushed to, each alone in the room, do not go round.
- Frozen boxes: none of them can ever be moved without landing on a dead square, and one is off its target.
"""

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import BOX, BOX_ON_TARGET, PLAYER_ON_TARGET, TARGET, WALL
from render.draw.jit import njit


@njit
def find_homes(flat: NDArray[np.uint8], stride: int, homes: NDArray[np.uint8]) -> None:
    """Fill `homes` [rows · (columns + 1)]: bit n says that a box can be pushed from this place to the n-th target.

    Found by pulling a box away from each target. No bit at all: a dead square (walls too).
    """
    homes[:] = 0
    stack = np.empty(flat.size, np.int64)
    bit = 1
    for target in range(flat.size):
        if flat[target] != TARGET and flat[target] != BOX_ON_TARGET and flat[target] != PLAYER_ON_TARGET:
            continue
        homes[target] |= bit
        stack[0] = target
        count = 1
        while count:
            count -= 1
            place = stack[count]
            for step in (-stride, stride, -1, 1):
                to = place + step  # the box is pulled here, by a player who ends one further
                if flat[to] != WALL and flat[to + step] != WALL and not homes[to] & bit:
                    homes[to] |= bit
                    stack[count] = to
                    count += 1
        bit <<= 1


@njit
def lost(flat: NDArray[np.uint8], stride: int, homes: NDArray[np.uint8]) -> bool:
    """Whether a position is lost by one of the three rules; True is certain, False is not."""
    return _unmatched(flat, homes) or _frozen(flat, stride, homes)


@njit
def _unmatched(flat: NDArray[np.uint8], homes: NDArray[np.uint8]) -> bool:
    """Whether the boxes cannot all have a target of their own. A box on a dead square has none."""
    filled = np.zeros(256, np.bool_)  # sets of targets that the boxes so far can fill
    filled[0] = True
    for place in range(flat.size):
        if flat[place] != BOX and flat[place] != BOX_ON_TARGET:
            continue
        some = False
        for targets in range(255, -1, -1):  # downwards: what is set for this box is larger and not met again
            if not filled[targets]:
                continue
            filled[targets] = False
            free = homes[place] & ~targets
            for number in range(8):
                if free >> number & 1:
                    filled[targets | 1 << number] = True
                    some = True
        if not some:
            return True
    return False


@njit
def _frozen(flat: NDArray[np.uint8], stride: int, homes: NDArray[np.uint8]) -> bool:
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
                if not blocked and (homes[one] or homes[other]):
                    fast[place] = False
                    changed = True
                    break
    for place in range(flat.size):
        if fast[place] and flat[place] == BOX:
            return True
    return False
