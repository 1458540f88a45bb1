"""The losses against plain loops, against numbers by hand, and in pieces."""

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.algorithm.losses import Streams, correction, k3, policy_loss, total_loss
from training.config.algo import LOSSES, AlgoConfig

CONFIG = AlgoConfig()


def streams(policy: torch.Tensor, advantages: torch.Tensor, sequence: list[int] | None = None) -> Streams:
    """Streams whose old and engine log-probs are 0, so that the ratio is exp(policy)."""
    n = len(policy)
    zeros = torch.zeros(n, dtype=policy.dtype)
    index = torch.tensor(sequence or [0] * n)
    return Streams(policy, zeros, zeros, advantages, index, n, len(set(index.tolist())), torch.ones_like(zeros))


def drawn(seed: int, n: int) -> Streams:
    rng = np.random.default_rng(seed)
    engine = -rng.exponential(1.0, n)
    old = engine + rng.normal(0, 0.1, n)
    policy = torch.tensor(old + rng.normal(0, 0.4, n), requires_grad=True)
    return Streams(
        policy,
        torch.tensor(engine),
        torch.tensor(old),
        torch.tensor(rng.normal(0, 1, n)),
        torch.tensor(np.sort(rng.integers(0, 5, n))),
        float(n),
        5.0,
        torch.tensor(rng.uniform(0, 2, n)),
        torch.tensor(old - 0.1),
    )


def ratios(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).log().requires_grad_()


def signs(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 40), st.floats(0, 0.9), st.floats(0, 3))
def test_dapo_equals_a_plain_loop(seed: int, n: int, low: float, high: float) -> None:
    s = drawn(seed, n)
    loss, limited = policy_loss("dapo")(s, AlgoConfig(clip_low=low, clip_high=high), torch.ones(n))
    expected, clips = 0.0, []
    for p, old, advantage in zip(
        s.policy_logprobs.tolist(), s.old_logprobs.tolist(), s.advantages.tolist(), strict=True
    ):
        ratio = math.exp(p - old)
        clipped = min(max(ratio, 1 - low), 1 + high)
        expected -= min(ratio * advantage, clipped * advantage) / n
        clips.append(clipped * advantage < ratio * advantage)
    assert float(loss.detach()) == pytest.approx(expected, abs=1e-12)
    assert limited.tolist() == clips


def test_dapo_matches_hand_computation() -> None:
    policy = ratios(1.5, 0.5, 0.5, 1.1)
    loss, metrics = total_loss(streams(policy, signs(1, -1, 1, -2)), CONFIG)
    # gains: min(1.5, 1.28) = 1.28, clipped;  min(-0.5, -0.8) = -0.8, clipped;  min(0.5, 0.8) = 0.5;  1.1 x -2 = -2.2
    # loss: -(1.28 - 0.8 + 0.5 - 2.2) / 4 = 1.22 / 4
    assert float(loss.detach()) == pytest.approx(0.305)
    assert float(metrics["clip_fraction"]) == pytest.approx(2 / 4)
    # r - ln r - 1: 1.5 - 0.405465 - 1, twice 0.5 + 0.693147 - 1, 1.1 - 0.0953102 - 1; their sum is 0.4855188
    assert float(metrics["policy_kl"]) == pytest.approx(0.4855188 / 4, abs=1e-6)
    assert float(metrics["entropy"]) == 1.0
    loss.backward()
    assert policy.grad is not None
    # d loss / d log-prob = -A r / 4 where not clipped, 0 where clipped
    assert policy.grad.tolist() == pytest.approx([0.0, 0.0, -0.5 / 4, 2.2 / 4])


def test_gspo_matches_hand_computation() -> None:
    policy = ratios(4.0, 1.0, 1.1, 1.1)
    config = AlgoConfig(loss="gspo", clip_low=0.2, clip_high=0.28)
    loss, metrics = total_loss(streams(policy, signs(1, 1, -2, -2), [0, 0, 1, 1]), config)
    # sequence 0: s = sqrt(4 x 1) = 2, clipped to 1.28, gain 1.28; sequence 1: s = 1.1, gain -2.2; mean over sequences
    assert float(loss.detach()) == pytest.approx(-(1.28 - 2.2) / 2)
    assert float(metrics["clip_fraction"]) == pytest.approx(2 / 4)
    loss.backward()
    assert policy.grad is not None
    # d s_1 / d log policy_t = s_1 / 2 tokens, so -(-2 x 1.1 / 2) / 2 sequences each
    assert policy.grad.tolist() == pytest.approx([0, 0, 0.55, 0.55])


