"""A run's results as the page's facts and tables: before and after, the floors, other tasks, kinds, published rows.

A cell is a text, or {"text", "value", "low", "high"} for a share with its 95% interval, drawn as a bar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
    """A label for people; "random-sokoban", as films of several tasks are called, is the label and its task."""
    known, dash, task = label.partition("-")
    if dash and (known in LABELS or known.startswith("after_")):
        return f"{title(known)} · {task}"
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
    tasks = list(dict.fromkeys(str(row.get("task", "?")) for row in rows))
    rows.sort(key=lambda row: tasks.index(str(row.get("task", "?"))))
    tables: list[Table] = []
    scored = any(_score(row.get("score")) for row in rows)
    if len(tasks) > 1:
        tables.append(_by_task(rows, tasks, "success", "Success on held-out episodes, by task", share))
        if scored:
            tables.append(_by_task(rows, tasks, "score", "Score on held-out episodes, by task", _score))
    if rows:
        columns = ["Task", "Policy", "Success", *(["Score"] if scored else [])]
        columns += ["Return", "Valid replies", "Turns", "T", "Episodes"]
        lines: list[list[Cell]] = []
        for row in rows:
            line: list[Cell] = [str(row.get("task", "?")), _player(row), share(row.get("success"))]
            line += [_score(row.get("score"))] if scored else []
            line += [plain(row.get("return"), 2), share({"mean": row.get("valid")}), plain(row.get("turns"), 1)]
            lines.append([*line, plain(row.get("temperature"), 1), count(row)])
        whole = "Success on held-out episodes" if len(tasks) == 1 else "All that was measured"
        tables.append({"title": whole, "columns": columns, "rows": lines})
    for task in tasks:
        mine = [row for row in rows if str(row.get("task", "?")) == task]
        kinds = dict.fromkeys(kind for row in mine for kind in mapping(row.get("kinds")))
        if len(kinds) > 1:
            lines = [[str(kind), *(share(mapping(row.get("kinds")).get(kind)) for row in mine)] for kind in kinds]
            columns = ["Kind", *map(_player, mine)]
            tables.append({"title": f"{task}: success by kind", "columns": columns, "rows": lines})
    published = [row for row in items(results.get("published")) if isinstance(row, Mapping)]
    if published:
        keys = ("suite", "policy", "score", "source")
        lines = [[str(row.get(key, "")) for key in keys] for row in published]
        tables.append({"title": "Published", "columns": ["Suite", "Policy", "Score", "Source"], "rows": lines})
    return tables


def _by_task(
    rows: list[Mapping[str, Any]], tasks: list[str], key: str, name: str, cell: Callable[[Any], Cell]
) -> Table:
    """Tasks down, policies across."""
    players = list(dict.fromkeys(map(_player, rows)))
    found = {(str(row.get("task", "?")), _player(row)): cell(row.get(key)) for row in rows}
    lines = [[task, *(found.get((task, player), "") for player in players)] for task in tasks]
    lines = [line for line in lines if any(line[1:])]  # not every task has a score
    return {"title": name, "columns": ["Task", *players], "rows": lines}


def _player(row: Mapping[str, Any]) -> str:
    """Whose row it is."""
    return title(str(row.get("policy", "?"))) + (" (blind)" if row.get("blind") is True else "")


def _score(result: Any) -> Cell:
    """A benchmark's own score, with its interval where there is one."""
    mean, interval = mapping(result).get("mean"), [plain(value, 1) for value in items(mapping(result).get("ci95"))]
    return f"{plain(mean, 1)} ({' – '.join(interval)})" if len(interval) == 2 else plain(mean, 1)


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
