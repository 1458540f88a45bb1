"""Learning curves of a run: points read from its metrics, and the PNG that plots them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from render.records.files import whole

PANELS: Final = (
    ("success", "Success", "share of episodes"),
    ("reward", "Reward", "mean per episode"),
    ("valid", "Valid replies", "share of replies"),
    ("transcript", "Transcript accuracy", "share of symbols"),
    ("response_length", "Reply length", "tokens"),
    ("nll", "Loss on the teacher's replies", "nats per token"),
    ("entropy", "Entropy", "nats per token"),
    ("policy_kl", "KL to the sampling policy", "nats per token"),
    ("grad_norm", "Gradient norm", ""),
    ("live_groups", "Groups with reward differences", "share of groups"),
    ("time/tokens_per_second", "Throughput", "tokens/s"),
)
"""Metric, title and unit of each panel. A metric without values gets no panel."""

SHADES: Final = ("#eef2f7", "#fdf3e4", "#e9f5ee", "#f4ecf8")
INK: Final = "#24292f"
MUTED: Final = "#6b7480"
LINE: Final = "#2563eb"
EVALUATION: Final = "#dc2626"
FLOORS: Final = {"random": "#9a6700", "idle": "#8b949e", "expert": "#15803d"}


@dataclass
class Curve:
    """Points of one panel."""

    metric: str
    """Key in the metrics."""
    title: str
    """Title of the panel."""
    unit: str
    """Label of the y axis."""
    steps: list[float] = field(default_factory=list)
    """x of the points: training steps, counted across stages."""
    values: list[float] = field(default_factory=list)
    """y of the points, as many as `steps`."""


@dataclass
class Curves:
    """Data of all panels."""

    panels: list[Curve]
    """Curves with at least one value."""
    stages: list[tuple[str, float, float]]
    """Name, first step and last step of each stage."""
    evaluations: list[tuple[float, float, float, float]]
    """Step, success rate and its 95% interval (lower, upper)."""


def read_curves(metrics: Iterable[Mapping[str, Any]], shown: Iterable[tuple[str, str, str]] = PANELS) -> Curves:
    """Collect the points of a run.

    Args:
        metrics: rows in order, each with `total_step` or `step`. A `step` that restarts in a new stage is offset.
            Optional keys are `stage` (a name), the metrics of `shown`, and `eval/success` with `eval/low` and
            `eval/high`. Values that are not finite numbers are ignored. A row with evaluations only belongs to no
            stage.
        shown: metric, title and unit of each panel.
    """
    panels = {metric: Curve(metric, title, unit) for metric, title, unit in shown}
    stages: list[tuple[str, float, float]] = []
    evaluations: list[tuple[float, float, float, float]] = []
    offset, before, name = 0.0, -math.inf, None
    for index, row in enumerate(metrics):
        values = {metric: value for metric in panels if (value := number(row.get(metric))) is not None}
        success = number(row.get("eval/success"))
        place = number(row.get("total_step"))
        stage = name if success is not None and not values else str(row.get("stage", ""))
        if place is None:
            step = number(row.get("step"))
            step = float(index) if step is None else step
            if stage != name and step + offset < before:
                offset = before + 1 - step
            place = step + offset
        if success is not None:
            evaluations.append((place, success, *_interval(success, row)))
        if not values:
            continue
        if stage != name:
            stages.append((stage or "", place, place))
            name = stage
        stages[-1] = (stages[-1][0], stages[-1][1], max(place, stages[-1][2]))
        before = max(before, place)
        for metric, value in values.items():
            panels[metric].steps.append(place)
            panels[metric].values.append(value)
    filled = [curve for curve in panels.values() if curve.values or (curve.metric == "success" and evaluations)]
    return Curves(filled, [stage for stage in stages if stage[0]], evaluations)


def read_floors(summary: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the success rates of the reference policies (random, idle, expert) from a run summary."""
    success = (summary or {}).get("success")
    found = {}
    for name in FLOORS:
        row = success.get(name) if isinstance(success, Mapping) else None
        value = number(row.get("mean")) if isinstance(row, Mapping) else None
        if value is not None:
            found[name] = value
    return found


def read_checkpoint(summary: Mapping[str, Any] | None) -> float | None:
    """Return the step of the reported checkpoint from a run summary."""
    checkpoint = (summary or {}).get("checkpoint")
    return number(checkpoint.get("step")) if isinstance(checkpoint, Mapping) else None


def write_curves(
    path: Path | str,
    metrics: Iterable[Mapping[str, Any]],
    summary: Mapping[str, Any] | None = None,
    title: str = "",
) -> Path:
    """Plot the learning curves of a run into a PNG file, which is replaced atomically.

    Args:
        path: the PNG file; an existing one is replaced.
        metrics: see `read_curves`.
        summary: contents of `summary.json`. Success rates of the reference policies become dashed lines. The step of
            the reported checkpoint is marked in every panel.
        title: title above the panels.

    Raises:
        OSError: the disk is full or not writable.
    """
    from matplotlib.figure import Figure  # slow to import, and only needed here

    path = Path(path)
    curves = read_curves(metrics)
    floors, checkpoint = read_floors(summary), read_checkpoint(summary)
    columns = min(max(len(curves.panels), 1), 3)
    rows = max(math.ceil(len(curves.panels) / columns), 1)
    figure = Figure(figsize=(4.6 * columns, 2.9 * rows + (0.5 if title else 0.1)), dpi=120, layout="constrained")
    if title:
        figure.suptitle(title, fontsize=13, fontweight="bold", color=INK, x=0.01, ha="left")
    if not curves.panels:
        figure.text(0.5, 0.5, "no metrics yet", ha="center", color=MUTED)
    for index, curve in enumerate(curves.panels):
        axes = figure.add_subplot(rows, columns, index + 1)
        _panel(axes, curve, curves, floors, checkpoint)
        if curve.metric == "success":
            handles, labels = axes.get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower left", ncols=6, fontsize=8, frameon=False, labelcolor=INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part:
        figure.savefig(part, facecolor="white")
    return path