def test_cispo_matches_hand_computation() -> None:
    policy = ratios(1.5, 0.5)
    loss, metrics = total_loss(streams(policy, signs(1, -1)), AlgoConfig(loss="cispo"))
    # -(1.28 x 1 x ln 1.5 + 0.5 x -1 x ln 0.5) / 2
    assert float(loss.detach()) == pytest.approx(-(1.28 * math.log(1.5) - 0.5 * math.log(0.5)) / 2)
    assert float(metrics["clip_fraction"]) == 0.5
    loss.backward()
    assert policy.grad is not None
    assert policy.grad.tolist() == pytest.approx([-1.28 / 2, 0.5 / 2])  # clipped tokens keep their gradient


@pytest.mark.parametrize(
    ("kind", "limit", "masked"),
    # p - q: 0.3, -0.3, 0.3, -0.05; only the first two move in the direction of their advantage
    # binary KL: 0.5 ln(0.5/0.8) + 0.5 ln(0.5/0.2) = 0.22314; 0.8 ln(0.8/0.5) + 0.2 ln(0.2/0.5) = 0.19275
    [("tv", 0.2, [1, 1, 0, 0]), ("tv", 0.31, [0, 0, 0, 0]), ("kl", 0.2, [1, 0, 0, 0]), ("kl", 0.19, [1, 1, 0, 0])],
)
def test_dppo_matches_hand_computation(kind: Any, limit: float, masked: list[int]) -> None:
    policy, old = ratios(0.8, 0.5, 0.8, 0.01), ratios(0.5, 0.8, 0.5, 0.06).detach()
    advantages = signs(1, -1, -1, 2)
    s = replace(streams(policy, advantages), old_logprobs=old, engine_logprobs=old)
    loss, metrics = total_loss(s, AlgoConfig(loss="dppo", divergence=kind, max_divergence=limit))
    assert float(metrics["clip_fraction"]) == sum(masked) / 4
    gains = [1.6 * math.log(0.8), -0.625 * math.log(0.5), -1.6 * math.log(0.8), 2 / 6 * math.log(0.01)]
    assert float(loss.detach()) == pytest.approx(-sum(g for g, m in zip(gains, masked, strict=True) if not m) / 4)
    loss.backward()
    assert policy.grad is not None
    # d loss / d log-prob = -A r / 4 where not masked
    expected = [0 if m else g / 4 for g, m in zip([-1.6, 0.625, 1.6, -2 / 6], masked, strict=True)]
    assert policy.grad.tolist() == pytest.approx(expected)


def test_dppo_truncates_ratios() -> None:
    policy, old = ratios(0.9, 0.9), ratios(0.01, 0.3).detach()  # ratios 90 and 3
    s = replace(streams(policy, signs(-1, -1)), old_logprobs=old)
    for cap, expected in ((20.0, [10, 1.5]), (2.0, [1, 1])):
        loss, _ = policy_loss("dppo")(s, AlgoConfig(ratio_cap=cap), torch.ones(2))
        (gradient,) = torch.autograd.grad(loss, policy)
        assert gradient.tolist() == pytest.approx(expected)


def test_dppo_with_a_certain_token_is_finite() -> None:
    policy = torch.zeros(2, requires_grad=True)
    s = replace(streams(policy, torch.ones(2)), old_logprobs=torch.tensor([0.0, -1.0]))
    loss, limited = policy_loss("dppo")(s, AlgoConfig(divergence="kl", max_divergence=1.0), torch.ones(2))
    assert math.isfinite(float(loss.detach())) and limited.tolist() == [False, True]


