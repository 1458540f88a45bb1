"""Log-probabilities of chosen tokens from hidden states, without the logits of all of them at once.

N rows, D hidden size, V vocabulary. The head is applied to so many rows at a time that their logits stay small; forward
keeps one number a row, and backward computes the logits again. Few enough logits are kept instead: that is quicker.
Softmax and sums are in float32 (float64 where the input is).
"""

from typing import Any

import torch
from torch import Tensor

CHUNK = 2**24
"""Logits at a time: 64 MB; on a GPU, which wants longer matrices, eight times as many."""
KEEP = 2**21
"""So many probabilities are kept for backward instead of computed again: 8 MB."""


class _ChosenLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, chosen: Tensor, forbidden: Tensor, temperature: float
    ) -> tuple[Tensor, Tensor]:
        logprobs, entropy, sums = [], [], []
        small = len(hidden) * len(weight) <= KEEP
        kept = None
        for rows in _chunks(hidden, weight):
            logits = _logits(hidden[rows], weight, forbidden, temperature)
            picked = logits.gather(-1, chosen[rows, None])[:, 0]
            total = logits.logsumexp(-1)
            probs = torch.exp(logits - total[:, None])
            expected = (probs * logits.nan_to_num_(neginf=0.0)).sum(-1)
            logprobs.append(picked - total)
            entropy.append(total - expected)
            sums.append(total)
            kept = probs if small else None
        ctx.save_for_backward(hidden, weight, chosen, forbidden, torch.cat(sums), kept)
        ctx.temperature = temperature
        values, spread = torch.cat(logprobs), torch.cat(entropy)
        ctx.mark_non_differentiable(spread)
        return values, spread

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        hidden, weight, chosen, forbidden, sums, kept = ctx.saved_tensors
        for_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for_weight: Tensor | None = None
        for rows in _chunks(hidden, weight):
            probs = kept
            if probs is None:
                probs = torch.exp(_logits(hidden[rows], weight, forbidden, ctx.temperature) - sums[rows, None])
            scale = gradients[0][rows] / ctx.temperature
            slope = probs * -scale[:, None]
            slope.scatter_add_(-1, chosen[rows, None], scale[:, None].to(slope.dtype))
            slope = slope.to(weight.dtype)
            if for_hidden is not None:
                for_hidden[rows] = (slope @ weight).to(hidden.dtype)
            if ctx.needs_input_grad[1]:
                part = slope.T @ hidden[rows].to(weight.dtype)
                if for_weight is None:  # several parts are summed in full precision
                    for_weight = part if len(hidden) == len(slope) else part.to(sums.dtype)
                else:
                    for_weight += part
        return for_hidden, None if for_weight is None else for_weight.to(weight.dtype), None, None, None


def chosen_logprobs(
    hidden: Tensor, weight: Tensor, chosen: Tensor, forbidden: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Log-probs [N] of tokens `chosen` [N], with gradient, and the entropy [N] of what they came from, without.

    The distribution of row i is softmax(hidden[i] @ weight.T / temperature), `hidden` [N, D] and `weight` [V, D], over
    all tokens but those of `forbidden`.
    """
    kind = hidden.device.type
    if torch.is_autocast_enabled(kind):
        hidden, weight = (tensor.to(torch.get_autocast_dtype(kind)) for tensor in (hidden, weight))
    with torch.autocast(kind, enabled=False):
        result: tuple[Tensor, Tensor] = _ChosenLogprobs.apply(  # type: ignore[no-untyped-call]
            hidden, weight, chosen, forbidden, temperature
        )
    return result


def _chunks(hidden: Tensor, weight: Tensor) -> list[slice]:
    rows = len(hidden)
    size = max(1, CHUNK * (8 if hidden.is_cuda else 1) // len(weight))
    return [slice(start, min(rows, start + size)) for start in range(0, max(rows, 1), size)]


def _logits(hidden: Tensor, weight: Tensor, forbidden: Tensor, temperature: float) -> Tensor:
    logits = hidden.to(weight.dtype) @ weight.T
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    logits.div_(temperature).index_fill_(-1, forbidden, float("-inf"))
    return logits
