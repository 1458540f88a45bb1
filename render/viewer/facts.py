"""Facts of a run for the top of its page, its progress, and its settings.

Settings are read as texts (`Folder`), so that no value is invalid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from render.records.curves import number
from render.viewer.tables import duration, items, mapping

RECENT: Final = 20
"""Number of steps for the estimate of the time left."""
OF_ONE_RUN: Final = ("name", "out", "resume", "resume_changed")
"""Settings that do not change a run."""


def facts(summary: Mapping[str, Any], settings: Mapping[str, Any], own: Mapping[str, Any]) -> list[list[str]]:
    """Return facts about a run as [label, text] pairs.

    Args:
        summary: Content of summary.json, or a provisional summary.
        settings: Settings of the run.
        own: Content of facts.json.
    """
    model = mapping(settings.get("model")).get("path") or summary.get("model")
    pairs: list[tuple[str, Any]] = [("Task", summary.get("task")), ("Model", model)]
    count = number(own.get("parameters"))
    pairs.append(("Parameters", "" if count is None else short(count)))
    pairs.append(("Learning rate", learning_rate(settings)))
    pairs.append(("Seed", summary.get("seed")))
    pairs += [(label, own.get(key)) for key, label in (("device", "Device"), ("commit", "Commit"))]
    pairs.append(("Started", str(own.get("date", "")).replace("T", " ")[:16]))
    took, memory = number(summary.get("seconds")), number(summary.get("peak_memory_mb"))
    pairs.append(("Time", duration(took) if took else ""))
    pairs.append(("Memory", "" if memory is None else f"{memory / 1000:.2f} GB"))
    for stage in items(summary.get("stages")):
        if isinstance(stage, Mapping):
            took = number(stage.get("seconds"))
            text = f"{stage.get('steps', '?')} steps" + (f", {duration(took)}" if took is not None else "")
            if effect := stage.get("effect"):
                text += f": {effect}"
            pairs.append((f"Stage {stage.get('name', '?')}", text))
    checkpoint = summary.get("checkpoint")
    if isinstance(checkpoint, Mapping):
        pairs.append(("Checkpoint", f"{checkpoint.get('path', '')} (step {checkpoint.get('step', '?')})"))
    pairs.append(("Command", own.get("command")))
    return [[label, str(text)] for label, text in pairs if isinstance(text, str | int) and str(text)]


def learning_rate(settings: Mapping[str, Any]) -> str:
    """Return the learning rate, of each stage if they differ."""
    stages = {
        name: str(mapping(mapping(stage).get("algo")).get("lr", ""))
        for name, stage in mapping(settings.get("stages")).items()
        if str(mapping(stage).get("steps", "")) != "0"
    }
    known = {name: rate for name, rate in stages.items() if rate}
    if len(set(known.values())) > 1:
        return ", ".join(f"{name} {rate}" for name, rate in known.items())
    return next(iter(known.values()), str(settings.get("lr", "")))


def progress(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any], doing: str) -> dict[str, Any]:
    """Return how far a live run is.

    Args:
        rows: Lines of metrics.jsonl.
        settings: Settings of the run.
        doing: What the run does between steps; empty during training.

    Returns:
        `done` and `total`, in `unit`s ("step" or "decision"), `seconds_left` of training or None, and `doing`.
    """
    steps = [row for row in rows if row.get("stage") != "evaluation"]
    if "stages" in settings:
        counts = [str(mapping(stage).get("steps", "")) for stage in mapping(settings["stages"]).values()]
        total, unit, key = sum(int(count) for count in counts if count.isdecimal()), "step", "total_step"
    else:
        total, unit, key = _whole(settings.get("steps")), "decision", "env_steps"
    done = int(number(steps[-1].get(key)) or 0) if steps else 0
    recent = steps[-RECENT:]
    amount = done - int(number(steps[-len(recent) - 1].get(key)) or 0) if len(steps) > len(recent) else done
    took = sum(number(row.get("time/step")) or 0.0 for row in recent)
    validated = sum(number(row.get("time/evaluate")) or 0.0 for row in rows if row.get("stage") == "evaluation")
    left = None
    if amount and took and total:
        left = round(max(0, total - done) * (took / amount + validated / max(1, done)))
    return {"done": done, "total": total, "unit": unit, "seconds_left": left, "doing": doing}


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the settings that can change a run as dotted key → text."""
    found: dict[str, str] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{name}.")
        elif name not in OF_ONE_RUN:
            found[name] = str(value)
    return found


def colours(results: Mapping[str, Any]) -> dict[str, int]:
    """Return the colour number of each evaluated policy, by its name and by the label of its episodes."""
    rows = [row for row in items(results.get("rows")) if isinstance(row, Mapping)]
    names = list(dict.fromkeys(str(row.get("policy", "")) for row in rows if not row.get("floor")))
    found = {re.sub(r"[^\w.-]+", "-", name).strip("-."): number for number, name in enumerate(names)}
    return found | {name: number for number, name in enumerate(names)}


def short(count: float) -> str:
    """Format a number of parameters: `1.2 million` or `3.75 billion`."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if count >= size:
            return f"{count / size:.3g} {word}"
    return f"{count:.0f}"


def _whole(value: Any) -> int:
    return int(value) if str(value).isdecimal() else 0
