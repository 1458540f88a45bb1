"""Starts of a server's task API: no start is in two splits, and a seed always selects the same one."""

from typing import Any

import pytest

from envs.openenv.starts import checked, held_out, selected
from envs.task.splits import TEST_FIRST, VALIDATION_FIRST


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            {"train": ("a", 100), "validation": ("b", 7), "test": ("c", 9)},
            {"train": ["a", 0, 100], "validation": ["b", 0, 7], "test": ["c", 0, 9]},
        ),
        # 100 // 5 = 20 for the test, then 80 // 10 = 8 for the validation
        ({"train": ("a", 100)}, {"train": ["a", 0, 72], "validation": ["a", 72, 80], "test": ["a", 80, 100]}),
        (
            {"train": ("a", 50), "test": ("c", 9)},
            {"train": ["a", 0, 45], "validation": ["a", 45, 50], "test": ["c", 0, 9]},
        ),
        ({"validation": ("all", 10)}, {"train": ["all", 0, 7], "validation": ["all", 7, 8], "test": ["all", 8, 10]}),
        ({"train": ("a", 3)}, {"train": ["a", 0, 1], "validation": ["a", 1, 2], "test": ["a", 2, 3]}),
        ({"train": ("a", 2)}, {}),
        ({}, {}),
    ],
)
def test_missing_splits_are_cut_from_the_training_split(counts: Any, expected: Any) -> None:
    assert held_out(counts) == expected


def test_a_seed_selects_a_start_of_its_split() -> None:
    starts = checked({"train": ["a", 0, 7], "validation": ["a", 7, 8], "test": ["b", 2, 5]})
    assert selected(starts, 9) == {"split": "a", "index": 2}
    assert selected(starts, VALIDATION_FIRST + 3) == {"split": "a", "index": 7}
    assert [selected(starts, TEST_FIRST + k)["index"] for k in range(4)] == [2, 3, 4, 2]
    assert selected({}, 9) == {"seed": 9}


@pytest.mark.parametrize("given", [{"train": ["a", 0, 3]}, {"train": 3, "validation": 3, "test": 3}, 3])
def test_a_wrong_argument_is_one_line(given: Any) -> None:
    with pytest.raises(ValueError, match=r"starts must be \{train"):
        checked(given)
