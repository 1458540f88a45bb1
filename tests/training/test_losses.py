"""The clipped loss against a plain loop, against numbers by hand, and in pieces."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.losses import clipped_loss


def by_loop(
    policy: list[float], engine: list[float], advantages: list[float], total: float, low: float, high: float
) -> dict[str, float]:
    """PPO's clipped objective, a token at a time."""
    result = {"loss": 0.0, "clip_fraction": 0.0, "policy_kl": 0.0}
    for p, e, advantage in zip(policy, engine, advantages, strict=True):
        ratio = math.exp(p - e)
        clipped = min(max(ratio, 1 - low), 1 + high)
        gain = min(ratio * advantage, clipped * advantage)
        result["loss"] -= gain / total
        if clipped * advantage < ratio * advantage:
            result["clip_fraction"] += 1 / total
        result["policy_kl"] += (ratio - math.log(ratio) - 1) / total
    return result


def streams(seed: int, n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    engine = -rng.exponential(1.0, n)
    policy = engine + rng.normal(0, 0.4, n)
    return torch.tensor(policy), torch.tensor(engine), torch.tensor(rng.normal(0, 1, n))


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 40), st.floats(0, 0.9), st.floats(0, 3), st.floats(1, 1000))
def test_against_a_plain_loop(seed: int, n: int, low: float, high: float, total: float) -> None:
    policy, engine, advantages = streams(seed, n)
    loss, metrics = clipped_loss(policy, engine, advantages, total, low, high)
    expected = by_loop(policy.tolist(), engine.tolist(), advantages.tolist(), total, low, high)
    assert float(loss) == pytest.approx(expected["loss"], abs=1e-12)
    assert metrics.keys() == {"clip_fraction", "policy_kl"}
    for name, value in metrics.items():
        assert float(value) == pytest.approx(expected[name], abs=1e-6), name


def test_by_hand() -> None:
    ratios = torch.tensor([1.5, 0.5, 0.5, 1.1], dtype=torch.float64)
    policy = ratios.log().requires_grad_()
    advantages = torch.tensor([1.0, -1.0, 1.0, -2.0], dtype=torch.float64)
    loss, metrics = clipped_loss(policy, torch.zeros(4), advantages, total_tokens=4, clip_low=0.2, clip_high=0.28)
    # gains: min(1.5, 1.28) = 1.28, clipped;  min(-0.5, -0.8) = -0.8, clipped;  min(0.5, 0.8) = 0.5;  1.1 x -2 = -2.2
    # loss: -(1.28 - 0.8 + 0.5 - 2.2) / 4 = 1.22 / 4
    assert float(loss.detach()) == pytest.approx(0.305)
    assert float(metrics["clip_fraction"]) == pytest.approx(2 / 4)
    # r - ln r - 1: 1.5 - 0.405465 - 1, twice 0.5 + 0.693147 - 1, 1.1 - 0.0953102 - 1; their sum is 0.4855188
    assert float(metrics["policy_kl"]) == pytest.approx(0.4855188 / 4, abs=1e-6)
    loss.backward()
    assert policy.grad is not None
    # d loss / d log-prob = -A r / 4 where not clipped, 0 where clipped
    assert policy.grad.tolist() == pytest.approx([0.0, 0.0, -0.5 / 4, 2.2 / 4])


def test_on_policy_it_is_the_policy_gradient() -> None:
    _, engine, advantages = streams(1, 30)
    policy = engine.clone().requires_grad_()
    loss, metrics = clipped_loss(policy, engine, advantages, 30, 0.2, 0.28)
    loss.backward()
    assert policy.grad is not None
    torch.testing.assert_close(policy.grad, -advantages / 30)
    assert float(loss.detach()) == pytest.approx(-float(advantages.mean()))
    assert [float(value) for value in metrics.values()] == [0.0, 0.0]


@given(st.integers(0, 1000), st.lists(st.integers(0, 50), max_size=5))
def test_micro_batches_add_up_to_the_whole(seed: int, cuts: list[int]) -> None:
    policy, engine, advantages = streams(seed, 50)
    policy.requires_grad_()
    whole, metrics = clipped_loss(policy, engine, advantages, 50, 0.2, 0.28)
    (gradient,) = torch.autograd.grad(whole, policy)
    bounds = [0, *sorted(cuts), 50]
    pieces = [slice(a, b) for a, b in itertools.pairwise(bounds)]
    parts = [clipped_loss(policy[p], engine[p], advantages[p], 50, 0.2, 0.28) for p in pieces]
    total = torch.stack([loss for loss, _ in parts]).sum()
    assert float(total.detach()) == pytest.approx(float(whole.detach()), abs=1e-12)
    torch.testing.assert_close(torch.autograd.grad(total, policy)[0], gradient)
    for name, value in metrics.items():
        assert float(value) == pytest.approx(sum(float(m[name]) for _, m in parts), abs=1e-6)
