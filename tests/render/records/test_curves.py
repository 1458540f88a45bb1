import math
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from render.records.curves import pieces, read_checkpoint, read_curves, read_floors, smooth, write_curves

ROWS = [
    {"stage": "fre", "step": 1, "total_step": 1, "success": 0.2, "entropy": 0.9},
    {"stage": "fre", "step": 2, "total_step": 2, "success": 0.4, "entropy": math.nan},
    {"stage": "evaluation", "step": 0, "total_step": 2, "eval/success": 0.25, "eval/low": 0.2, "eval/high": 0.31},
    {"stage": "mgt", "step": 1, "total_step": 3, "success": 0.3, "entropy": 0.7},
    {"stage": "evaluation", "step": 1, "total_step": 3, "eval/success": 0.5},
    {"stage": "mgt", "step": 2, "total_step": 4, "success": 0.6, "entropy": 0.6},
]
SUMMARY = {
    "success": {"before": {"mean": 0.4}, "random": {"mean": 0.05}, "expert": {"mean": 0.97}, "idle": {"mean": None}},
    "checkpoint": {"step": 4, "path": "checkpoint"},
}


def test_points_stages_and_evaluations_are_found() -> None:
    curves: Any = read_curves(ROWS)
    assert [curve.metric for curve in curves.panels] == ["success", "entropy"]
    assert (curves.panels[0].steps, curves.panels[0].values) == ([1, 2, 3, 4], [0.2, 0.4, 0.3, 0.6])
    assert (curves.panels[1].steps, curves.panels[1].values) == ([1, 3, 4], [0.9, 0.7, 0.6])  # NaN is left out
    assert curves.stages == [("fre", 1, 2), ("mgt", 3, 4)]  # evaluations are no stage
    assert curves.evaluations[0] == (2, 0.25, 0.2, 0.31)
    assert curves.evaluations[1] == (3, 0.5, 0.5, 0.5)  # no interval is given


def test_steps_that_start_again_are_counted_on() -> None:
    rows = [{"stage": s, "step": i, "reward": 1.0} for s in ("fre", "mgt") for i in range(3)]
    curves = read_curves(rows)
    assert curves.panels[0].steps == [0, 1, 2, 3, 4, 5]
    assert curves.stages == [("fre", 0, 2), ("mgt", 3, 5)]


def test_no_line_joins_two_stages() -> None:
    curves = read_curves(ROWS)
    first, second = pieces(curves.panels[0], curves.stages)
    assert (first["steps"], second["steps"]) == ([1, 2], [3, 4])
    assert second["values"] == [0.3, 0.6]


def test_smoothing_keeps_constants_and_does_not_lag() -> None:
    assert smooth([3.0] * 7) == pytest.approx([3.0] * 7)
    assert smooth([]) == []
    line = [float(i) for i in range(101)]
    assert smooth(line)[50] == pytest.approx(50)
    assert np.std(smooth([0.0, 1.0] * 40)) < 0.1


def test_floors_and_checkpoint_come_from_the_summary() -> None:
    assert read_floors(SUMMARY) == {"random": 0.05, "expert": 0.97}
    assert read_checkpoint(SUMMARY) == 4
    for nothing in (None, {}, {"success": 3, "checkpoint": "x"}):
        assert read_floors(nothing) == {} and read_checkpoint(nothing) is None


def test_the_picture_shows_the_curve(tmp_path: Path) -> None:
    path = write_curves(tmp_path / "new" / "curves.png", ROWS, SUMMARY, "football · seed 0")
    picture = iio.imread(path)[..., :3].astype(int)
    assert picture.shape[1] > 900

    def count(colour: tuple[int, int, int]) -> int:
        return int((np.abs(picture - colour).max(axis=2) < 30).sum())

    assert count((37, 99, 235)) > 200  # the line
    assert count((220, 38, 38)) > 40  # held-out points
    assert count((21, 128, 61)) > 100  # the expert's dashes
    assert [p.name for p in path.parent.iterdir()] == ["curves.png"]


@pytest.mark.parametrize("rows", [[], [{"step": 1}], [{"eval/success": 0.5}], [{"success": 0.1}, {"success": "many"}]])
def test_little_or_no_metrics_still_give_a_picture(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    path = write_curves(tmp_path / "curves.png", rows)
    assert iio.imread(path).shape[0] > 100
