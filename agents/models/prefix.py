"""Layouts that compute a prompt shared by several replies once, and skip tokens after the last reply.

All replies of a group share the same first prompt. Sequences with equal prompts and equal images become one prompt and
several *suffixes*. A suffix contains the tokens after the prompt, which attend to the prompt and to their own suffix.
T tokens of all sequences, K of them computed; P tokens of a prompt, R of a suffix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from agents.chat.types import TokenSequence

LIKE = 3 / 4
"""Minimum length of suffixes and of their keys, as a fraction of the longest, for padding together."""


@dataclass(frozen=True)
class Suffixes:
    """n suffixes that share a call, with at most R tokens and L keys each."""

    queries: Tensor
    """[n, R] rows of the computed tokens. The last one is repeated as padding."""
    keys: Tensor
    """[n, L] rows of the prompt and the suffix."""
    mask: Tensor
    """[n, 1, R, L], added to the scores: 0 for visible keys, -inf for others."""
    real: Tensor
    """Indices of the unpadded tokens among the n x R."""


@dataclass(frozen=True)
class Shared:
    """Layout in which common prompts appear once."""

    kept: NDArray[np.int64]
    """[K] tokens that are computed: sequences and prompts, end to end, then suffixes."""
    row: NDArray[np.int64]
    """[T] row of each token among the computed tokens. Arbitrary for tokens that are not needed."""
    bounds: tuple[int, ...]
    """Start of each sequence and prompt among the computed tokens, and the start of the suffixes."""
    buckets: tuple[NDArray[np.int64], ...]
    """[3, n] sequence starts, prompt lengths and numbers of needed tokens of n suffixes that share a call, in order."""

    @cached_property
    def suffixes(self) -> tuple[Suffixes, ...]:
        """Calls of the suffixes. They have dense masks, which the variable-length kernel does not need."""
        return tuple(_suffixes(places, self.row) for places in self.buckets)


@dataclass(frozen=True)
class Ragged:
    """The layout as one call of a variable-length kernel: sequences, then suffixes, each with separate keys.

    A causal mask aligned at the end, as in flash attention, lets the tokens of a suffix attend to its whole prompt.
    """

    keys: Tensor
    """[S] rows of the computed tokens, in the order in which their keys and values are laid end to end."""
    query_bounds: Tensor
    """[n + 1] int32, start of the queries of each sequence or suffix, and the end."""
    key_bounds: Tensor
    """[n + 1] int32, start of their keys, and the end."""
    longest: tuple[int, int]
    """Largest number of queries and of keys of one sequence or suffix."""


def ragged(shared: Shared, device: torch.device) -> Ragged | None:
    """Return the layout for a variable-length kernel, or None if no prompt is shared."""
    if not shared.buckets:
        return None
    first = shared.bounds[-1]
    starts, prompts, needed = np.concatenate(shared.buckets, axis=1)
    visible = [shared.row[start : start + length] for start, length in zip(starts, needed, strict=True)]
    rows = np.concatenate([np.arange(first), *visible])
    bounds, longest = [], []
    for lengths in (needed - prompts, needed):
        ends = np.array([*shared.bounds, *(first + np.cumsum(lengths))], dtype=np.int32)
        bounds.append(torch.from_numpy(ends).to(device))
        longest.append(int(np.diff(ends).max()))
    return Ragged(torch.from_numpy(rows).to(device), bounds[0], bounds[1], (longest[0], longest[1]))


def share(sequences: Sequence[TokenSequence]) -> Shared:
    """Return the layout for sequences laid end to end."""
    ends = np.cumsum([len(sequence.tokens) for sequence in sequences])
    starts = (ends - [len(sequence.tokens) for sequence in sequences]).tolist()
    prompts = [int(sequence.loss_mask.argmax()) for sequence in sequences]
    needed = [int(len(b.tokens) - 1 - b.loss_mask[::-1].argmax()) for b in sequences]  # up to the last trained token
    groups: dict[tuple[bytes, tuple[str, ...]], list[int]] = {}
    for i, sequence in enumerate(sequences):
        groups.setdefault((sequence.tokens[: prompts[i]].tobytes(), sequence.image_ids), []).append(i)
    unique, grouped = [], []
    for members in groups.values():
        first = members[0]
        if len(members) == 1:
            unique.append((starts[first], needed[first]))
        else:
            unique.append((starts[first], prompts[first]))
            grouped += members
    unique.sort(key=lambda whole: whole[1])  # equal lengths share attention calls
    kept = [np.arange(start, start + length) for start, length in unique]
    bounds = (0, *np.cumsum([length for _, length in unique]).tolist())
    buckets = _buckets([i for i in grouped if needed[i] > prompts[i]], prompts, needed)
    kept += [np.arange(starts[i] + prompts[i], starts[i] + needed[i]) for bucket in buckets for i in bucket]
    tokens = np.concatenate(kept)
    row = np.zeros(ends[-1], dtype=np.int64)
    row[tokens] = np.arange(len(tokens))
    for members in groups.values():
        of_prompt = row[starts[members[0]] : starts[members[0]] + prompts[members[0]]]
        for i in members[1:]:
            row[starts[i] : starts[i] + prompts[i]] = of_prompt
    places = np.array([starts, prompts, needed])
    return Shared(tokens, row, bounds, tuple(places[:, bucket] for bucket in buckets))


def _buckets(members: list[int], prompts: Sequence[int], needed: Sequence[int]) -> list[list[int]]:
    """Group members by call."""
    buckets: list[list[int]] = []
    for i in sorted(members, key=lambda i: (prompts[i] - needed[i], -needed[i])):
        if buckets:
            first = buckets[-1][0]
            suffix = needed[i] - prompts[i] >= LIKE * (needed[first] - prompts[first])
            if suffix and LIKE * needed[first] <= needed[i] <= needed[first] / LIKE:
                buckets[-1].append(i)
                continue
        buckets.append([i])
    return buckets


def _suffixes(places: NDArray[np.int64], row: NDArray[np.int64]) -> Suffixes:
    """Return the call for n suffixes. `places` [3, n]: sequence starts, prompt lengths and numbers of needed tokens."""
    starts, prompts, needed = places
    offsets, columns = np.arange((needed - prompts).max()), np.arange(needed.max())
    inside = prompts[:, None] + offsets  # [n, R], positions within their sequences
    last = needed[:, None] - 1
    queries = row[starts[:, None] + np.minimum(inside, last)]
    keys = row[starts[:, None] + np.minimum(columns, last)]
    hidden = torch.from_numpy(columns[None, None, :] > inside[:, :, None])
    mask = torch.zeros(hidden.shape).masked_fill_(hidden, float("-inf"))[:, None]
    real = np.flatnonzero(inside <= last)
    return Suffixes(torch.from_numpy(queries), torch.from_numpy(keys), mask, torch.from_numpy(real))


def attend(query: Tensor, key: Tensor, value: Tensor, suffixes: Suffixes, scaling: float | None) -> Tensor:
    """Compute attention of suffixes and return it in token order.

    Args:
        query: [1, H, K, D].
        key: [1, H, K, D].
        value: [1, H, K, D].
        suffixes: suffixes of one call.
        scaling: factor of the scores; None is 1/sqrt(D).

    Returns:
        The output [tokens, H, D].
    """
    heads, width = query.shape[1], query.shape[3]

    def rows(tensor: Tensor, index: Tensor) -> Tensor:
        gathered = tensor[0].transpose(0, 1).index_select(0, index.reshape(-1).to(tensor.device))
        return gathered.view(*index.shape, heads, width).transpose(1, 2)

    output = functional.scaled_dot_product_attention(
        rows(query, suffixes.queries),
        rows(key, suffixes.keys),
        rows(value, suffixes.keys),
        attn_mask=suffixes.mask.to(query.device, query.dtype),
        scale=scaling,
    )
    flat = output.transpose(1, 2).reshape(-1, heads, width)
    return flat if len(suffixes.real) == len(flat) else flat.index_select(0, suffixes.real.to(flat.device))
