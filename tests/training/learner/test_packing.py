"""Micro-batches: every trajectory once, within bounds, equal work, ranks in step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.learner.packing import MicroBatch, Size, plan

SIZES = st.lists(st.builds(Size, st.integers(1, 400), st.sampled_from([0, 0, 36, 300])), max_size=60)


def work(batch: MicroBatch, sizes: list[Size]) -> int:
    return sum(sizes[i].work for i in batch.items)


@given(SIZES, st.integers(1, 900), st.integers(1, 900), st.integers(1, 5), st.integers(1, 3))
def test_plan_packs_every_trajectory_once_within_bounds(
    sizes: list[Size], max_tokens: int, max_patches: int, ranks: int, lanes: int
) -> None:
    planned = plan(sizes, max_tokens, max_patches, ranks, lanes)
    assert planned == plan(sizes, max_tokens, max_patches, ranks, lanes)
    batches = [batch for rank in planned for batch in rank]
    assert sorted(i for batch in batches for i in batch.items) == list(range(len(sizes)))
    for batch in batches:
        if len(batch.items) > 1:
            assert sum(sizes[i].tokens for i in batch.items) <= max_tokens
            assert sum(sizes[i].patches for i in batch.items) <= max_patches


@given(SIZES, st.integers(50, 900), st.integers(1, 5))
def test_plan_gives_all_ranks_the_same_number_of_passes(sizes: list[Size], max_tokens: int, ranks: int) -> None:
    planned = plan(sizes, max_tokens, 600, ranks)
    assert len(planned) == ranks
    for together in zip(*planned, strict=True):
        shown = [(*batch.items, *(() if batch.filler is None else (batch.filler,))) for batch in together]
        assert all(shown)  # nobody computes nothing
        assert len({any(sizes[i].patches for i in items) for items in shown}) == 1
    if ranks == 1:
        assert all(batch.filler is None for batch in planned[0])


@given(SIZES.filter(len), st.integers(1, 6))
def test_plan_without_tight_bounds_balances_the_work(sizes: list[Size], ranks: int) -> None:
    total, longest = sum(size.work for size in sizes), max(size.work for size in sizes)
    planned = plan(sizes, 10**6, 10**6, ranks)
    assert [len(rank) for rank in planned] == [1] * ranks
    assert max(work(rank[0], sizes) for rank in planned) <= total / ranks + longest


def test_plan_of_a_realistic_step_is_balanced_within_five_percent() -> None:
    rng = np.random.default_rng(0)
    lengths = np.minimum(rng.lognormal(6, 0.7, 512), 4096).astype(int)
    sizes = [Size(int(n), int(rng.choice([0, 256, 1024]))) for n in lengths]
    planned = plan(sizes, 16384, 32768, ranks=8)
    slowest = sum(max(work(batch, sizes) for batch in together) for together in zip(*planned, strict=True))
    ideal = sum(size.work for size in sizes) / 8
    assert slowest <= 1.05 * ideal
    # as few passes as the bounds allow: tokens / 16384 / 8 rounded up, at most one more
    fewest = -(-sum(size.tokens for size in sizes) // (16384 * 8))
    assert fewest <= len(planned[0]) <= fewest + 1


def test_plan_packs_similar_lengths_together() -> None:
    sizes = [Size(n, 0) for n in (5, 90, 6, 92, 5, 91)]
    assert plan(sizes, 300, 1) == [[MicroBatch((0, 4, 2, 1, 5, 3))]]
    assert plan(sizes, 280, 1) == [[MicroBatch((5, 3)), MicroBatch((0, 4, 2, 1))]]  # the most even cut in two
    assert plan(sizes, 280, 1, lanes=2) == plan(sizes, 280, 1)


@pytest.mark.parametrize(("ranks", "lanes", "count"), [(1, 2, 2), (2, 1, 1), (3, 2, 2)])
def test_plan_of_a_small_batch_uses_all_lanes(ranks: int, lanes: int, count: int) -> None:
    planned = plan([Size(10, 4)] * 6, 1000, 1000, ranks, lanes)
    assert [len(rank) for rank in planned] == [count] * ranks
    assert {len(batch.items) for rank in planned for batch in rank} == {6 // (ranks * count)}


def test_plan_marks_fillers() -> None:
    picture, text = Size(10, 9), Size(30, 0)
    # one image: the rank with text alone computes it too
    assert plan([text, picture, text], 40, 99, ranks=2) == [
        [MicroBatch((1, 0))],
        [MicroBatch((2,), filler=1)],
    ]
    # fewer trajectories than ranks
    assert plan([text], 40, 99, ranks=2) == [[MicroBatch((0,))], [MicroBatch((), filler=0)]]
    assert plan([], 40, 99, ranks=2) == [[], []]
