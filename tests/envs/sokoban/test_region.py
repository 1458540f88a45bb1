"""The cells that the player can reach, as bits and as a list."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from envs.sokoban.board import FLOOR, WALL
from envs.sokoban.pull import reach
from envs.sokoban.region import bit, flood, floor


@given(st.integers(5, 13), st.integers(5, 13), st.integers(0, 1 << 32))
def test_flood_equals_a_search_cell_by_cell(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    board = np.full((rows, columns + 1), WALL, np.uint8)
    board[1:-1, 1 : columns - 1] = np.where(rng.random((rows - 2, columns - 2)) < 0.7, FLOOR, WALL)
    board[1, 1:4] = FLOOR
    flat = board.reshape(-1)
    boxes = rng.permutation(np.flatnonzero(flat == FLOOR))[:3]
    start, boxes = int(boxes[0]), boxes[1:]
    free, region = np.zeros(3, np.uint64), np.zeros(3, np.uint64)
    floor(flat, boxes, free)
    flood(free, start, columns + 1, region)
    boxed, reached = np.zeros(flat.size, np.bool_), np.zeros(flat.size, np.bool_)
    boxed[boxes] = True
    reach(flat, boxed, columns + 1, start, reached, np.zeros(flat.size + 1, np.int64))
    assert [bool(bit(region, place)) for place in range(flat.size)] == reached.tolist()
