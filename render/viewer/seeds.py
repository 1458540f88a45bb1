"""Several runs on one page: groups of runs that differ in their seed only, and their differences.

A group is shown as mean ± sample standard deviation over its seeds.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

from render.viewer.about import about_columns
from render.viewer.charts import short_number
from render.viewer.tables import Cell, Table, mapping

SEED: Final = "seed"


def groups(names: Sequence[str], settings: Sequence[Mapping[str, str]]) -> list[list[int]]:
    """Return the runs with the same settings and different seeds, as lists of indices.

    Args:
        names: Names of the runs.
        settings: Flat settings of each run. A run without settings is alone.
    """
    found: dict[Any, list[int]] = {}
    for number, (name, own) in enumerate(zip(names, settings, strict=True)):
        rest = tuple(sorted((key, value) for key, value in own.items() if key != SEED))
        same = found.get(rest, [])
        alone = not own or any(settings[other].get(SEED) == own.get(SEED) for other in same)
        found.setdefault(name if alone else rest, []).append(number)
    return list(found.values())


def group_name(names: Sequence[str]) -> str:
    """Return the name of a group: what the names of its runs begin with."""
    if len(names) == 1:
        return names[0]
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    common = re.sub(r"([-_. ](seed|s))?[-_. 0-9]*$", "", "".join(letters[0] for letters in same))
    return f"{common or names[0]} ({len(names)} seeds)"


def differences(
    names: Sequence[str],
    settings: Sequence[Mapping[str, str]],
    results: Sequence[Cell],
    grouped: Sequence[Sequence[int]],
) -> Table | None:
    """Return a table of the settings in which runs differ, with their results, or None if they do not differ.

    Args:
        names: Names of the runs.
        settings: Flat settings of each run.
        results: Success of each run after training, or an empty text.
        grouped: Runs of each row, as indices.
    """
    keys = list(dict.fromkeys(key for own in settings for key in own))
    keys = [key for key in keys if len({own.get(key) for own in settings}) > 1]
    if not keys:
        return None
    rows: list[list[Cell]] = []
    for group in grouped:
        values = [", ".join(dict.fromkeys(settings[one].get(key, "–") for one in group)) for key in keys]
        rows.append([group_name([names[one] for one in group]), *values, _mean([results[one] for one in group])])
    columns = ["Run", *keys, "After RL"]
    return {"title": "Settings that differ", "columns": columns, "about": about_columns(columns), "rows": rows}


def mean_tables(tables: Sequence[Table], named: Mapping[str, str]) -> list[Table]:
    """Return tables with one row for each group instead of one for each run.

    Args:
        tables: Merged tables. The first cell of a row is `RUN · LABEL`, except of published rows.
        named: Run → group.
    """
    made = []
    for table in tables:
        own = len(table["rows"]) - table.get("published", 0)
        rows: dict[str, list[list[Cell]]] = {}
        runs = sorted(named, key=len, reverse=True)  # a name may begin another one
        for row in table["rows"][:own]:
            run = next((run for run in runs if str(row[0]).startswith(f"{run} · ")), "")
            label = f"{named[run]} · {str(row[0]).removeprefix(f'{run} · ')}" if run else str(row[0])
            rows.setdefault(label, []).append(row)
        means: list[list[Cell]] = [
            [label, *(_mean(list(cells)) for cells in zip(*(row[1:] for row in same), strict=True))]
            for label, same in rows.items()
        ]
        made.append(table | {"rows": means + table["rows"][own:]})
    return made


def _mean(cells: Sequence[Cell]) -> Cell:
    """Return the mean of cells: its interval is one sample standard deviation over the seeds."""
    values = [mapping(cell).get("value") for cell in cells]
    known = [float(value) for value in values if value is not None]
    if len({str(cell) for cell in cells}) == 1:
        return cells[0]
    if not known:
        return ""
    mean = statistics.fmean(known)
    percent = "%" in str(mapping(cells[values.index(known[0])])["text"])

    def text(value: float) -> str:
        return f"{100 * value:.1f}%" if percent else f"{value:.2f}"

    if len(known) == 1:
        return {"text": text(mean), "value": mean}
    deviation = statistics.stdev(known)
    shown = f"{text(mean)} (± {text(deviation).removesuffix('%')})"
    return {"text": shown, "value": mean, "low": mean - deviation, "high": mean + deviation}


def mean_charts(charts: Sequence[dict[str, Any]], named: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return charts with one series for each group, and a band of one sample standard deviation over its seeds.

    Args:
        charts: Merged charts. Each series has its `run`, its `part` (name without the run) and its `colour`.
        named: Run → group.
    """
    made = []
    for chart in charts:
        parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for series in chart["series"]:
            parts.setdefault((named[series["run"]], series["part"]), []).append(series)
        drawn = [
            same[0] if len(same) == 1 else _mean_series(f"{group} {part}".strip(), same)
            for (group, part), same in parts.items()
        ]
        made.append(chart | {"series": drawn})
    return made


def _mean_series(name: str, same: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean of series at the steps that all of them have."""
    points = [dict(zip(series["x"], series["y"], strict=True)) for series in same if series["x"]]
    shared = sorted(set.intersection(*map(set, points))) if points else []
    x: list[float] = []
    y: list[float | None] = []
    low: list[float | None] = []
    high: list[float | None] = []
    for step in shared:
        values = [one[step] for one in points]
        x.append(step)
        if any(value is None for value in values):  # a gap between stages
            y.append(None)
            low.append(None)
            high.append(None)
            continue
        mean = statistics.fmean(values)
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        y.append(short_number(mean))
        low.append(short_number(mean - deviation))
        high.append(short_number(mean + deviation))
    band = {} if "low" in same[0] else {"band": True}
    return same[0] | {"name": name, "x": x, "y": y, "low": low, "high": high} | band
