"""Sampling, and what records keep of the distributions."""

import math

import numpy as np
import pytest
import torch

from agents.chat.types import LAST, TOP
from agents.engines.sampling import DistributionLog, entropy, read_flat, sample


def test_sample_inverts_the_cumulative_distribution() -> None:
    logits = torch.tensor([[0.2, 0.0, 0.5, 0.3]]).log().repeat(5, 1) + 3.0
    uniform = np.array([0.0, 0.1999, 0.2001, 0.6999, 0.9999])
    sampled = sample(logits, uniform)
    assert sampled.tokens.tolist() == [0, 0, 2, 2, 3]  # steps at 0.2, 0.2, 0.7, 1.0: token 1 never
    np.testing.assert_allclose(sampled.logprobs.exp().numpy(), [0.2, 0.2, 0.5, 0.5, 0.3], atol=1e-6)
    assert sample(logits, None).tokens.tolist() == [2] * 5


def test_entropies_ignore_forbidden_tokens() -> None:
    logprobs = torch.tensor([[0.25, 0.25, 0, 0.25, 0.25], [1.0, 0, 0, 0, 0]]).log()
    assert entropy(logprobs).tolist() == pytest.approx([math.log(4), 0.0], abs=1e-6)
    uneven = torch.tensor([[0.9, 0.1]]).log()
    expected = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    assert entropy(uneven).item() == pytest.approx(expected, abs=1e-6)


def test_the_log_gives_each_row_its_own_positions() -> None:
    """Row 0 ends after the first position; row 1 has two. The most likely tokens come first."""
    first = torch.tensor([[0.6, 0.4, 0.0], [0.1, 0.2, 0.7]]).log()
    second = torch.tensor([[0.25, 0.5, 0.25]]).log()
    log = DistributionLog()
    log.add(np.array([0, 1]), first)
    log.add(np.array([1]), second)
    short, long = log.of_row(0, 1), log.of_row(1, 2)
    assert short.top_tokens[:, :2].tolist() == [[0, 1]]
    assert long.top_tokens[:, 0].tolist() == [2, 1]
    np.testing.assert_allclose(np.exp(long.top_logprobs[:, 0]), [0.7, 0.5], atol=1e-6)
    assert long.entropies is not None
    np.testing.assert_allclose(long.entropies[1], 1.5 * math.log(2), atol=1e-6)  # 1/2 ln 2 + 2 (1/4) (2 ln 2)


def test_only_the_last_alternatives_of_a_long_reply_are_kept() -> None:
    log = DistributionLog()
    for position in range(LAST + 10):
        logits = torch.full((1, 100), -1.0)
        logits[0, position] = 1.0
        log.add(np.array([0]), logits.log_softmax(-1))
    found = log.of_row(0, LAST + 5)
    assert found.entropies is not None and len(found.entropies) == LAST + 5
    assert found.top_tokens.shape == (LAST, TOP)
    assert found.top_tokens[:, 0].tolist() == list(range(5, LAST + 5))


def test_vllms_flat_lists() -> None:
    """Two positions with k = 2: the sampled token first, then the most likely ones."""
    logprobs, found = read_flat([7, 7, 3, 4, 9, 4], [-0.1, -0.1, -2.5, -1.0, -0.5, -1.0], 2)
    np.testing.assert_allclose(logprobs, [-0.1, -1.0])
    assert found.entropies is None
    assert found.top_tokens.tolist() == [[7, 3], [9, 4]]
    np.testing.assert_allclose(found.top_logprobs, [[-0.1, -2.5], [-0.5, -1.0]])
