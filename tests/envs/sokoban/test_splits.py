"""Training, validation and test seeds never share a new level, in one env and in many at once."""

import numpy as np
import pytest

from envs.sokoban.env import SokobanEnv
from envs.sokoban.levels import Generated
from envs.sokoban.vector import SokobanVectorEnv
from envs.task.splits import TEST_FIRST, VALIDATION_FIRST, split_of_item, split_of_seed


def test_splits_never_share_a_level() -> None:
    env = SokobanEnv((6, 6), 1, observation="text")
    seen = [
        {env.reset(seed=first + number)[0] for number in range(2000)} for first in (0, VALIDATION_FIRST, TEST_FIRST)
    ]
    assert min(map(len, seen)) > 1200  # a fair part of all levels
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    env.reset(seed=TEST_FIRST)
    unseeded = {env.reset()[0] for _ in range(500)}  # continues with the training split
    assert not unseeded & (seen[1] | seen[2])


@pytest.mark.parametrize(("room", "drawn_again"), [((8, 8), True), ((6, 10), True), ((6, 11), False)])
def test_levels_of_large_rooms_do_not_depend_on_the_split(room: tuple[int, int], drawn_again: bool) -> None:
    source = Generated(room, 1, 0.5)
    boards = [
        [source.draw(np.random.default_rng(seed), split).board.tobytes() for seed in range(8)]
        for split in ("train", "test")
    ]
    assert (boards[0] != boards[1]) == drawn_again


@pytest.mark.parametrize("first", [0, VALIDATION_FIRST, TEST_FIRST])
def test_many_games_start_as_single_games_in_every_split(first: int) -> None:
    many = SokobanVectorEnv(20, room=(6, 6), boxes=1, observation="text")
    single = SokobanEnv((6, 6), 1, observation="text")
    assert list(many.reset(seed=first)[0]) == [single.reset(seed=first + number)[0] for number in range(20)]
    assert all(split_of_seed(first) == split_of_item(text) for text in many.reset(seed=first)[0])
    assert {split_of_item(text) for text in many.reset()[0]} == {"train"}
