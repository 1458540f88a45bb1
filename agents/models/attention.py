"""Attention over sequences laid end to end, [1, heads, T, D], without padding and without a T x T mask.

It is registered with transformers as `NAME`. Sequence lengths are passed as `cu_seq_lens_q` [n + 1], the keyword of
flash attention. On a GPU in half precision it is one variable-length kernel. Elsewhere, sequences of equal length share
a call of `scaled_dot_product_attention`. Causal sequences of similar length also share a call, padded on the right,
where no earlier token attends. A call without lengths is transformers' own attention.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from agents.models.prefix import Ragged, Suffixes, attend

try:
    from torch.nn.attention.varlen import varlen_attn

    _VARLEN = set(inspect.signature(varlen_attn).parameters)
except ImportError:  # torch before 2.10
    _VARLEN = set()

NAME = "kickoff_flash"
"""Name that contains "flash": Qwen's vision towers then pass image lengths instead of looping over the images."""

ALONE = 8
"""Number of sequences of exactly one length that get their own call. Fewer are padded with similar lengths."""
LIKE = 7 / 8
"""Minimum length, as a fraction of the longest, for padding together."""


def use(model: PreTrainedModel) -> None:
    """Make a model, including its vision tower, use `packed_attention`."""
    for module in model.modules():
        if isinstance(module, PreTrainedModel):
            module.config._attn_implementation = NAME


def everything(like: Tensor) -> Tensor:
    """Return a mask [1, 1, 1, 1] that masks nothing. Passing it stops transformers from building one."""
    return torch.ones(1, 1, 1, 1, dtype=torch.bool, device=like.device)


def has_kernel(like: Tensor) -> bool:
    """Return True if the variable-length kernel takes tensors of this device and dtype."""
    return like.is_cuda and like.dtype in (torch.bfloat16, torch.float16) and "scale" in _VARLEN