def smooth(values: Sequence[float], half_life: float = 3.0) -> list[float]:
    """Return the two-sided exponential moving average, which does not lag. `half_life` is in points."""
    keep = 0.5 ** (1 / half_life)

    def sums(order: Sequence[float]) -> list[tuple[float, float]]:
        total = weight = 0.0
        out = []
        for value in order:
            total, weight = keep * total + value, keep * weight + 1
            out.append((total, weight))
        return out

    sides = zip(values, sums(values), reversed(sums(values[::-1])), strict=True)
    return [(left[0] + right[0] - value) / (left[1] + right[1] - 1) for value, left, right in sides]


def pieces(curve: Curve, stages: Sequence[tuple[str, float, float]]) -> list[dict[str, list[float]]]:
    """Split a curve at stage boundaries into pieces with "steps", "values" and smoothed values ("smooth")."""
    out: list[dict[str, list[float]]] = []
    start = 0
    for bound in [last for _, _, last in stages[:-1]] + [math.inf]:
        end = start
        while end < len(curve.steps) and curve.steps[end] <= bound:
            end += 1
        if end > start:
            values = curve.values[start:end]
            out.append({"steps": curve.steps[start:end], "values": values, "smooth": smooth(values)})
        start = end
    return out


def _panel(axes: Any, curve: Curve, curves: Curves, floors: Mapping[str, float], checkpoint: float | None) -> None:
    """Plot one panel on matplotlib `axes`."""
    axes.set_title(curve.title, fontsize=10.5, fontweight="bold", loc="left", color=INK)
    for index, (name, first, last) in enumerate(curves.stages):
        axes.axvspan(first - 0.5, last + 0.5, color=SHADES[index % len(SHADES)], lw=0, zorder=0)
        if len(curves.stages) > 1:
            axes.annotate(
                name, ((first + last) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, -3),
                textcoords="offset points", ha="center", va="top", fontsize=7.5, color=MUTED,
            )  # fmt: skip
    for index, piece in enumerate(pieces(curve, curves.stages)):
        axes.plot(piece["steps"], piece["values"], color=LINE, alpha=0.28, lw=1, zorder=2)
        axes.plot(piece["steps"], piece["smooth"], color=LINE, lw=1.9, zorder=3, label=None if index else "training")
    if curve.metric == "success":
        _success(axes, curves, floors)
    elif curve.metric == "valid":
        axes.set_ylim(-0.03, 1.15)
    elif curve.values and min(curve.values) >= 0:
        axes.set_ylim(0, max(max(curve.values) * 1.18, 1e-9))
    if checkpoint is not None:
        label = "reported checkpoint" if curve.metric == "success" else None
        axes.axvline(checkpoint, color=INK, lw=1, ls=(0, (1, 2)), zorder=4, label=label)
    axes.set_xlabel("step", fontsize=8, color=MUTED)
    axes.set_ylabel(curve.unit, fontsize=8, color=MUTED)
    axes.tick_params(labelsize=8, colors=MUTED, length=0)
    axes.grid(axis="y", color="#d8dee4", lw=0.6, zorder=1)
    axes.set_axisbelow(False)
    axes.margins(x=0.01)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#b6bec8")


def _success(axes: Any, curves: Curves, floors: Mapping[str, float]) -> None:
    """Add evaluations with their intervals and the reference policies to the success panel."""
    axes.set_ylim(-0.03, 1.15)
    for name, value in floors.items():
        axes.axhline(value, color=FLOORS.get(name, MUTED), lw=1.2, ls="--", zorder=2, label=f"{name} {value:.2f}")
    if curves.evaluations:
        places, means, lows, highs = zip(*curves.evaluations, strict=True)
        errors = [
            [max(mean - low, 0) for mean, low in zip(means, lows, strict=True)],
            [max(high - mean, 0) for mean, high in zip(means, highs, strict=True)],
        ]
        axes.errorbar(
            places, means, yerr=errors, fmt="o", color=EVALUATION, ms=4.5, capsize=3, lw=1.3, zorder=5,
            label="validation, 95% CI",
        )  # fmt: skip


def number(value: Any) -> float | None:
    """Return `value` as a float if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < sys.float_info.max else None  # no NaN, infinity or huge integer


def _interval(success: float, row: Mapping[str, Any]) -> tuple[float, float]:
    """Return the 95% interval of a row, or the point itself if the row has none."""
    low, high = number(row.get("eval/low")), number(row.get("eval/high"))
    return (success, success) if low is None or high is None else (low, high)
