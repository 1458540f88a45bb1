"""Shares by weight and by learning progress: exact over the steps, and the same after a checkpoint."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.rollout.mixture import Mixture


def test_allocate_follows_the_weights() -> None:
    mixture = Mixture({"a": 2, "b": 1, "c": 1}, groups=8)
    assert mixture.allocate(0) == mixture.allocate(0) == {"a": 4, "b": 2, "c": 2}


def test_allocate_makes_up_for_fractions_of_groups() -> None:
    mixture = Mixture({"a": 1, "b": 1, "c": 1}, groups=4)  # 4/3 each
    steps = []
    for step in range(3):
        steps.append(mixture.allocate(step))
        mixture.observe(step, {})
    assert steps == [{"a": 2, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": 1}, {"a": 1, "b": 1, "c": 2}]


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_allocate_with_fewer_groups_than_tasks_starves_none(ahead: int) -> None:
    mixture = Mixture({"a": 5, "b": 1, "c": 1}, groups=1)
    played = dict.fromkeys("abc", 0)
    for step in range(7):
        for asked in range(step, min(step + ahead + 1, 7)):  # as with max_staleness
            mixture.allocate(asked)
        for task, count in mixture.allocate(step).items():
            played[task] += count
        mixture.observe(step, {})
    assert played == {"a": 5, "b": 1, "c": 1}


def test_allocate_ahead_of_observations_stays_fixed() -> None:
    mixture = Mixture({"up": 1, "flat": 1}, groups=4, learning_progress=1.0)
    mixture.observe(0, {"up": 0.0, "flat": 0.5})
    early = mixture.allocate(2)
    mixture.observe(1, {"up": 1.0, "flat": 0.5})
    assert mixture.allocate(2) == early == {"up": 2, "flat": 2}
    assert mixture.allocate(3) == {"up": 4, "flat": 0}


def test_progress_is_the_absolute_change_of_success() -> None:
    mixture = Mixture({"up": 1, "down": 1, "flat": 1}, groups=6, learning_progress=0.5)
    mixture.observe(0, {"up": 0.0, "down": 1.0, "flat": 0.4})
    assert [mixture.progress(task) for task in ("up", "down", "flat")] == pytest.approx([0, 0, 0])
    assert mixture.target_fractions() == pytest.approx({"up": 1 / 3, "down": 1 / 3, "flat": 1 / 3})
    mixture.observe(1, {"up": 1.0, "down": 0.0, "flat": 0.4})
    # fast 0 + 0.3 * (1 - 0), slow 0 + 0.1 * (1 - 0)
    assert [mixture.progress(task) for task in ("up", "down", "flat")] == pytest.approx([0.2, 0.2, 0])
    # a half by weight (1/6 each), a half by progress (1/4, 1/4, 0)
    assert mixture.target_fractions() == pytest.approx({"up": 5 / 12, "down": 5 / 12, "flat": 1 / 6})
    assert Mixture({"up": 3, "flat": 1}, groups=4, learning_progress=1.0).target_fractions() == {
        "up": 0.75,
        "flat": 0.25,
    }


@pytest.mark.parametrize("ahead", [0, 2])
def test_restore_continues_with_the_same_allocation(ahead: int) -> None:
    one, other = (Mixture({"a": 1, "b": 2, "c": 4}, groups=5, learning_progress=0.7) for _ in range(2))
    for step in range(4):
        for asked in range(step, step + ahead + 1):
            one.allocate(asked)
        one.observe(step, {"a": 0.1 * step, "c": 0.9 - 0.2 * step})
    other.restore(json.loads(json.dumps(one.state())))
    for step in range(4, 8):
        for asked in range(step, step + ahead + 1):
            assert one.allocate(asked) == other.allocate(asked)
        for mixture in (one, other):
            mixture.observe(step, {"b": 0.1 * step})
    assert one.state() == other.state()
    with pytest.raises(ValueError, match=r"the state is from \['a', 'b', 'c'\], but this stage has \['a'\]"):
        Mixture({"a": 1}, groups=1).restore(one.state())


@given(
    st.lists(st.floats(0.1, 10), min_size=1, max_size=6),
    st.integers(1, 20),
    st.floats(0, 0.9),
    st.lists(st.lists(st.floats(0, 1), min_size=6, max_size=6), max_size=12),
)
def test_allocate_after_any_history_uses_all_groups(
    weights: list[float], groups: int, some: float, history: list[list[float]]
) -> None:
    mixture = Mixture({str(index): weight for index, weight in enumerate(weights)}, groups, some)
    given_out = dict.fromkeys(mixture.weights, 0.0)
    for step, results in enumerate(history):
        shares, target_fractions = mixture.allocate(step), mixture.target_fractions()
        assert sum(shares.values()) == groups and min(shares.values()) >= 0
        assert sum(target_fractions.values()) == pytest.approx(1)
        for task, share in shares.items():
            assert target_fractions[task] >= (1 - some) * mixture.weights[task] - 1e-9  # the floor
            given_out[task] += target_fractions[task] * groups - share
            assert abs(given_out[task]) <= len(weights)  # the deficit stays small
        mixture.observe(step, dict(zip(mixture.weights, results, strict=False)))
