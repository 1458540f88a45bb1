"""Splits of seeds and of items, and draws until an item belongs to a split."""

from collections import Counter
from itertools import count

import pytest

from agents.episodes.starts import held_out_starts
from envs.task.splits import DRAWS, TEST_FIRST, VALIDATION_FIRST, Split, draw_of_split, split_of_item, split_of_seed


def test_splits_of_seeds_begin_at_their_first_seed() -> None:
    assert [split_of_seed(seed) for seed in (0, VALIDATION_FIRST - 1)] == ["train", "train"]
    assert [split_of_seed(seed) for seed in (VALIDATION_FIRST, TEST_FIRST - 1)] == ["validation", "validation"]
    assert [split_of_seed(seed) for seed in (TEST_FIRST, 2**31, 2**63)] == ["test", "test", "test"]


def test_splits_of_seeds_agree_with_the_held_out_starts() -> None:
    assert {split_of_seed(start.seed) for start in held_out_starts(TEST_FIRST, 100)} == {"test"}
    assert {split_of_seed(start.seed) for start in held_out_starts(VALIDATION_FIRST, 100)} == {"validation"}


def test_splits_of_items_have_their_shares() -> None:
    shares = Counter(split_of_item(str(number)) for number in range(20_000))
    assert shares["train"] / 20_000 == pytest.approx(180 / 256, abs=0.01)  # bytes 0 to 179 of 256
    assert shares["validation"] / 20_000 == pytest.approx(25 / 256, abs=0.01)
    assert shares["test"] / 20_000 == pytest.approx(51 / 256, abs=0.01)


def test_the_split_of_an_item_stays_the_same() -> None:
    """Frozen: a changed split would put items of training into the test split."""
    assert [split_of_item(text) for text in ("3+5=", "8+44=", "x-6=0,x=", "")] == FROZEN
    assert split_of_item("é") == split_of_item("é".encode())


FROZEN = ["train", "train", "train", "test"]


def test_the_first_item_of_the_split_is_drawn() -> None:
    of_split = [number for number in range(100) if split_of_item(str(number)) == "validation"]
    numbers = count()
    drawn = [draw_of_split(lambda: next(numbers), str, "validation", "") for _ in of_split]
    assert drawn == of_split


def test_a_narrow_setting_is_a_one_line_error() -> None:
    draws = count()
    missing: Split = "test" if split_of_item("0+0=") == "train" else "train"
    problem = f"digits=1: {DRAWS} draws gave no {missing} item; change these settings"
    with pytest.raises(ValueError, match=problem) as caught:
        draw_of_split(lambda: next(draws), lambda _: "0+0=", missing, "digits=1")
    assert next(draws) == DRAWS and "\n" not in str(caught.value)
