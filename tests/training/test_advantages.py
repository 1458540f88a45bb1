"""Group-relative advantages, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.advantages import ESTIMATORS, dr_grpo, grpo
from training.algo import AlgoConfig


def test_grpo_by_hand() -> None:
    # mean 0.25, deviations 0.75 and three of -0.25; variance (0.5625 + 3 x 0.0625) / 4 = 0.1875, std 0.4330127
    expected = [1.7320508, -0.5773503, -0.5773503, -0.5773503]
    np.testing.assert_allclose(grpo(np.array([1.0, 0.0, 0.0, 0.0])), expected, atol=1e-6)


def test_dr_grpo_by_hand() -> None:
    np.testing.assert_allclose(dr_grpo(np.array([1.1, 0.1, 0.0, 0.0])), [0.8, -0.2, -0.3, -0.3], atol=1e-12)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_equal_rewards_teach_nothing(name: str) -> None:
    for reward in (0.0, 1.1, 0.1 + 0.2):
        assert ESTIMATORS[name](np.full(8, reward)).tolist() == [0.0] * 8


@pytest.mark.parametrize("name", ESTIMATORS)
@given(st.lists(st.sampled_from([0.0, 0.05, 0.1, 1.0, 1.1]), min_size=2, max_size=16))
def test_advantages_sum_to_zero_and_keep_the_order(name: str, rewards: list[float]) -> None:
    advantages = ESTIMATORS[name](np.array(rewards))
    assert abs(advantages.sum()) < 1e-9
    order = np.argsort(rewards, kind="stable")
    assert (np.diff(advantages[order]) >= 0).all()
    if len(set(rewards)) > 1:
        assert advantages[np.argmax(rewards)] > 0 > advantages[np.argmin(rewards)]
        if name == "grpo":
            assert advantages.std() == pytest.approx(1.0)


def test_the_config_knows_every_estimator() -> None:
    for name in ESTIMATORS:
        assert AlgoConfig(advantage=name).advantage == name
    with pytest.raises(ValueError, match="advantage must be grpo or dr_grpo, got 'gae'"):
        AlgoConfig(advantage="gae")
