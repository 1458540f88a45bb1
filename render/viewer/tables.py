"""Results of a run as the facts and tables of the page.

A cell is a text, or {"text", "value", "low", "high"} for a share with its 95% interval, drawn as a bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from render.records.curves import number
from render.viewer.about import about_columns
from render.viewer.records import rank

LABELS: Final = {
    "before": "Before RL", "after": "After RL", "random": "Random", "idle": "Idle", "expert": "Expert",
    "human": "Human", "train": "Training",
}  # fmt: skip

Cell = str | dict[str, Any]
Table = dict[str, Any]


def title(label: str) -> str:
    """Return the display title of a label. "random-sokoban", a video name with several tasks, has label and task."""
    known, dash, task = label.partition("-")
    if dash and (known in LABELS or known.startswith("after_")):
        return f"{title(known)} · {task}"
    return f"After {label.removeprefix('after_').upper()}" if label.startswith("after_") else LABELS.get(label, label)


def result_tables(summary: Mapping[str, Any]) -> list[Table]:
    """Return the tables of a run summary: results of its task by policy, and of other tasks."""
    tables = []
    results = {name: mapping(result) for name, result in mapping(summary.get("success")).items()}
    if results:
        extras = [
            (key, label)
            for key, label in (("greedy", "Greedy"), ("blind", "Blind"), ("valid", "Valid replies"))
            if any(number(result.get(key)) is not None for result in results.values())
        ]
        rows: list[list[Cell]] = [
            [title(name), share(result), *(share({"mean": result.get(key)}) for key, _ in extras), count(result)]
            for name, result in sorted(results.items(), key=lambda item: rank(item[0]))
        ]
        columns = ["Policy", "Success", *(label for _, label in extras), "Episodes"]
        tables.append(_table("Success on held-out episodes", columns, rows))
    others = {name: mapping(result) for name, result in mapping(summary.get("others")).items()}
    if others:
        labels = sorted({label for result in others.values() for label in result}, key=rank)
        rows = [[task, *(share(result.get(label)) for label in labels)] for task, result in others.items()]
        tables.append(_table("Success on other tasks", ["Task", *map(title, labels)], rows))
    return tables


def _table(title: str, columns: list[str], rows: list[list[Cell]]) -> Table:
    return {"title": title, "columns": columns, "about": about_columns(columns), "rows": rows}


def comparison_tables(results: Mapping[str, Any]) -> list[Table]:
    """Return the tables of a results.json written by `training.evaluate`. Malformed tables are left out.

    The optional `published` is the number of trailing rows taken from published results.
    """
    tables = []
    pairs = {str(mapping(pair).get("text")) for pair in items(results.get("pairs"))}
    for table in map(mapping, items(results.get("tables"))):
        if not table:
            continue
        rows = [[_cell(cell) for cell in items(row)] for row in items(table.get("rows")) if items(row)]
        published = min(len(rows), max(0, int(number(table.get("published")) or 0)))
        made = _table(str(table.get("title", "")), [str(column) for column in items(table.get("columns"))], rows)
        notes = [str(note) for note in items(table.get("notes"))]
        made["notes"] = [note for note in notes if note not in pairs]
        if said := [note for note in notes if note in pairs]:
            made["said"] = said
        tables.append(made | ({"published": published} if published else {}))
    return tables


def _cell(cell: Any) -> Cell:
    """Return a cell read from a file: a text, or a text with its numeric fields."""
    if not isinstance(cell, dict):
        return str(cell)
    figures = {key: number(cell.get(key)) for key in ("value", "low", "high")}
    return {"text": str(cell.get("text", "")), **{key: value for key, value in figures.items() if value is not None}}


def share(result: Any) -> Cell:
    """Return a cell for a mean from 0 to 1, with its interval if there is one."""
    result = mapping(result)
    mean = number(result.get("mean"))
    if mean is None:
        return ""
    interval = [number(value) for value in items(result.get("ci95"))]
    low, high = interval if len(interval) == 2 else (None, None)
    text = f"{100 * mean:.1f}%"
    if low is None or high is None:
        return {"text": text, "value": mean}
    return {"text": f"{text} ({100 * low:.1f} – {100 * high:.1f})", "value": mean, "low": low, "high": high}


def count(result: Mapping[str, Any]) -> str:
    """Return the number of episodes of a result as text."""
    found = number(result.get("n"))
    return "" if found is None else str(round(found))


def duration(seconds: float) -> str:
    """Format seconds as hours and minutes, minutes and seconds, or seconds."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def mapping(value: Any) -> dict[str, Any]:
    """Return the value if it is a dictionary, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> Iterable[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
