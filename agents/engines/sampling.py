"""Sampling of tokens from logits, with what records keep of their distributions.

B: rows of a batch; V: vocabulary size; R: tokens of a reply.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.chat.types import LAST, TOP, Distributions


class Sampled(NamedTuple):
    """One sampled token of each row."""

    tokens: Tensor
    """[B] tokens."""
    logprobs: Tensor
    """[B] their log-probs."""
    normaliser: Tensor
    """[B, 1] logits minus this number are log-probs."""


def sample(logits: Tensor, uniform: NDArray[np.float64] | None) -> Sampled:
    """Sample one token of each row from softmax(logits [B, V]).

    Args:
        logits: logits [B, V].
        uniform: numbers [B] in [0, 1) at which the cumulative distribution is inverted; None is greedy.
    """
    top = logits.amax(dim=-1, keepdim=True)
    weights = (logits - top).double().exp()
    cumulative = weights.cumsum(dim=-1)
    total = cumulative[:, -1:]
    if uniform is None:
        chosen = logits.argmax(dim=-1, keepdim=True)
    else:
        target = torch.from_numpy(uniform).to(logits.device)[:, None] * total
        chosen = torch.searchsorted(cumulative, target, right=True).clamp_(max=logits.shape[-1] - 1)
    logprobs = weights.gather(-1, chosen).log_() - total.log()
    return Sampled(chosen[:, 0], logprobs[:, 0].float(), (total.log() + top).float())


def entropy(logprobs: Tensor) -> Tensor:
    """Return the entropies [B] in nats of distributions with log-probs [B, V]. A forbidden token has -inf."""
    # Bounded because 0 x -inf is NaN. A token at -100 adds nothing to the sum.
    return -(logprobs.exp() * logprobs.clamp(min=-100)).sum(-1)


class DistributionLog:
    """Entropies and most likely tokens of every position of a batch. They stay on the device until they are read."""

    def __init__(self) -> None:
        self._rows: list[NDArray[np.int64]] = []
        self._steps: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, rows: NDArray[np.int64], logprobs: Tensor) -> None:
        """Add the next position of some rows of the batch.

        Args:
            rows: [n] rows.
            logprobs: [n, V] log-probs of all tokens.
        """
        best = logprobs.topk(min(TOP, logprobs.shape[-1]))
        self._rows.append(rows)
        self._steps.append((entropy(logprobs), best.indices, best.values))

    @cached_property
    def _by_row(self) -> list[tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]]:
        rows = np.concatenate(self._rows)
        order = np.argsort(rows, kind="stable")  # positions of a row stay in order
        bounds = np.cumsum(np.bincount(rows))[:-1]
        parts = [torch.cat(part).cpu().numpy()[order] for part in zip(*self._steps, strict=True)]
        return list(zip(*(np.split(part, bounds) for part in parts), strict=True))

    def of_row(self, row: int, length: int) -> Distributions:
        """Return the distributions of the first `length` tokens of a row."""
        entropies, tokens, logprobs = self._by_row[row]
        last = slice(max(0, length - LAST), length)
        return Distributions(entropies[:length].copy(), tokens[last].astype(np.int32), logprobs[last].copy())


def read_flat(
    tokens: Sequence[int], logprobs: Sequence[float], length: int
) -> tuple[NDArray[np.float32], Distributions]:
    """Return the log-probs [R] of a reply and its distributions from vLLM's flat lists.

    Args:
        tokens: at each position, the sampled token and the k most likely ones.
        logprobs: their log-probs.
        length: R.
    """
    numbers = np.array(logprobs, dtype=np.float32).reshape(length, -1)  # (R, 1 + k)
    last = numbers[-LAST:, 1:].copy()
    named = np.array(tokens[-numbers[-LAST:].size :], dtype=np.int32).reshape(len(last), -1)
    return numbers[:, 0].copy(), Distributions(None, named[:, 1:].copy(), last)
