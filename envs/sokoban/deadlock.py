"""Deadlock detection. It finds some unsolvable positions and never reports a solvable one.

- Dead cells: a box there cannot be pushed to any target, even with no other boxes in the room.
- No matching: the boxes cannot all be assigned different targets, each box considered alone in the room.
- Frozen boxes: no box of a group can move except onto a dead cell, and at least one of them is off target.
"""

import numpy as np
from numpy.typing import NDArray

from envs.sokoban.board import BOX, BOX_ON_TARGET, PLAYER_ON_TARGET, TARGET, WALL
from render.draw.jit import njit


@njit
def find_homes(flat: NDArray[np.uint8], stride: int, homes: NDArray[np.uint8]) -> None:
    """Compute the targets that a box can be pushed to from each cell, by pulling a box away from each target.

    Args:
        flat: [rows · (columns + 1)] flat board.
        stride: Cells per row of the board.
        homes: [rows · (columns + 1)] output. Bit n stands for the n-th target. Dead cells and walls have no bits.
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
                to = place + step  # the box is pulled here, and the player ends one cell further
                if flat[to] != WALL and flat[to + step] != WALL and not homes[to] & bit:
                    homes[to] |= bit
                    stack[count] = to
                    count += 1
        bit <<= 1


@njit
def lost(flat: NDArray[np.uint8], stride: int, homes: NDArray[np.uint8]) -> bool:
    """Return True if one of the three rules proves the position unsolvable. False proves nothing.

    Args:
        flat: [rows · (columns + 1)] flat board.
        stride: Cells per row of the board.
        homes: [rows · (columns + 1)] output of `find_homes`.
    """
    return _unmatched(flat, homes) or _frozen(flat, stride, homes)


@njit
def _unmatched(flat: NDArray[np.uint8], homes: NDArray[np.uint8]) -> bool:
    """Return True if the boxes cannot all be assigned different targets. A box on a dead cell has none."""
    filled = np.zeros(256, np.bool_)  # target sets that the boxes so far can fill
    filled[0] = True
    for place in range(flat.size):
        if flat[place] != BOX and flat[place] != BOX_ON_TARGET:
            continue
        some = False
        for targets in range(255, -1, -1):  # downwards: the larger sets added for this box are not visited again
            if not filled[targets]:
                continue
            filled[targets] = False
            free = int(homes[place]) & ~targets
            for number in range(8):
                if free >> number & 1:
                    filled[targets | 1 << number] = True
                    some = True
        if not some:
            return True
    return False


@njit
def _frozen(flat: NDArray[np.uint8], stride: int, homes: NDArray[np.uint8]) -> bool:
    """Return True if some boxes block each other permanently and one of them is off target.

    All boxes are assumed frozen. Boxes with a free axis are then released until nothing changes. The remaining boxes
    could move only along an axis with two dead ends.
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
