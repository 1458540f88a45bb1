"""Facts and progress of a run, from its settings and metrics."""

from typing import Any

import pytest

from render.viewer.facts import colours, facts, flat, learning_rate, progress, short

STAGES = {"fre": {"steps": "4", "algo": {"lr": "1e-3"}}, "mgt": {"steps": "8", "algo": {"lr": "3e-4"}}}


def test_progress_of_a_run_counts_all_stages() -> None:
    rows: list[dict[str, Any]] = [{"total_step": step, "stage": "mgt", "time/step": 2.0} for step in range(1, 6)]
    found = progress(rows, {"stages": STAGES}, "")
    assert found == {"done": 5, "total": 12, "unit": "step", "seconds_left": 14, "doing": ""}  # 7 of 2 s
    rows.append({"total_step": 5, "stage": "evaluation", "time/evaluate": 5.0})  # 1 s for each step so far
    assert progress(rows, {"stages": STAGES}, "")["seconds_left"] == 21
    rows = [{"total_step": step, "time/step": 100.0 if step <= 20 else 1.0} for step in range(1, 41)]
    stages = {"mgt": {"steps": "60"}}
    assert progress(rows, {"stages": stages}, "")["seconds_left"] == 20  # the last 20 steps take 1 s each
    assert progress([], {"stages": STAGES}, "evaluating")["seconds_left"] is None
    assert progress([], {}, "") == {"done": 0, "total": 0, "unit": "decision", "seconds_left": None, "doing": ""}


def test_progress_of_a_baseline_counts_decisions() -> None:
    rows = [{"total_step": step, "env_steps": 1024 * step, "time/step": 4.0} for step in (1, 2)]
    found = progress(rows, {"steps": "20480"}, "")
    assert (found["done"], found["total"], found["unit"], found["seconds_left"]) == (2048, 20480, "decision", 72)


def test_facts_are_texts_in_order() -> None:
    own = {"parameters": 3754622976, "device": "CPU, 2 cores", "commit": "ab12", "date": "2026-11-30T16:31:02+00:00"}
    stages = [{"name": "mgt", "steps": 8, "seconds": 9.0, "effect": "football 60% → 90% (rises)"}]
    summary = {"task": "football", "seed": 0, "seconds": 498.2, "stages": stages}
    settings = {"model": {"path": "tiny"}, "stages": STAGES}
    assert facts(summary, settings, own | {"command": "python"}) == [
        ["Task", "football"], ["Model", "tiny"], ["Parameters", "3.75 billion"],
        ["Learning rate", "fre 1e-3, mgt 3e-4"], ["Seed", "0"], ["Device", "CPU, 2 cores"], ["Commit", "ab12"],
        ["Started", "2026-11-30 16:31"], ["Time", "8 min 18 s"],
        ["Stage mgt", "8 steps, 9 s: football 60% → 90% (rises)"], ["Command", "python"],
    ]  # fmt: skip
    assert facts({}, {}, {"parameters": "many", "device": ["x"]}) == []


def test_learning_rate_is_of_the_stages_with_steps() -> None:
    assert learning_rate({"stages": STAGES | {"fre": {"steps": "0", "algo": {"lr": "1"}}}}) == "3e-4"
    assert learning_rate({"lr": "0.001"}) == "0.001" and learning_rate({}) == ""
    assert learning_rate({"stages": {"mgt": "x"}}) == ""


def test_flat_settings_leave_out_the_name() -> None:
    settings = {"name": "a", "out": "runs", "seed": "1", "algo": {"lr": "1", "name": "b"}, "envs": ["x"], "more": {}}
    assert flat(settings) == {"seed": "1", "algo.lr": "1", "algo.name": "b", "envs": "['x']", "more": "{}"}


def test_colours_are_of_the_evaluated_policies() -> None:
    rows = [{"policy": "runs/a"}, {"policy": "tiny"}, {"policy": "runs/a"}, {"policy": "random", "floor": True}, "x"]
    assert colours({"rows": rows}) == {"runs-a": 0, "runs/a": 0, "tiny": 1}


@pytest.mark.parametrize(("count", "text"), [(950, "950"), (1_129_024, "1.13 million"), (7e9, "7 billion")])
def test_short_numbers_of_parameters(count: float, text: str) -> None:
    assert short(count) == text
