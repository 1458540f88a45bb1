"""Packed attention is each sequence's own attention, in as few calls as their lengths allow."""

from itertools import accumulate, pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from agents.models.attention import buckets, packed_attention


def bounds(lengths: list[int]) -> tuple[int, ...]:
    return (0, *accumulate(lengths))


def random(total: int, heads: int, seed: int) -> Tensor:
    """[1, H, T, D], as a projection gives it: heads within tokens."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, total, heads, 4, generator=generator, dtype=torch.float64).transpose(1, 2)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("kv_heads", [4, 2])
@pytest.mark.parametrize("lengths", [[5], [7, 7, 7], [3, 9, 1, 8, 9, 2, 40], [4] * 9 + [5] * 8 + [1, 6, 6]])
def test_packed_attention_equals_each_sequence_alone(lengths: list[int], kv_heads: int, causal: bool) -> None:
    query, key, value = (random(sum(lengths), heads, i) for i, heads in enumerate((4, kv_heads, kv_heads)))
    inputs = [tensor.requires_grad_() for tensor in (query, key, value)]
    ends = bounds(lengths)
    got, _ = packed_attention(
        nn.Module(),
        inputs[0],
        inputs[1],
        inputs[2],
        None,
        scaling=0.3,
        is_causal=causal,
        cu_seq_lens_q=torch.tensor(ends),
    )
    parts = []
    for start, end in pairwise(ends):
        q, k, v = (tensor[:, :, start:end] for tensor in inputs)
        k, v = (tensor.repeat_interleave(4 // kv_heads, dim=1) for tensor in (k, v))
        parts.append(functional.scaled_dot_product_attention(q, k, v, scale=0.3, is_causal=causal).transpose(1, 2))
    expected = torch.cat(parts, dim=1)
    torch.testing.assert_close(got, expected)
    slope = torch.randn(got.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    torch.testing.assert_close(torch.autograd.grad(got, inputs, slope), torch.autograd.grad(expected, inputs, slope))


def test_equal_lengths_are_one_call_without_a_copy() -> None:
    for causal in (True, False):
        calls, rows = buckets(bounds([9] * 20), causal)
        assert [(call.count, call.length, call.index) for call in calls] == [(20, 9, None)]
        assert rows is None


def test_like_lengths_share_calls_only_where_order_is_causal() -> None:
    lengths = [30, 31, 32, 29, 16]
    calls, _ = buckets(bounds(lengths), True)
    assert [(call.count, call.length) for call in calls] == [(4, 32), (1, 16)]
    calls, _ = buckets(bounds(lengths), False)
    assert [(call.count, call.length) for call in calls] == [(1, 32), (1, 31), (1, 30), (1, 29), (1, 16)]


def test_many_of_one_length_are_not_padded() -> None:
    calls, _ = buckets(bounds([31] * 8 + [32] * 8), True)
    assert [(call.count, call.length, call.index) for call in calls] == [(8, 32, None), (8, 31, None)]


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.booleans())
def test_buckets_hold_every_token_once_and_little_padding(lengths: list[int], causal: bool) -> None:
    ends = bounds(lengths)
    calls, rows = buckets(ends, causal)
    joined = torch.cat(
        [call.start + torch.arange(call.count * call.length) if call.index is None else call.index for call in calls]
    )
    back = joined if rows is None else joined[rows]
    assert back.tolist() == list(range(ends[-1]))
    assert len(joined) <= ends[-1] * 8 / 7


def test_packed_attention_without_lengths_equals_transformers() -> None:
    query, key, value = (random(6, 2, i) for i in range(3))
    module = nn.Module()
    module.is_causal = True  # type: ignore[assignment]
    got, _ = packed_attention(module, query, key, value, None)
    expected = functional.scaled_dot_product_attention(query, key, value, is_causal=True).transpose(1, 2)
    torch.testing.assert_close(got, expected)
    one = torch.ones(1, 1, 1, 1, dtype=torch.bool)  # "everything": not a mask at all
    torch.testing.assert_close(packed_attention(module, query[:, :, -1:], key, value, one)[0], expected[:, -1:])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="the variable-length kernel is CUDA's")
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_varlen_kernel_equals_calls_by_length(kv_heads: int, causal: bool) -> None:
    lengths = [3, 90, 1, 8, 33]
    shapes = [(1, sum(lengths), heads, 64) for heads in (4, kv_heads, kv_heads)]
    exact = [torch.randn(shape, device="cuda").transpose(1, 2).requires_grad_() for shape in shapes]
    half = [tensor.detach().bfloat16().requires_grad_() for tensor in exact]
    ends = torch.tensor(bounds(lengths), device="cuda")
    ours, theirs = (
        packed_attention(nn.Module(), q, k, v, None, is_causal=causal, cu_seq_lens_q=ends, max_length_q=max(lengths))[0]
        for q, k, v in (half, exact)  # the kernel, and calls by length
    )
    torch.testing.assert_close(ours.float(), theirs, atol=0.03, rtol=0.03)
    gradients = (
        torch.autograd.grad(output.float().square().sum(), inputs) for output, inputs in ((ours, half), (theirs, exact))
    )
    for low, high in zip(*gradients, strict=True):
        torch.testing.assert_close(low.float(), high, atol=0.15, rtol=0.05)
