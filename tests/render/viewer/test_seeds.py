"""Runs that differ in their seed only, with means computed by hand."""

from typing import Any

import pytest

from render.viewer.seeds import differences, group_name, groups, mean_charts, mean_tables


def test_groups_are_runs_that_differ_in_their_seed_only() -> None:
    settings = [{"seed": "0", "lr": "1"}, {"seed": "1", "lr": "1"}, {"seed": "0", "lr": "2"}, {}, {}]
    assert groups("abcde", settings) == [[0, 1], [2], [3], [4]]
    assert groups("ab", [settings[0]] * 2) == [[0], [1]]  # the same seed twice is no group


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (["football-s0", "football-s1"], "football (2 seeds)"),
        (["a-seed1", "a-seed2", "a-seed10"], "a (3 seeds)"),
        (["x1", "y1"], "x1 (2 seeds)"),
        (["x1"], "x1"),
    ],
)
def test_group_name_is_what_the_names_begin_with(names: list[str], name: str) -> None:
    assert group_name(names) == name


def cell(mean: float) -> dict[str, Any]:
    return {"text": f"{100 * mean:.1f}% (…)", "value": mean, "low": mean - 0.1, "high": mean + 0.1}


def test_differences_are_the_settings_that_are_not_equal() -> None:
    settings = [{"seed": "0", "lr": "1", "task": "x"}, {"seed": "1", "lr": "1", "task": "x"}, {"seed": "0", "lr": "2"}]
    table = differences("abc", settings, [cell(0.5), cell(0.7), ""], [[0, 1], [2]])
    assert table is not None and table["columns"] == ["Run", "seed", "lr", "task", "After RL"]
    first, second = table["rows"]
    assert first[:4] == ["a (2 seeds)", "0, 1", "1", "x"] and second == ["c", "0", "2", "–", ""]
    # 0.5 and 0.7: mean 0.6, sample standard deviation sqrt(2) / 10
    assert first[4] == {
        "text": "60.0% (± 14.1)", "value": 0.6, "low": pytest.approx(0.458579), "high": pytest.approx(0.741421),
    }  # fmt: skip
    assert differences("ab", settings[:1] * 2, ["", ""], [[0], [1]]) is None


def test_mean_tables_have_a_row_per_group() -> None:
    rows: list[list[Any]] = [
        ["a1 · After RL", cell(0.5), "256"], ["a2 · After RL", cell(0.7), "256"], ["b · After RL", cell(0.1), "64"],
        ["Random", cell(0.0), "256"], ["paper", {"text": "1.0", "value": 1.0}, ""],
    ]  # fmt: skip
    table = {"title": "t", "columns": ["Policy", "Success", "Episodes"], "rows": rows, "published": 1}
    (mean,) = mean_tables([table], {"a1": "a (2 seeds)", "a2": "a (2 seeds)", "b": "b"})
    assert [row[0] for row in mean["rows"]] == ["a (2 seeds) · After RL", "b · After RL", "Random", "paper"]
    assert mean["rows"][0][1]["text"] == "60.0% (± 14.1)" and mean["rows"][0][2] == "256"
    assert mean["rows"][1][1:] == [cell(0.1), "64"] and mean["published"] == 1


def test_mean_charts_have_a_band_at_the_steps_of_all_seeds() -> None:
    def series(run: str, x: list[float], y: list[float | None], **more: Any) -> dict[str, Any]:
        return {"name": run, "part": "", "run": run, "colour": 0, "x": x, "y": y} | more

    one = [series("a1", [1, 2, 2.5, 3], [0.0, 1.0, None, 1.0]), series("a2", [1, 2, 2.5], [1.0, 1.0, None])]
    points = [
        series(run, [4], [mean], part="validation", low=[0.0], high=[1.0]) for run, mean in (("a1", 0.2), ("a2", 0.4))
    ]
    chart = {"key": "success", "series": [*one, *points, series("b", [1], [0.5])]}
    (made,) = mean_charts([chart], {"a1": "a (2 seeds)", "a2": "a (2 seeds)", "b": "b"})
    line, held_out, alone = made["series"]
    assert (line["name"], line["x"], line["y"], line["band"]) == ("a (2 seeds)", [1, 2, 2.5], [0.5, 1.0, None], True)
    assert line["low"] == [pytest.approx(0.5 - 0.5**0.5, abs=1e-5), 1.0, None]  # deviation of 0 and 1: sqrt(1/2)
    assert (held_out["name"], held_out["y"]) == (
        "a (2 seeds) validation",
        [pytest.approx(0.3)],
    ) and "band" not in held_out
    assert alone["name"] == "b" and alone["y"] == [0.5]
