"""A run's metrics as the page's charts: every number that a step reports, those that matter most first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from render.records.curves import PANELS, Curve, Curves, number, read_curves, read_floors

FIRST: Final = ("success", "reward", "valid", "response_length", "entropy", "policy_kl", "time/tokens_per_second")
"""The charts that are seen at once, in order; the rest is under "more"."""
SHARES: Final = ("success", "valid", "live_groups", "clip_fraction", "masked_fraction")
"""Metrics between 0 and 1, shown as percentages."""
TITLES: Final = {
    "clip_fraction": "Clipped tokens", "masked_fraction": "Masked tokens", "mismatch": "Engine–learner mismatch",
    "loss": "Loss", "learning_rate": "Learning rate", "turns": "Turns an episode", "correction": "Correction",
    "trained_tokens": "Trained tokens", "updates": "Updates", "skipped_updates": "Skipped updates",
    "time/env_steps_per_second": "Env steps a second", "time/step": "Seconds a step",
}  # fmt: skip
GROUPS: Final = {"success": "Success by task", "reward": "Reward parts", "staleness": "Staleness", "groups": "Groups"}
"""Metrics with one of these and a slash before them are series of one chart."""
LEFT_OUT: Final = ("stage", "step", "total_step", "reply_tokens", "env_steps")


def draw(
    rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any], name: str = ""
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The charts of a run and its stages (in total steps), as the page draws them.

    Args:
        rows: lines of metrics.jsonl.
        summary: success of the players that do not learn becomes lines of the success chart.
        name: the run's, where several share a page: its series are called so.
    """
    curves = read_curves(rows, _shown(rows))
    ends = [last for _, _, last in curves.stages[:-1]]
    # of several tasks training's success is over the stage's, that of validations and floors over the run's own
    several = bool(summary.get("others")) or any(curve.metric.startswith("success/") for curve in curves.panels)
    drawn: dict[str, dict[str, Any]] = {}
    for curve in curves.panels:
        key, title, series = _place(curve)
        chart = drawn.setdefault(key, {"key": key, "title": title, "unit": _unit(curve.metric), "series": []})
        chart.setdefault("floors", [])
        if curve.metric not in FIRST:
            chart["more"] = True
        label = " ".join(word for word in (name, series) if word) or "training"
        if curve.metric == "success" and several:
            label += " (the stage's tasks)"
        if curve.values:
            chart["series"].append({"name": label, **_points(curve, ends)})
        if curve.metric == "success":
            found = _validations(curves, f"{name} validation".strip() + (_validated(rows, summary) if several else ""))
            chart["series"] += [series | ({"of": label} if name else {}) for series in found]  # whose colour it has
            floors = read_floors(summary)
            chart["floors"] = [{"name": floor, "y": y} for floor, y in floors.items()]
    stages: list[dict[str, Any]] = [{"name": stage, "from": first, "to": last} for stage, first, last in curves.stages]
    return sorted(drawn.values(), key=lambda chart: _order(str(chart["key"]))), stages


def overlaid(runs: Iterable[tuple[str, Sequence[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """The charts of several runs, by name, those with one key laid over each other."""
    by_key = [(name, {str(chart["key"]): chart for chart in run}) for name, run in runs]
    out = []
    for key in sorted({key for _, charts in by_key for key in charts}, key=_order):
        series: list[dict[str, Any]] = []
        floors: dict[tuple[str, float], list[str]] = {}
        for name, charts in by_key:
            if key in charts:
                series += charts[key]["series"]
            elif not key.endswith("/"):
                series.append({"name": name, "x": [], "y": []})  # it keeps its place, and so its colour
            for floor in charts.get(key, {}).get("floors", []):
                floors.setdefault((floor["name"], floor["y"]), []).append(name)
        count = Counter(floor for floor, _ in floors)  # a floor in which the runs agree is one line
        lines = [
            {"name": floor if count[floor] == 1 else f"{', '.join(names)} {floor}", "y": y}
            for (floor, y), names in floors.items()
        ]
        first = next(charts[key] for _, charts in by_key if key in charts)
        out.append(first | {"series": series, "floors": lines})
    return out


def _shown(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Metric, title and unit of all numbers in the rows, those of `PANELS` first."""
    known = {metric for metric, _, _ in PANELS}
    others: dict[str, None] = {}
    for row in rows:
        others |= {key: None for key, value in row.items() if key not in known and number(value) is not None}
    names = [key for key in others if key not in LEFT_OUT and not key.startswith(("eval/", "time/"))]
    names += [key for key in ("time/env_steps_per_second", "time/step") if key in others]
    return [*PANELS, *((name, TITLES.get(name, name), "") for name in names)]


def _place(curve: Curve) -> tuple[str, str, str]:
    """Key and title of the chart that a curve belongs to, and the curve's own name in it."""
    group, slash, part = curve.metric.partition("/")
    if slash and group in GROUPS:
        return f"{group}/", GROUPS[group], part
    return curve.metric.removeprefix("time/"), curve.title, ""


def _points(curve: Curve, ends: Sequence[float]) -> dict[str, Any]:
    """The points, with a gap where a stage ends, so that no line joins two."""
    x: list[float] = []
    y: list[float | None] = []
    for place, value in zip(curve.steps, curve.values, strict=True):
        if x and any(x[-1] <= end < place for end in ends):
            x.append(x[-1] + (place - x[-1]) / 2)
            y.append(None)
        x.append(place)
        y.append(_short(value))
    return {"x": x, "y": y}


def _validated(rows: Iterable[Mapping[str, Any]], summary: Mapping[str, Any]) -> str:
    """The tasks that are validated, in brackets: those that have a success of their own, or the run's."""
    own = {key.removeprefix("eval/success/"): None for row in rows for key in row if key.startswith("eval/success/")}
    tasks = ", ".join(own) or str(summary.get("task", ""))
    return f" ({tasks})" if tasks else ""


def _validations(curves: Curves, label: str) -> list[dict[str, Any]]:
    """The validations during training with their 95% intervals; the test, in the tables, has other starts."""
    if not curves.evaluations:
        return []
    steps, means, lows, highs = (list(values) for values in zip(*curves.evaluations, strict=True))
    points = {"x": steps, "y": [_short(mean) for mean in means]}
    return [{"name": label, **points, "low": [_short(low) for low in lows], "high": [_short(high) for high in highs]}]


def _order(key: str) -> tuple[int, str]:
    """Where a chart stands."""
    first = [metric.removeprefix("time/") for metric in FIRST]
    if key in first:
        return first.index(key), ""
    rest = [*(f"{group}/" for group in GROUPS), *(metric.removeprefix("time/") for metric, _, _ in PANELS)]
    return (len(first) + rest.index(key), "") if key in rest else (len(first) + len(rest), key)


def _unit(metric: str) -> str:
    """The values' unit: "%" for shares (0 to 1)."""
    return "%" if metric in SHARES or metric.startswith("success/") else ""


def _short(value: float) -> float:
    """Six digits are enough for a chart."""
    return value if value == 0 or not math.isfinite(value) else float(f"{value:.6g}")
