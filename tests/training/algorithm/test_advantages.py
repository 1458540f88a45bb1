"""Group-relative advantages, by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.algorithm.advantages import Score, discounted_returns, estimator
from training.config.algo import ESTIMATORS, AlgoConfig

CONFIG = AlgoConfig()


def estimate(name: str, *groups: Sequence[float], config: AlgoConfig = CONFIG) -> list[list[float]]:
    """Advantages of one-turn episodes."""
    scores = [[Score(reward, (reward,), (f"{g}",)) for reward in group] for g, group in enumerate(groups)]
    return [[float(advantage[0]) for advantage in group] for group in estimator(name)(scores, config)]


def test_estimators_match_hand_computation() -> None:
    # mean 0.25, deviations 0.75 and three of -0.25; variance (0.5625 + 3 x 0.0625) / 4 = 0.1875, std 0.4330127
    assert estimate("grpo", [1, 0, 0, 0]) == [pytest.approx([1.7320508, -0.5773503, -0.5773503, -0.5773503])]
    assert estimate("dr_grpo", [1.1, 0.1, 0, 0]) == [pytest.approx([0.8, -0.2, -0.3, -0.3])]
    # the others' means: 0, 1/3, 1/3, 1/3
    assert estimate("rloo", [1, 0, 0, 0]) == [pytest.approx([1, -1 / 3, -1 / 3, -1 / 3])]


def test_reinforce_pp_divides_by_the_deviation_of_the_whole_batch() -> None:
    # differences to the group means: 0.5, -0.5 and 1.5, -1.5; variance (0.25 + 0.25 + 2.25 + 2.25) / 4 = 1.25
    std = 1.25**0.5
    first, second = estimate("reinforce_pp", [1, 0], [4, 1])
    assert first == pytest.approx([0.5 / std, -0.5 / std])
    assert second == pytest.approx([1.5 / std, -1.5 / std])


def test_discounted_returns_match_hand_computation() -> None:
    # 1; 0 + 0.5 x 1; 2 + 0.5 x 0.5
    assert discounted_returns([2, 0, 1], 0.5).tolist() == [2.25, 0.5, 1.0]


def test_gigpo_matches_hand_computation() -> None:
    # Two episodes from one start "s". The first goes s → a → win, the second s → a → s → lose.
    group = [Score(1.0, (0.0, 1.0), ("s", "a")), Score(0.0, (0.0, 0.0, 0.0), ("s", "a", "s"))]
    config = AlgoConfig(advantage="gigpo", gamma=0.5, step_weight=2.0)
    ((winner, loser),) = estimator("gigpo")([group], config)
    # Episode advantages: rewards 1, 0 → +1, -1.
    # State s: returns 0.5, 0, 0: mean 1/6, variance (1/9 + 2/36) / 3 = 1/18; (1/3) / 0.2357 = 1.41421, -0.70711 twice.
    # State a: returns 1, 0 → +1, -1.
    assert winner.tolist() == pytest.approx([1 + 2 * 1.41421356, 1 + 2 * 1])
    assert loser.tolist() == pytest.approx([-1 - 2 * 0.70710678, -1 - 2 * 1, -1 - 2 * 0.70710678])


def test_gigpo_in_a_state_met_once_gives_the_episodes_advantage() -> None:
    group = [Score(1.0, (0.0, 1.0), ("s", "x")), Score(0.0, (0.0, 0.0), ("s", "y"))]
    ((winner, loser),) = estimator("gigpo")([group], AlgoConfig(gamma=1.0))
    assert (winner[1], loser[1]) == (1.0, -1.0)


def test_max_rl_matches_hand_computation() -> None:
    # mean 0.25: (1 - 0.25) / 0.25 and (0 - 0.25) / 0.25; mean 0.55: (1.1 - 0.55) / 0.55
    assert estimate("max_rl", [1, 0, 0, 0], [1.1, 0]) == [pytest.approx([3, -1, -1, -1]), pytest.approx([1, -1])]
    assert estimate("max_rl", [1, -1], [0, -1]) == [[0, 0], [0, 0]]  # no positive mean


def test_gdpo_normalises_every_part_in_its_group_and_the_sums_over_the_batch() -> None:
    def score(outcome: float, style: float) -> Score:
        return Score(outcome + style, (0.0, outcome + style), ("a", "b"), {"outcome": outcome, "format": style})

    groups = [[score(1, 0.1), score(0, 0.1), score(0, 0), score(1, 0)], [score(1, 0.1), score(0, 0.1)]]
    first, second = estimator("gdpo")(groups, AlgoConfig())
    # group 1: outcome 1 -1 -1 1 and format 1 1 -1 -1, so 2 0 -2 0; group 2: outcome 1 -1, equal formats, so 1 -1
    # batch: mean 0, variance (4 + 4 + 1 + 1) / 6
    std = (10 / 6) ** 0.5
    assert [one.tolist() for one in first] == [pytest.approx([value / std] * 2) for value in (2, 0, -2, 0)]
    assert [one.tolist() for one in second] == [pytest.approx([value / std] * 2) for value in (1, -1)]
    assert estimator("gdpo")([], AlgoConfig()) == []


def test_gagpo_matches_hand_computation() -> None:
    # The states of the test of gigpo. Returns: s 0.5, 0, 0 and a 1, 0, so that V(s) = 1/6 and V(a) = 1/2.
    group = [Score(1.0, (0.0, 1.0), ("s", "a")), Score(0.0, (0.0, 0.0, 0.0), ("s", "a", "s"))]
    ((winner, loser),) = estimator("gagpo")([group], AlgoConfig(gamma=0.5, gae_lambda=0.5))
    # Errors of the winner: 1/2 x 1/2 - 1/6 = 1/12 and 1 - 1/2 = 1/2; advantages 1/12 + 1/4 x 1/2 = 5/24 and 1/2.
    # Errors of the loser: 1/12, 1/2 x 1/6 - 1/2 = -5/12 and -1/6;
    # advantages -1/6, then -5/12 - 1/24 = -11/24, then 1/12 - 11/96 = -1/32.
    expected = np.array([5 / 24, 1 / 2, -1 / 32, -11 / 24, -1 / 6])
    expected = (expected - expected.mean()) / expected.std()
    assert winner.tolist() == pytest.approx(expected[:2]) and loser.tolist() == pytest.approx(expected[2:])


def test_gagpo_with_lambda_0_uses_the_next_error_only() -> None:
    group = [Score(1.0, (0.0, 1.0), ("s", "a")), Score(0.0, (0.0, 0.0), ("s", "b"))]
    ((winner, loser),) = estimator("gagpo")([group], AlgoConfig(gamma=1.0, gae_lambda=0.0))
    # V(s) = 1/2, V(a) = 1, V(b) = 0: errors 1/2, 0 and -1/2, 0; their std is sqrt(1/8)
    assert winner.tolist() == pytest.approx([2**0.5, 0]) and loser.tolist() == pytest.approx([-(2**0.5), 0])


@pytest.mark.parametrize("name", sorted({*ESTIMATORS} - {"vpr", "gagpo"}))
def test_estimators_credit_turns_without_own_reward(name: str) -> None:
    group = [Score(1.0, (0.0, 0.0, 1.0), ("s", "a", "b")), Score(0.0, (0.0, 0.0), ("s", "c"))]
    ((winner, loser),) = estimator(name)([group], CONFIG)
    assert winner.shape == (3,) and loser.shape == (2,)
    assert (winner > 0).all() and (loser < 0).all()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_with_equal_rewards_give_zeros(name: str) -> None:
    for reward in (0.0, 1.1, 0.1 + 0.2):
        assert estimate(name, [reward] * 8, [reward] * 4) == [[0.0] * 8, [0.0] * 4]


@pytest.mark.parametrize("name", sorted({*ESTIMATORS} - {"vpr", "gagpo"}))
def test_estimators_with_equal_episodes_differ_by_turn_for_gigpo_only(name: str) -> None:
    # Both win, the second by a detour s → a → s: in state s returns 0.5, 0.125, 0.5, in a 1, 0.25, 1.
    group = [Score(1.0, (0.0, 1.0), ("s", "a")), Score(1.0, (0.0, 0.0, 0.0, 1.0), ("s", "a", "s", "a"))]
    ((quick, slow),) = estimator(name)([group], AlgoConfig(gamma=0.5))
    # mean 3/8 and 3/4: deviations 1, -2, 1 times 1/8 and 1/4, whose std is sqrt(2) times that
    half = 0.5**0.5 if name == "gigpo" else 0.0
    assert quick.tolist() == pytest.approx([half, half])
    assert slow.tolist() == pytest.approx([-2 * half, -2 * half, half, half])


@pytest.mark.parametrize("name", ESTIMATORS)
@given(st.lists(st.sampled_from([0.0, 0.05, 0.1, 1.0, 1.1]), min_size=2, max_size=16))
def test_estimators_sum_to_zero_and_keep_the_order_of_rewards(name: str, rewards: list[float]) -> None:
    (advantages,) = (np.array(group) for group in estimate(name, rewards))
    assert abs(advantages.sum()) < 1e-9
    order = np.argsort(rewards, kind="stable")
    assert (np.diff(advantages[order]) >= -1e-12).all()
    if len(set(rewards)) > 1:
        assert advantages[np.argmax(rewards)] > 0 > advantages[np.argmin(rewards)]
        if name == "grpo":
            assert advantages.std() == pytest.approx(1.0)


def test_algo_config_with_unknown_estimator_lists_the_known_ones() -> None:
    known = "grpo, dr_grpo, rloo, reinforce_pp, gigpo, vpr, gdpo, max_rl, gagpo, spiral"
    with pytest.raises(ValueError, match=f"advantage must be one of {known} or an import path module:name, got 'gae'"):
        AlgoConfig(advantage="gae")