def test_sequence_corrections_match_hand_computation() -> None:
    # products 0.9, 4, 9, 0.4 of the sequences; geometric means 0.9655 (of 3 tokens), 2, 3, 0.4
    weights = torch.tensor([1.0, 1.5, 0.6, 1.0, 4.0, 3.0, 3.0, 0.4])
    index = [0, 0, 0, 1, 1, 2, 2, 3]
    s = replace(streams(torch.zeros(8), torch.ones(8), index), engine_logprobs=-weights.log())
    expected = [1.0, 1.5, 0.6, 1.0, 4.0, 0.0, 0.0, 0.0]
    assert correction(s, AlgoConfig(correction="sequence_mask")).tolist() == pytest.approx(expected)
    expected = [1.0, 1.5, 0.6, 1.0, 4.0, 3.0, 3.0, 0.0]
    assert correction(s, AlgoConfig(correction="geometric_mask")).tolist() == pytest.approx(expected)
    tight = AlgoConfig(correction="geometric_mask", icepop_low=0.9, icepop_high=1.1)
    assert correction(s, tight).tolist() == pytest.approx([1.0, 1.5, 0.6, 0.0, 0.0, 0.0, 0.0, 0.0])
    _, metrics = total_loss(s, tight)
    assert float(metrics["masked_fraction"]) == 5 / 8


def test_corrections_match_hand_computation() -> None:
    weights = torch.tensor([0.4, 0.9, 3.0, 6.0])
    s = replace(streams(torch.zeros(4), torch.ones(4)), engine_logprobs=-weights.log())  # old is 0: w = 1 / engine
    assert correction(s, AlgoConfig(correction="none")).tolist() == [1, 1, 1, 1]
    assert correction(s, AlgoConfig(correction="tis")).tolist() == pytest.approx([0.4, 0.9, 2.0, 2.0])
    icepop = correction(s, AlgoConfig(correction="icepop"))
    assert icepop.tolist() == pytest.approx([0.0, 0.9, 3.0, 0.0])
    _, metrics = total_loss(s, AlgoConfig(correction="icepop"))
    assert float(metrics["masked_fraction"]) == 0.5
    assert float(metrics["correction"]) == pytest.approx(3.9 / 4)


def test_k3_matches_hand_computation_alone_and_in_the_loss() -> None:
    policy = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    reference = torch.tensor([math.log(2.0), 0.0], dtype=torch.float64)
    # e^d - d - 1 with d = ln 2: 2 - 0.693147 - 1 = 0.306853; with d = 0: 0
    assert k3(policy, reference).tolist() == pytest.approx([1 - math.log(2), 0.0])
    s = replace(streams(policy, torch.zeros(2, dtype=torch.float64)), reference_logprobs=reference)
    loss, metrics = total_loss(s, AlgoConfig(kl_coef=0.5))
    assert float(loss.detach()) == pytest.approx(0.5 * (1 - math.log(2)) / 2)
    assert float(metrics["reference_kl"]) == pytest.approx((1 - math.log(2)) / 2)
    loss.backward()
    assert policy.grad is not None
    assert policy.grad.tolist() == pytest.approx([0.5 * (1 - 2) / 2, 0.0])  # d k3 / d policy = 1 - e^d


def test_unbiased_kl_has_the_gradient_of_the_kl() -> None:
    logits = torch.tensor([0.3, -0.5, 1.2], dtype=torch.float64, requires_grad=True)
    policy = torch.log_softmax(logits, -1)
    engine, reference = (torch.tensor(p, dtype=torch.float64).log() for p in ([0.2, 0.5, 0.3], [0.6, 0.3, 0.1]))
    kl = (policy.exp() * (policy - reference)).sum()
    (expected,) = torch.autograd.grad(kl, logits, retain_graph=True)
    mean, value = torch.zeros(3, dtype=torch.float64), 0.0  # in expectation over the token that the engine samples
    for token, probability in enumerate(engine.exp().tolist()):
        s = streams(policy[token : token + 1], torch.zeros(1, dtype=torch.float64))
        s = replace(s, engine_logprobs=engine[token][None], reference_logprobs=reference[token][None])
        loss, metrics = total_loss(s, AlgoConfig(kl_coef=0.5, kl="unbiased"))
        (gradient,) = torch.autograd.grad(loss, logits, retain_graph=True)
        mean += probability * gradient
        value += probability * float(metrics["reference_kl"])
    torch.testing.assert_close(mean, 0.5 * expected)
    assert value == pytest.approx(float(kl.detach()))


