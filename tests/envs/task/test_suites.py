"""Suites and choices of tasks."""

import pytest

from configs.errors import UserError
from envs.task.config import task_names
from envs.task.suites import SUITES, weigh


def test_suites_name_tasks_that_exist_and_are_no_tasks_themselves() -> None:
    for name, suite in SUITES.items():
        assert set(suite) <= set(task_names()), name
        assert name not in task_names()
    assert "env" not in SUITES  # a recipe's word for what env= names


def test_weigh_reads_names_suites_and_weights() -> None:
    assert weigh("football", SUITES) == {"football": 1}
    assert weigh("football, sokoban", SUITES) == {"football": 1, "sokoban": 1}
    assert weigh(["games", "algebra"], SUITES) == {"football": 1, "sokoban": 1, "algebra": 1}
    assert list(weigh({"algebra": 2, "games": 0.5}, SUITES).items()) == [
        ("algebra", 2), ("football", 0.5), ("sokoban", 0.5)
    ]  # fmt: skip
    assert weigh({"games": 3, "sokoban": 1}, SUITES) == {"football": 3, "sokoban": 1}  # the later one
    assert weigh({"mine": 2}, {"mine": {"a": 1.5, "b": 1}}) == {"a": 3, "b": 2}


@pytest.mark.parametrize("choice", ["", "football,", [], {}])
def test_weigh_of_an_empty_choice_is_one_line(choice: str | list[str]) -> None:
    with pytest.raises(UserError, match="at least one task must be named"):
        weigh(choice, SUITES)


def test_weights_are_positive() -> None:
    with pytest.raises(UserError, match=r"weights must be greater than 0, got \{'football': 0.0\}"):
        weigh({"football": 0}, SUITES)
