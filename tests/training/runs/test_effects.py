"""Sentences on what each stage changed."""

from typing import Any

from training.evaluation.statistics import wilson
from training.runs.effects import effects


def result(successes: int, n: int = 256) -> dict[str, Any]:
    return {"mean": successes / n, "ci95": list(wilson(successes, n)), "n": n}


def test_each_stage_states_the_changes_of_its_tasks_and_of_others() -> None:
    results = {
        "before": {"football": result(184), "arithmetic": result(128)},
        "after_fre": {"football": result(186), "arithmetic": result(179)},
        "after": {"football": result(240), "arithmetic": result(128)},
        "random": {"football": result(0)},
    }
    assert effects(["fre", "mgt"], {"fre": {"arithmetic"}, "mgt": {"football"}}, results) == {
        "fre": "arithmetic 50% → 70% (rises), no clear change in other tasks",
        "mgt": "football 73% → 94% (rises), arithmetic 70% → 50% (falls)",
    }


def test_stages_without_results_have_no_sentence() -> None:
    trained = {"fre": {"arithmetic"}, "mgt": {"football"}}
    assert effects(["fre", "mgt"], trained, {"before": {"football": result(3)}}) == {}
