"""Metrics of a run as the charts of the page, the most important first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from render.records.curves import PANELS, Curve, Curves, number, read_curves, read_floors
from render.viewer.about import CHARTS, UNITS

FIRST: Final = ("success", "reward", "valid", "response_length", "entropy", "policy_kl", "time/tokens_per_second")
"""Charts that are visible at first, in order. The others are under "more charts"."""
SHARES: Final = ("success", "valid", "live_groups", "retrieval_accuracy", "clip_fraction", "masked_fraction")
"""Metrics from 0 to 1 that are shown as percentages."""
TITLES: Final = {
    "clip_fraction": "Clipped tokens", "masked_fraction": "Masked tokens", "mismatch": "Engine–learner mismatch",
    "loss": "Loss", "learning_rate": "Learning rate", "turns": "Turns per episode", "correction": "Correction",
    "retrieval_accuracy": "Retrieval accuracy of replies",
    "trained_tokens": "Trained tokens", "updates": "Updates", "skipped_updates": "Skipped updates",
    "time/env_steps_per_second": "Env steps per second", "time/step": "Seconds per step",
}  # fmt: skip
GROUPS: Final = {"success": "Success by task", "reward": "Reward parts", "staleness": "Staleness", "groups": "Groups"}
"""Metrics with the prefix `<key>/` share one chart with this title."""
LEFT_OUT: Final = ("stage", "step", "total_step", "reply_tokens", "env_steps")


def draw(
    rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any], name: str = ""
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the charts and the stages of a run, with x in total steps.

    Args:
        rows: lines of metrics.jsonl.
        summary: run summary; success rates of the reference policies become lines of the success chart.
        name: name of the run, which prefixes its series if several runs share the page.

    Returns:
        Charts in display order, and stages as {"name", "from", "to"}.
    """
    curves = read_curves(rows, _shown(rows))
    ends = [last for _, _, last in curves.stages[:-1]]
    # with several tasks, training success covers the stage's tasks; validations and references cover the run's
    several = bool(summary.get("others")) or any(curve.metric.startswith("success/") for curve in curves.panels)
    drawn: dict[str, dict[str, Any]] = {}
    for curve in curves.panels:
        key, title, series = _place(curve)
        usual = {"key": key, "title": title, "unit": _unit(curve.metric), "series": []}
        group = curve.metric.partition("/")[0]
        measured = UNITS.get(curve.metric) or UNITS.get(group if key.endswith("/") else "", "") or curve.unit
        chart = drawn.setdefault(key, usual | {"measured": measured, "about": CHARTS.get(key, "")})
        chart.setdefault("floors", [])
        if curve.metric not in FIRST:
            chart["more"] = True
        label = " ".join(word for word in (name, series) if word) or "training"
        if curve.metric == "success" and several:
            label += " (the stage's tasks)"
        if curve.values:
            chart["series"].append({"name": label, "part": series, **_points(curve, ends)})
        if curve.metric == "success":
            found = _validations(curves, f"{name} validation".strip() + (_validated(rows, summary) if several else ""))
            chart["series"] += [series | {"part": "validation"} for series in found]
            chart["series"] += [series | {"part": "blind"} for series in _blind(rows, f"{name} blind".strip())]
            floors = read_floors(summary)
            chart["floors"] = [{"name": floor, "y": y} for floor, y in floors.items()]
    stages: list[dict[str, Any]] = [{"name": stage, "from": first, "to": last} for stage, first, last in curves.stages]
    return sorted(drawn.values(), key=lambda chart: _order(str(chart["key"]))), stages