def packed_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    is_causal: bool | None = None,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int | None = None,
    suffixes: Sequence[Suffixes] = (),
    ragged: Ragged | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Compute attention of query [B, H, T, D] to key and value [B, K, T, D].

    Args:
        module: attention module of the model; its `is_causal` is the default.
        query: [B, H, T, D], with B = 1 if lengths are given.
        key: [B, K, T, D].
        value: [B, K, T, D].
        attention_mask: mask for calls without lengths; one element masks nothing.
        scaling: factor of the scores; None is 1/sqrt(D).
        dropout: dropout probability, for calls without lengths.
        is_causal: True if tokens attend only to earlier tokens.
        cu_seq_lens_q: [n + 1] start of each sequence, and the end.
        max_length_q: number of tokens of the longest sequence.
        suffixes: suffixes after the last sequence (see `agents.models.prefix`).
        ragged: the same layout for the variable-length kernel, instead of `suffixes`.
        kwargs: other arguments from transformers.

    Returns:
        The output [B, T, H, D], and None instead of attention weights.
    """
    if cu_seq_lens_q is None:
        mask = None if attention_mask is not None and attention_mask.numel() == 1 else attention_mask
        output, _ = sdpa_attention_forward(
            module, query, key, value, mask, dropout=dropout, scaling=scaling, is_causal=is_causal, **kwargs
        )
        return output, None
    causal = bool(getattr(module, "is_causal", True) if is_causal is None else is_causal)
    if has_kernel(query) and not suffixes:
        assert max_length_q is not None
        if ragged is not None:
            key, value = key.index_select(2, ragged.keys), value.index_select(2, ragged.keys)
            ends = (ragged.query_bounds, ragged.key_bounds)
            return _varlen(query, key, value, ends, ragged.longest, scaling, causal), None
        bounds = cu_seq_lens_q.to(torch.int32)
        return _varlen(query, key, value, (bounds, bounds), (max_length_q, max_length_q), scaling, causal), None
    groups = query.shape[1] // key.shape[1]
    key, value = repeat_kv(key, groups), repeat_kv(value, groups)
    output = _bucketed(query, key, value, tuple(cu_seq_lens_q.tolist()), scaling, causal)
    behind = [attend(query, key, value, part, scaling)[None] for part in suffixes]
    return torch.cat([output, *behind], dim=1) if behind else output, None


def _varlen(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bounds: tuple[Tensor, Tensor],
    longest: tuple[int, int],
    scaling: float | None,
    causal: bool,
) -> Tensor:
    """Call the kernel. `bounds` and `longest` contain the values for queries and for keys."""
    q, k, v = (tensor[0].transpose(0, 1) for tensor in (query, key, value))  # each [T, H, D]
    options: dict[str, Any] = {"scale": scaling, "window_size": (-1, 0) if causal else (-1, -1)}
    if "enable_gqa" in _VARLEN:
        options["enable_gqa"] = q.shape[1] != k.shape[1]
    output: Any = varlen_attn(q, k, v, *bounds, *longest, **options)
    result: Tensor = output.unsqueeze(0)
    return result


@dataclass(frozen=True)
class Bucket:
    """`count` sequences that share a call, with `length` tokens each (the longest if they are padded)."""

    count: int
    length: int
    start: int
    """Position of the first token of the first sequence."""
    index: Tensor | None
    """[count * length] tokens to gather, or None if the tokens are contiguous and need no copy."""


@lru_cache(maxsize=512)
def buckets(bounds: tuple[int, ...], causal: bool) -> tuple[tuple[Bucket, ...], Tensor | None]:
    """Return the calls for sequences between `bounds`, and the row [T] of each token in their joined output.

    The rows are None if the tokens are in order. Unless `causal`, only exactly equal lengths share a call.
    """
    lengths = [end - start for start, end in pairwise(bounds)]
    by_length: dict[int, list[int]] = {}
    for sequence, length in enumerate(lengths):
        if length:
            by_length.setdefault(length, []).append(sequence)
    shared: list[list[int]] = []  # sequences of each call, longest first
    open_to = 0.0  # minimum length to join the last call
    for length in sorted(by_length, reverse=True):
        members = by_length[length]
        if causal and len(members) < ALONE:
            if length < open_to or not open_to:
                shared.append([])
                open_to = LIKE * length
            shared[-1] += members
        else:
            shared.append(members)
            open_to = 0.0
    calls, rows, joined = [], torch.empty(bounds[-1], dtype=torch.long), 0
    for members in shared:
        longest = lengths[members[0]]
        starts = torch.tensor([bounds[sequence] for sequence in members])
        offsets = torch.arange(longest)
        last = torch.tensor([lengths[sequence] - 1 for sequence in members])
        padded = starts[:, None] + torch.minimum(offsets, last[:, None])  # padding repeats the last token
        in_order = bool((padded.reshape(-1) == int(starts[0]) + torch.arange(padded.numel())).all())
        calls.append(Bucket(len(members), longest, int(starts[0]), None if in_order else padded.reshape(-1)))
        real = offsets <= last[:, None]
        rows[padded[real]] = joined + torch.arange(padded.numel())[real.reshape(-1)]
        joined += padded.numel()
    ordered = joined == len(rows) and bool((rows == torch.arange(joined)).all())
    return tuple(calls), None if ordered else rows


def _bucketed(
    query: Tensor, key: Tensor, value: Tensor, bounds: tuple[int, ...], scaling: float | None, causal: bool
) -> Tensor:
    heads, width = query.shape[1], query.shape[3]
    calls, rows = buckets(bounds, causal)
    outputs = []
    for call in calls:
        q, k, v = (_rows(tensor, call) for tensor in (query, key, value))
        output = functional.scaled_dot_product_attention(q, k, v, scale=scaling, is_causal=causal)
        outputs.append(output.transpose(1, 2).reshape(-1, heads, width))  # [n * L, H, D]
    joined = outputs[0] if len(outputs) == 1 else torch.cat(outputs)
    if rows is not None:
        joined = joined.index_select(0, rows.to(joined.device))
    return joined.unsqueeze(0)


def _rows(tensor: Tensor, call: Bucket) -> Tensor:
    """Gather the sequences of a call: [1, H, T, D] → [n, H, L, D]."""
    if call.index is None:
        part = tensor[0, :, call.start : call.start + call.count * call.length]
        heads = part.shape[0]
        return part.view(heads, call.count, call.length, -1).transpose(0, 1)
    gathered = tensor[0].transpose(0, 1).index_select(0, call.index.to(tensor.device))
    return gathered.view(call.count, call.length, *gathered.shape[1:]).transpose(1, 2)


AttentionInterface.register(NAME, packed_attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