def test_entropy_term_has_the_gradient_of_the_entropy() -> None:
    logits = torch.tensor([0.3, -0.5, 1.2], dtype=torch.float64, requires_grad=True)
    logprobs = torch.log_softmax(logits, -1)
    entropy = -(logprobs.exp() * logprobs).sum()
    (expected,) = torch.autograd.grad(entropy, logits, retain_graph=True)
    mean = torch.zeros(3, dtype=torch.float64)  # in expectation over the three tokens that could have been sampled
    for token, probability in enumerate(logprobs.exp().tolist()):
        s = replace(streams(logprobs[token : token + 1], torch.zeros(1, dtype=torch.float64)))
        s = replace(s, entropy=entropy.detach()[None])
        loss, _ = total_loss(s, AlgoConfig(entropy_coef=0.1))
        (gradient,) = torch.autograd.grad(loss, logits, retain_graph=True)
        mean += probability * gradient
    torch.testing.assert_close(mean, -0.1 * expected)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "cross_entropy"])
def test_losses_on_policy_have_the_policy_gradient(name: str) -> None:
    policy = torch.zeros(30, dtype=torch.float64, requires_grad=True)
    advantages = torch.linspace(-1, 2, 30, dtype=torch.float64)
    loss, metrics = total_loss(streams(policy, advantages), AlgoConfig(loss=name))
    loss.backward()
    assert policy.grad is not None
    torch.testing.assert_close(policy.grad, -advantages / 30)
    assert (float(metrics["clip_fraction"]), float(metrics["policy_kl"])) == (0.0, 0.0)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("corrected", ["none", "tis", "icepop", "sequence_mask", "geometric_mask"])
@settings(max_examples=20)
@given(st.integers(0, 1000), st.lists(st.integers(0, 50), max_size=5))
def test_losses_of_micro_batches_add_up_to_the_whole(name: str, corrected: Any, seed: int, cuts: list[int]) -> None:
    config = AlgoConfig(loss=name, correction=corrected, kl_coef=0.1, kl="unbiased", entropy_coef=0.01)
    s = drawn(seed, 50)
    whole, metrics = total_loss(s, config)
    (gradient,) = torch.autograd.grad(whole, s.policy_logprobs)
    starts = [0, *np.flatnonzero(np.diff(s.sequence.numpy())) + 1, 50]  # sequences are never cut
    bounds = sorted({0, 50, *(starts[cut % len(starts)] for cut in cuts)})
    losses, sums = [], dict.fromkeys(metrics, 0.0)
    for a, b in itertools.pairwise(bounds):
        cut: dict[str, Any] = {key: value[a:b] for key, value in vars(s).items() if isinstance(value, torch.Tensor)}
        cut["sequence"] = cut["sequence"] - cut["sequence"].min()
        loss, part = total_loss(replace(s, **cut), config)
        losses.append(loss)
        sums = {key: value + float(part[key]) for key, value in sums.items()}
    total = torch.stack(losses).sum()
    assert float(total.detach()) == pytest.approx(float(whole.detach()), abs=1e-12)
    torch.testing.assert_close(torch.autograd.grad(total, s.policy_logprobs)[0], gradient)
    for key, value in metrics.items():
        assert float(value) == pytest.approx(sums[key], abs=1e-6)


def test_algo_config_with_unknown_loss_lists_the_known_ones() -> None:
    known = "dapo, gspo, cispo, dppo, cross_entropy"
    with pytest.raises(ValueError, match=f"loss must be one of {known} or an import path module:name, got 'ppo'"):
        AlgoConfig(loss="ppo")


def test_cross_entropy_equals_torch_and_reports_it() -> None:
    logits = torch.tensor(np.random.default_rng(3).normal(size=(6, 5)), requires_grad=True)
    tokens = torch.tensor([0, 4, 2, 2, 1, 3])
    policy = logits.log_softmax(-1)[torch.arange(6), tokens]
    loss, metrics = total_loss(streams(policy, torch.ones(6)), replace(CONFIG, loss="cross_entropy"))
    expected = torch.nn.functional.cross_entropy(logits, tokens)
    assert loss.item() == pytest.approx(expected.item())
    assert metrics["nll"].item() == pytest.approx(expected.item())
    assert set(metrics) == {"nll", "entropy"}
    (own,) = torch.autograd.grad(loss, logits, retain_graph=True)
    assert torch.allclose(own, torch.autograd.grad(expected, logits)[0])
