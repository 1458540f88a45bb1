"""A run's results as the page's facts and tables: before and after, the floors, other tasks, kinds, published rows.

A cell is a text, or {"text", "value", "low", "high"} for a share with its 95% interval, drawn as a bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from render.curves import number
from render.viewer.records import rank

LABELS: Final = {
    "before": "Before RL", "after": "After RL", "random": "Random", "idle": "Idle", "expert": "Expert",
    "human": "Human", "train": "Training",
}  # fmt: skip

Cell = str | dict[str, Any]
Table = dict[str, Any]


def title(label: str) -> str:
    """A label for people."""
    return f"After {label.removeprefix('after_').upper()}" if label.startswith("after_") else LABELS.get(label, label)


def facts(summary: Mapping[str, Any]) -> list[list[str]]:
    """What a run was, in pairs of words. `summary` is summary.json, or what is known while the run goes on."""
    found = []
    for key, label in (("task", "Task"), ("seed", "Seed"), ("model", "Model")):
        if isinstance(summary.get(key), str | int):
            found.append([label, str(summary[key])])
    took, memory = number(summary.get("seconds")), number(summary.get("peak_memory_mb"))
    if took:
        found.append(["Time", duration(took)])
    if memory is not None:
        found.append(["Memory", f"{memory / 1000:.2f} GB"])
    for stage in items(summary.get("stages")):
        if isinstance(stage, Mapping):
            took = number(stage.get("seconds"))
            text = f"{stage.get('steps', '?')} steps" + (f", {duration(took)}" if took is not None else "")
            found.append([f"Stage {stage.get('name', '?')}", text])
    checkpoint = summary.get("checkpoint")
    if isinstance(checkpoint, Mapping):
        found.append(["Checkpoint", f"{checkpoint.get('path', '')} (step {checkpoint.get('step', '?')})"])
    return found


def result_tables(summary: Mapping[str, Any]) -> list[Table]:
    """The tables of a run's summary: its own task by policy, and the other tasks."""
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
        tables.append({"title": "Success on held-out episodes", "columns": columns, "rows": rows})
    others = {name: mapping(result) for name, result in mapping(summary.get("others")).items()}
    if others:
        labels = sorted({label for result in others.values() for label in result}, key=rank)
        rows = [[task, *(share(result.get(label)) for label in labels)] for task, result in others.items()]
        tables.append({"title": "Other tasks", "columns": ["Task", *map(title, labels)], "rows": rows})
    return tables


def comparison_tables(results: Mapping[str, Any]) -> list[Table]:
    """The tables of a results.json: policies by task, then by kind, then published rows."""
    rows = [row for row in items(results.get("rows")) if isinstance(row, Mapping)]
    tables = []
    if rows:
        scores = any(isinstance(row.get("score"), Mapping) for row in rows)
        columns = ["Task", "Policy", "Success", *(["Score"] if scores else []), "Return", "Valid replies", "Turns", "T",
                   "Episodes"]  # fmt: skip
        lines: list[list[Cell]] = []
        for row in rows:
            score = [plain(mapping(row.get("score")).get("mean"), 1)] if scores else []
            policy = title(str(row.get("policy", "?"))) + (" (blind)" if row.get("blind") is True else "")
            lines.append(
                [str(row.get("task", "?")), policy, share(row.get("success")), *score, plain(row.get("return"), 2),
                 share({"mean": row.get("valid")}), plain(row.get("turns"), 1), plain(row.get("temperature"), 1),
                 count(row)]
            )  # fmt: skip
        tables.append({"title": "Success on held-out episodes", "columns": columns, "rows": lines})
    for task in dict.fromkeys(str(row.get("task", "?")) for row in rows):
        mine = [row for row in rows if str(row.get("task", "?")) == task]
        kinds = dict.fromkeys(kind for row in mine for kind in mapping(row.get("kinds")))
        if len(kinds) > 1:
            lines = [[str(kind), *(share(mapping(row.get("kinds")).get(kind)) for row in mine)] for kind in kinds]
            columns = ["Kind", *(title(str(row.get("policy", "?"))) for row in mine)]
            tables.append({"title": f"{task}: success by kind", "columns": columns, "rows": lines})
    published = [row for row in items(results.get("published")) if isinstance(row, Mapping)]
    if published:
        keys = ("suite", "policy", "score", "source")
        lines = [[str(row.get(key, "")) for key in keys] for row in published]
        tables.append({"title": "Published", "columns": ["Suite", "Policy", "Score", "Source"], "rows": lines})
    return tables


def share(result: Any) -> Cell:
    """A mean between 0 and 1, with its interval where there is one."""
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
    """How many episodes a result is over."""
    found = number(result.get("n"))
    return "" if found is None else str(round(found))


def plain(value: Any, digits: int) -> str:
    """A number as text; empty where there is none."""
    found = number(value)
    return "" if found is None else f"{found:.{digits}f}"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def mapping(value: Any) -> dict[str, Any]:
    """A dictionary, empty where the value is none."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> Iterable[Any]:
    """A list, empty where the value is none."""
    return value if isinstance(value, list) else []
