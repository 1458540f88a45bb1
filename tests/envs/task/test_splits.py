"""Splits by content: seeds and items belong to exactly one split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.episodes.starts import TEST_FIRST, TRAIN_SEEDS, VALIDATION_FIRST, held_out_starts
from envs.task.splits import split_of_item, split_of_seed


@pytest.mark.parametrize(
    ("seed", "split"),
    [(0, "train"), (TRAIN_SEEDS - 1, "train"), (VALIDATION_FIRST, "validation"), (TEST_FIRST - 1, "validation")],
)
def test_split_of_seed_at_the_bounds(seed: int, split: str) -> None:
    assert split_of_seed(seed) == split


def test_split_of_seed_agrees_with_the_held_out_starts() -> None:
    assert {split_of_seed(start.seed) for start in held_out_starts(TEST_FIRST, 100)} == {"test"}
    assert {split_of_seed(start.seed) for start in held_out_starts(VALIDATION_FIRST, 100)} == {"validation"}


@given(st.text())
def test_split_of_item_takes_text_and_its_bytes_alike(content: str) -> None:
    assert split_of_item(content) == split_of_item(content.encode())


def test_split_of_item_gives_about_70_10_and_20_percent() -> None:
    found = [split_of_item(str(number)) for number in range(20_000)]
    assert [round(found.count(split) / 20_000, 2) for split in ("train", "validation", "test")] == pytest.approx(
        [0.7, 0.1, 0.2], abs=0.015
    )
