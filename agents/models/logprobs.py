"""Log-probs of chosen tokens from hidden states, without materialising all logits at once.

N rows, D hidden size, V vocabulary size. The head is applied to chunks of rows, so that their logits stay small. The
forward pass stores one number per row, and the backward pass recomputes the logits. Small inputs store probabilities
instead, which is faster. Softmax and sums are in float32 (float64 for float64 inputs).
"""

from typing import Any

import torch
from torch import Tensor

CHUNK = 2**24
"""Number of logits per chunk: 64 MB. On a GPU eight times as many, for larger matrices."""
KEEP = 2**21
"""Maximum number of probabilities that are stored for the backward pass instead of recomputed: 8 MB."""


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
                if for_weight is None:  # sum several parts in full precision
                    for_weight = part if len(hidden) == len(slope) else part.to(sums.dtype)
                else:
                    for_weight += part
        return for_hidden, None if for_weight is None else for_weight.to(weight.dtype), None, None, None


def chosen_logprobs(
    hidden: Tensor, weight: Tensor, chosen: Tensor, forbidden: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Return the log-probs [N] of chosen tokens, with gradient, and the entropy [N] of their distributions, without.

    The distribution of row i is softmax(hidden[i] @ weight.T / temperature) over all tokens except `forbidden`.

    Args:
        hidden: hidden states [N, D].
        weight: weight of the head [V, D].
        chosen: token IDs [N].
        forbidden: IDs of tokens with probability 0.
        temperature: sampling temperature, above 0.
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
