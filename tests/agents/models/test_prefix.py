"""Prompts that are computed once: which tokens are left out, and the numbers are those of each sequence alone."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from agents.chat.conversation import Conversation
from agents.chat.types import Completion, TokenSequence
from agents.models.load import LoadedModel, wrap
from agents.models.prefix import attend, ragged, share
from agents.models.tiny import build


def sequence(tokens: list[int], prompt: int, image_ids: tuple[str, ...] = ()) -> TokenSequence:
    count = len(tokens)
    mask = np.arange(count) >= prompt
    zeros = np.zeros(count, np.float32)
    return TokenSequence(
        np.array(tokens, np.int32), mask, zeros, zeros.astype(np.int16), zeros.astype(np.int32), (), image_ids
    )


def test_share_lays_prompts_first_and_suffixes_by_length() -> None:
    # Places: 0-4 the first, 5-8 another prompt, 9-14 the first's prompt with another reply.
    shared = share([sequence([1, 2, 3, 10, 11], 3), sequence([1, 2, 4, 10], 3), sequence([1, 2, 3, 12, 13, 14], 3)])
    # Two prompts of three tokens; then the suffixes but for their last tokens, the longest first: 12 13 and 10.
    assert shared.kept.tolist() == [0, 1, 2, 5, 6, 7, 12, 13, 3]
    assert shared.bounds == (0, 3, 6)
    assert shared.row[[0, 1, 2, 9, 10, 11]].tolist() == [0, 1, 2, 0, 1, 2]
    assert shared.row[[5, 6, 7, 12, 13, 3]].tolist() == [3, 4, 5, 6, 7, 8]
    longer, shorter = shared.suffixes
    assert longer.keys.tolist() == [[0, 1, 2, 6, 7]]
    assert longer.mask[0, 0].isfinite().tolist() == [[True] * 4 + [False], [True] * 5]
    assert (shorter.queries.tolist(), shorter.keys.tolist()) == ([[8]], [[0, 1, 2, 8]])


def test_equal_prompts_with_other_images_are_not_shared() -> None:
    shared = share([sequence([1, 2, 10], 2, ("a",)), sequence([1, 2, 11], 2, ("b",))])
    assert (shared.bounds, shared.suffixes) == ((0, 2, 4), ())


def test_replies_of_one_token_need_the_prompt_alone() -> None:
    shared = share([sequence([1, 2, 10], 2), sequence([1, 2, 11], 2)])
    assert (shared.kept.tolist(), shared.suffixes) == ([0, 1], ())
    assert shared.row[[1, 4]].tolist() == [1, 1]


@lru_cache
def loaded(family: str) -> LoadedModel:
    return wrap(*build(3, family))


@pytest.mark.parametrize("family", ["idefics3", "qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize("history", [0, -1])
def test_groups_give_what_each_sequence_gives_alone(family: str, history: int) -> None:
    model, rng = loaded(family), np.random.default_rng(0)
    frames = rng.integers(0, 256, (3, 84, 84, 3), dtype=np.uint8)
    played: list[TokenSequence] = []
    for group in range(4):
        for player in range(5):
            talk = Conversation(model.chat, history)
            for turn in range(2):
                shown = None if group == 3 else frames[group] if turn == 0 else frames[player % 3]
                talk.ask("go " * (player + 1), "play " * (group + 1), shown)
                count = int(rng.integers(1, 12))
                tokens = rng.integers(0, 200, count).astype(np.int32)
                talk.answer(Completion(tokens, np.zeros(count, np.float32), False, np.zeros(count, np.int32)))
            played += talk.sequences()
    order = rng.permutation(len(played))
    played = [played[i] for i in order]
    parameters = list(model.vlm.model.parameters())
    together, entropy = model.vlm(played, 0.7)
    alone = [model.vlm([one], 0.7) for one in played]
    torch.testing.assert_close(together, torch.cat([part[0] for part in alone]), atol=1e-5, rtol=0)
    torch.testing.assert_close(entropy, torch.cat([part[1] for part in alone]), atol=1e-5, rtol=0)
    weight = torch.from_numpy(rng.normal(size=len(together)).astype(np.float32)) / len(together)
    expected = torch.autograd.grad((torch.cat([part[0] for part in alone]) * weight).sum(), parameters)
    for one, other in zip(torch.autograd.grad((together * weight).sum(), parameters), expected, strict=True):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("family", ["idefics3", "qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize("groups", [1, 3])
def test_groups_that_each_show_one_frame(family: str, groups: int) -> None:
    """Prompts of one length keep their order, so the features lie as they are encoded; their grids do not."""
    model, rng = loaded(family), np.random.default_rng(1)
    played: list[TokenSequence] = []
    for _ in range(groups):
        frame = rng.integers(0, 256, (84, 84, 3), dtype=np.uint8)
        for _ in range(2):
            talk = Conversation(model.chat, 0)
            talk.ask("go", "go", frame)
            tokens = rng.integers(0, 200, 6).astype(np.int32)
            talk.answer(Completion(tokens, np.zeros(6, np.float32), False, np.zeros(6, np.int32)))
            played += talk.sequences()
    assert len(share(played).bounds) == groups + 1
    with torch.no_grad():
        together = model.vlm(played, 1.0)
        alone = [model.vlm([one], 1.0) for one in played]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(whole, torch.cat(parts), atol=1e-5, rtol=0)


def test_the_layout_for_a_variable_length_kernel_gives_the_same_attention() -> None:
    rng = np.random.default_rng(0)
    played = []
    for group in range(3):
        prompt = [group, *rng.integers(0, 9, 2 + group).tolist()]
        for _ in range(group + 1):
            played.append(sequence([*prompt, *rng.integers(0, 9, int(rng.integers(1, 9))).tolist()], len(prompt)))
    shared = share(played)
    layout = ragged(shared, torch.device("cpu"))
    assert layout is not None
    heads, width = 2, 8
    query, key, value = torch.randn(3, 1, heads, len(shared.kept), width, generator=torch.Generator().manual_seed(0))
    parts = [
        functional.scaled_dot_product_attention(query[:, :, a:b], key[:, :, a:b], value[:, :, a:b], is_causal=True)
        for a, b in pairwise(shared.bounds)
    ]
    suffixes = [attend(query, key, value, part, None).transpose(0, 1)[None] for part in shared.suffixes]
    seen = [tensor.index_select(2, layout.keys) for tensor in (key, value)]
    results = []
    for (a, b), (c, d) in zip(
        pairwise(layout.query_bounds.tolist()), pairwise(layout.key_bounds.tolist()), strict=True
    ):
        # Aligned at the end, as flash attention does it: the last query sees all keys.
        mask = torch.ones(b - a, d - c, dtype=torch.bool).tril(d - c - (b - a))
        keys, values = (tensor[:, :, c:d] for tensor in seen)
        results.append(functional.scaled_dot_product_attention(query[:, :, a:b], keys, values, attn_mask=mask))
    torch.testing.assert_close(torch.cat(results, 2), torch.cat([*parts, *suffixes], 2))
    assert layout.longest == (int(layout.query_bounds.diff().max()), int(layout.key_bounds.diff().max()))


def test_without_a_shared_prompt_the_kernel_needs_no_other_layout() -> None:
    assert ragged(share([sequence([1, 2, 10], 2), sequence([1, 3, 11], 2)]), torch.device("cpu")) is None
