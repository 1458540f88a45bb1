"""Which episodes are played: the same ones for a seed, and never a held-out one in training."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.episodes import Start
from training.rollout import TEST_FIRST, TRAIN_SEEDS, VALIDATION_FIRST, held_out_starts, split, training_starts

counts = st.integers(0, 10**6)


@given(counts, counts, counts, counts)
def test_training_never_draws_a_held_out_seed(seed: int, stage: int, step: int, task: int) -> None:
    trained = {start.seed for start in training_starts(seed, stage, step, task, groups=20, size=2)}
    assert all(0 <= drawn < TRAIN_SEEDS for drawn in trained)
    assert len(trained) == 20


def test_the_held_out_splits_lie_above_training_and_apart() -> None:
    validation = [start.seed for start in held_out_starts(VALIDATION_FIRST, 300)]
    test = [start.seed for start in held_out_starts(TEST_FIRST, 300)]
    assert validation == list(range(VALIDATION_FIRST, VALIDATION_FIRST + 300))
    assert test == list(range(TEST_FIRST, TEST_FIRST + 300))
    assert TRAIN_SEEDS <= VALIDATION_FIRST and VALIDATION_FIRST + 10**8 < TEST_FIRST  # room for any evaluation
    assert test[-1] < 2**31  # any env takes such a seed


def test_held_out_starts_are_the_same_for_everybody() -> None:
    assert held_out_starts(TEST_FIRST, 5) == held_out_starts(TEST_FIRST, 9)[:5]
    assert len({start.sampling_seed for start in held_out_starts(TEST_FIRST, 500)}) == 500
    again = held_out_starts(TEST_FIRST, 5, sampling_seed=1)
    assert [start.seed for start in again] == [start.seed for start in held_out_starts(TEST_FIRST, 5)]
    assert again != held_out_starts(TEST_FIRST, 5)


def test_a_group_is_one_start_with_several_players() -> None:
    starts = training_starts(3, 0, 5, 0, groups=4, size=8)
    assert [start.group for start in starts] == [group for group in range(4) for _ in range(8)]
    seeds = [{start.seed for start in starts if start.group == group} for group in range(4)]
    assert all(len(group) == 1 for group in seeds) and len(set[int]().union(*seeds)) == 4
    assert len({start.sampling_seed for start in starts}) == 32


def test_the_same_seed_gives_the_same_starts_and_another_gives_others() -> None:
    def seeds(run: int, stage: int, step: int, task: int) -> tuple[Start, ...]:
        return tuple(training_starts(run, stage, step, task, 4, 2))

    assert seeds(1, 0, 0, 0) == seeds(1, 0, 0, 0)
    places = [
        (run, stage, step, task) for run in range(3) for stage in range(3) for step in range(5) for task in (0, 1)
    ]
    everything = [start for place in places for start in seeds(*place)]
    assert len({start.seed for start in everything}) == len(places) * 4
    assert len({start.sampling_seed for start in everything}) == len(everything)


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (16, [1.0], [16]),
        (16, [1.0, 1.0], [8, 8]),
        (16, [1.0, 1.0, 1.0], [6, 5, 5]),  # 5.33 each: the one left over goes to the first
        (7, [1.0, 2.0, 0.5], [2, 4, 1]),
        (10, [3.0, 1.0], [8, 2]),  # 7.5 and 2.5: the first of equals
        (1, [1.0, 1.0], [1, 0]),
    ],
)
def test_split_by_hand(total: int, weights: list[float], shares: list[int]) -> None:
    assert split(total, weights) == shares


@given(st.integers(0, 1000), st.lists(st.floats(0.01, 100), min_size=1, max_size=8))
def test_split_shares_everything_out(total: int, weights: list[float]) -> None:
    shares = split(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) < 1 + 1e-9
