"""The estimator `vpr`: turn rewards normalised by turn number, by hand."""

import pytest

from training.algorithm.advantages import Score, estimator
from training.config.algo import AlgoConfig


def estimate(*episodes: tuple[float, ...]) -> list[list[float]]:
    """Advantages of a group of episodes with these turn rewards."""
    scores = [Score(sum(turns), turns, parts={"process": sum(turns)}) for turns in episodes]
    (group,) = estimator("vpr")([scores], AlgoConfig(advantage="vpr"))
    return [advantages.tolist() for advantages in group]


def test_turns_are_normalised_by_turn_number() -> None:
    # Turn 0: 1, 0, 0, 0: mean 1/4, std 0.4330127. Turn 1: 2, 2, 0, 0: mean 1, std 1. Turn 2: all equal.
    group = estimate((1, 2, 5), (0, 2, 5), (0, 0, 5), (0, 0, 5))
    assert group[0] == pytest.approx([1.7320508, 1, 0])
    assert group[1] == pytest.approx([-0.5773503, 1, 0])
    assert group[2] == group[3] == pytest.approx([-0.5773503, -1, 0])


def test_a_turn_that_few_episodes_reached_is_compared_with_all_turns() -> None:
    # All turns: 1, 1, 0, 0 and 3, 1: mean 1, variance (0 + 0 + 1 + 1 + 4 + 0) / 6 = 1.
    # Turn 0: 1, 1, 0, 0: mean 0.5, std 0.5. Turn 1 has two episodes: (3 - 1) / 1 and (1 - 1) / 1.
    assert estimate((1, 3), (1, 1), (0,), (0,)) == [pytest.approx([1, 2]), pytest.approx([1, 0]), [-1], [-1]]


def test_equal_turns_give_zeros() -> None:
    assert estimate((0.5, 0.5), (0.5,)) == [[0, 0], [0]]


def test_groups_are_independent() -> None:
    scores = [
        [Score(r, (r,), parts={"process": r}) for r in group] for group in ((1.0, 0.0, 0.0, 1.0), (9.0, 1.0, 1.0, 9.0))
    ]
    first, second = estimator("vpr")(scores, AlgoConfig())
    assert [a.tolist() for a in first] == [a.tolist() for a in second] == [[1], [-1], [-1], [1]]


def test_groups_without_process_reward_get_the_advantages_of_grpo() -> None:
    scores = [[Score(1.0, (0.0, 1.0)), Score(0.0, (0.0, 0.0, 0.0))]]
    assert [a.tolist() for a in estimator("vpr")(scores, AlgoConfig())[0]] == [[1, 1], [-1, -1, -1]]