def overlaid(runs: Iterable[tuple[str, Sequence[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """Merge the charts of several named runs. Charts with the same key share one plot."""
    by_key = [(name, {str(chart["key"]): chart for chart in run}) for name, run in runs]
    out = []
    for key in sorted({key for _, charts in by_key for key in charts}, key=_order):
        series: list[dict[str, Any]] = []
        floors: dict[tuple[str, float], list[str]] = {}
        for colour, (name, charts) in enumerate(by_key):
            series += [one | {"run": name, "colour": colour} for one in charts.get(key, {}).get("series", [])]
            for floor in charts.get(key, {}).get("floors", []):
                floors.setdefault((floor["name"], floor["y"]), []).append(name)
        count = Counter(floor for floor, _ in floors)  # a reference value shared by all runs is one line
        lines = [
            {"name": floor if count[floor] == 1 else f"{', '.join(names)} {floor}", "y": y}
            for (floor, y), names in floors.items()
        ]
        first = next(charts[key] for _, charts in by_key if key in charts)
        out.append(first | {"series": series, "floors": lines})
    return out


def _shown(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return metric, title and unit of all numbers in the rows, those of `PANELS` first."""
    known = {metric for metric, _, _ in PANELS}
    others: dict[str, None] = {}
    for row in rows:
        others |= {key: None for key, value in row.items() if key not in known and number(value) is not None}
    names = [key for key in others if key not in LEFT_OUT and not key.startswith(("eval/", "time/"))]
    names += [key for key in ("time/env_steps_per_second", "time/step") if key in others]
    return [*PANELS, *((name, TITLES.get(name, name), "") for name in names)]


def _place(curve: Curve) -> tuple[str, str, str]:
    """Return key and title of the chart of a curve, and the name of its series in the chart."""
    group, slash, part = curve.metric.partition("/")
    if slash and group in GROUPS:
        return f"{group}/", GROUPS[group], part
    return curve.metric.removeprefix("time/"), curve.title, ""


def _points(curve: Curve, ends: Sequence[float]) -> dict[str, Any]:
    """Return the points of a curve, with a gap after each stage."""
    x: list[float] = []
    y: list[float | None] = []
    for place, value in zip(curve.steps, curve.values, strict=True):
        if x and any(x[-1] <= end < place for end in ends):
            x.append(x[-1] + (place - x[-1]) / 2)
            y.append(None)
        x.append(place)
        y.append(short_number(value))
    return {"x": x, "y": y}


def _validated(rows: Iterable[Mapping[str, Any]], summary: Mapping[str, Any]) -> str:
    """Return the validated tasks in parentheses: those with a success metric, or else the run's task."""
    own = {key.removeprefix("eval/success/"): None for row in rows for key in row if key.startswith("eval/success/")}
    tasks = ", ".join(own) or str(summary.get("task", ""))
    return f" ({tasks})" if tasks else ""


def _validations(curves: Curves, label: str) -> list[dict[str, Any]]:
    """Return the validations during training with 95% intervals. The test in the tables uses other seeds."""
    if not curves.evaluations:
        return []
    steps, means, lows, highs = (list(values) for values in zip(*curves.evaluations, strict=True))
    points = {"x": steps, "y": [short_number(mean) for mean in means]}
    interval = {"low": [short_number(low) for low in lows], "high": [short_number(high) for high in highs]}
    return [{"name": label, **points, **interval}]


def _blind(rows: Iterable[Mapping[str, Any]], label: str) -> list[dict[str, Any]]:
    """Return the blind control of the validations, without an interval."""
    found = [(number(row.get("total_step")), number(row.get("eval/blind"))) for row in rows]
    points = [(step, value) for step, value in found if step is not None and value is not None]
    if not points:
        return []
    return [{"name": label, "x": [step for step, _ in points], "y": [short_number(y) for _, y in points]}]


def _order(key: str) -> tuple[int, str]:
    """Return the sort key of a chart."""
    first = [metric.removeprefix("time/") for metric in FIRST]
    if key in first:
        return first.index(key), ""
    rest = [*(f"{group}/" for group in GROUPS), *(metric.removeprefix("time/") for metric, _, _ in PANELS)]
    return (len(first) + rest.index(key), "") if key in rest else (len(first) + len(rest), key)


def _unit(metric: str) -> str:
    """Return the unit of a metric: "%" for shares from 0 to 1, else empty."""
    return "%" if metric in SHARES or metric.startswith("success/") else ""


def short_number(value: float) -> float:
    """Round to six significant digits, enough for a chart."""
    return value if value == 0 or not math.isfinite(value) else float(f"{value:.6g}")
