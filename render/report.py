"""The report of a run: one self-contained HTML file with its results, curves, videos and episodes.

It opens as a plain file with no network. Everything out of the run is data: tables are escaped by Jinja, and the
rest is JSON in a script element that the browser does not run, shown by `textContent` alone, so that a reply with
HTML in it is seen as it was written.
"""

from __future__ import annotations

import base64
import json
import math
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from render.curves import pieces, read_checkpoint, read_curves, read_floors
from render.episode import FILE, FRAMES, read_records

EPISODES: Final = 64
"""At most so many episodes of each policy are in the page."""
FRAME_BYTES: Final = 48_000_000
"""At most so many bytes of frames are in the page; later episodes are left out, with a note."""
ORDER: Final = ("before", "after", "random", "idle", "expert")
LABELS: Final = {"before": "Before RL", "after": "After RL", "random": "Random", "idle": "Idle", "expert": "Expert"}


def write_report(run_folder: Path | str) -> Path:
    """Write `report.html` into a run folder, from what is there; what is missing is left out, with a note.

    Read are summary.json, config.yaml, metrics.jsonl, videos/*.mp4, and the episode records in episodes/ and in its
    folders. The file is replaced whole or not at all.

    Raises:
        ValueError: the folder does not exist.
        OSError: the disk is full or not writable.
    """
    folder = Path(run_folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no run folder: it does not exist")
    notes: list[str] = []
    summary = _read_json(folder / "summary.json", notes)
    episodes, frames = _episodes(folder / "episodes", notes)
    config = _read_text(folder / "config.yaml", notes)
    data = {
        "curves": _curves(folder / "metrics.jsonl", summary, notes),
        "episodes": episodes,
        "frames": frames,
    }
    environment = Environment(
        loader=PackageLoader("render", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("report.html.j2").render(
        name=folder.resolve().name,
        facts=_facts(summary),
        success=_success_rows(summary.get("success")),
        others=_others_table(summary.get("others")),
        videos=_videos(folder / "videos", notes),
        config=config,
        notes=notes,
        data=embedded_json(data),
    )
    path = folder / "report.html"
    part = folder / f".report.{os.getpid()}.part"
    try:
        part.write_text(page, encoding="utf-8", errors="replace")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def embedded_json(data: Any) -> Markup:
    """JSON for a script element: nothing in it can end the element, and numbers that JSON lacks become null."""
    text = json.dumps(_finite(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # escaped above; what is not ASCII, U+2028 among it, by ensure_ascii


def _finite(data: Any) -> Any:
    """The same data with NaN and infinities as None."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {str(key): _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return data


def _read_text(path: Path, notes: list[str]) -> str:
    """A file's text; empty, with a note, where it is missing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        notes.append(f"{path.name} is not there.")
        return ""


def _read_json(path: Path, notes: list[str]) -> dict[str, Any]:
    """A file's JSON object; empty, with a note, where it is missing or damaged."""
    text = _read_text(path, notes)
    try:
        value = json.loads(text) if text else {}
    except ValueError as error:
        value = None
        notes.append(f"{path.name} is no JSON ({error}).")
    return value if isinstance(value, dict) else {}


def _curves(path: Path, summary: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """The panels' points for the page's script."""
    rows = []
    for line in _read_text(path, notes).splitlines():
        try:
            row = json.loads(line)
        except ValueError:  # a run that was killed while writing
            continue
        if isinstance(row, dict):
            rows.append(row)
    curves = read_curves(rows)
    panels = [
        {"metric": curve.metric, "title": curve.title, "unit": curve.unit, "pieces": pieces(curve, curves.stages)}
        for curve in curves.panels
    ]
    return {
        "panels": panels,
        "stages": curves.stages,
        "evaluations": curves.evaluations,
        "floors": read_floors(summary),
        "checkpoint": read_checkpoint(summary),
    }


def _episodes(folder: Path, notes: list[str]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The records of `folder` and of the folders in it, and their frames as base64 PNG, each once."""
    episodes: list[dict[str, Any]] = []
    frames: dict[str, str] = {}
    count: dict[str, int] = {}
    size = left_out = 0
    places = [folder, *sorted(path for path in folder.glob("*") if path.is_dir() and path.name != FRAMES)]
    for place in places:
        for record in _records(place, notes):
            policy = str(record["policy"])
            count[policy] = count.get(policy, 0) + 1
            if count[policy] > EPISODES or size > FRAME_BYTES:
                left_out += 1
                continue
            for turn in record["turns"]:
                name = turn["frame"]
                if name is None or name in frames:
                    continue
                try:
                    data = (place / FRAMES / f"{name}.png").read_bytes()
                except OSError:
                    notes.append(f"The frame {name}.png is not there.")
                    data = b""
                frames[name] = base64.b64encode(data).decode()
                size += len(frames[name])
            episodes.append(record)
    if not episodes:
        notes.append("No episodes are recorded.")
    if left_out:
        notes.append(f"{left_out} more recorded episodes are not in this page; they are in episodes/.")
    return sorted(episodes, key=lambda episode: _rank(str(episode["policy"]))), frames


def _records(folder: Path, notes: list[str]) -> Iterator[dict[str, Any]]:
    """A folder's records; where they cannot be read (on), a note says why."""
    if not (folder / FILE).exists():
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield from read_records(folder)
        except (ValueError, OSError) as error:
            notes.append(str(error))
    notes.extend(str(warning.message) for warning in caught)


def _videos(folder: Path, notes: list[str]) -> list[tuple[str, str]]:
    """Name and data URI of each video, those before and after beside each other."""
    paths = sorted(folder.glob("*.mp4"), key=lambda path: _rank(path.stem))
    if not paths:
        notes.append("No videos are recorded.")
    return [
        (_label(path.stem), "data:video/mp4;base64," + base64.b64encode(path.read_bytes()).decode()) for path in paths
    ]


def _facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The run's facts for the head of the page."""
    facts = []
    for key, label in (("task", "Task"), ("seed", "Seed")):
        if key in summary:
            facts.append((label, str(summary[key])))
    seconds, memory = _number(summary.get("seconds")), _number(summary.get("peak_memory_mb"))
    if seconds is not None:
        facts.append(("Time", _duration(seconds)))
    if memory is not None:
        facts.append(("Memory", f"{memory / 1000:.2f} GB"))
    for stage in _list(summary.get("stages")):
        if isinstance(stage, Mapping):
            took = _number(stage.get("seconds"))
            text = f"{stage.get('steps', '?')} steps" + (f", {_duration(took)}" if took is not None else "")
            facts.append((f"Stage {stage.get('name', '?')}", text))
    checkpoint = summary.get("checkpoint")
    if isinstance(checkpoint, Mapping):
        facts.append(("Checkpoint", f"{checkpoint.get('path', '')} (step {checkpoint.get('step', '?')})"))
    return facts


def _success_rows(success: Any) -> list[dict[str, Any]]:
    """The rows of the success table; percentages as numbers, None where there is none."""
    rows = []
    for name, result in sorted(_mapping(success).items(), key=lambda item: _rank(item[0])):
        result = _mapping(result)
        interval = [_number(value) for value in _list(result.get("ci95"))]
        low, high = interval if len(interval) == 2 else (None, None)
        values = {"mean": _number(result.get("mean")), "low": low, "high": high}
        values |= {key: _number(result.get(key)) for key in ("greedy", "blind")}
        row: dict[str, Any] = {key: None if value is None else 100 * value for key, value in values.items()}
        count = _number(result.get("n"))
        rows.append(row | {"name": name, "label": _label(name), "n": None if count is None else round(count)})
    return rows


def _others_table(others: Any) -> dict[str, Any]:
    """The table of the run's other tasks: columns (before, after FRE, after …) and a row of percentages a task."""
    tasks = {name: _mapping(results) for name, results in _mapping(others).items()}
    columns = sorted({column for results in tasks.values() for column in results}, key=_rank)
    rows = []
    for name, results in tasks.items():
        means = [_number(_mapping(results.get(column)).get("mean")) for column in columns]
        rows.append((name, [None if mean is None else 100 * mean for mean in means]))
    return {"columns": [_label(column) for column in columns], "rows": rows}


def _rank(name: str) -> tuple[float, str]:
    """Where a policy stands: before, after each stage, after, then the floors, then others by name."""
    first = name.split("-")[0]
    if first.startswith("after_"):
        return 0.5, name
    return (float(ORDER.index(first)) if first in ORDER else float(len(ORDER)), name)


def _label(name: str) -> str:
    """A policy's name for people."""
    if name.startswith("after_"):
        return f"After {name.removeprefix('after_').upper()}"
    return LABELS.get(name, name)


def _duration(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _mapping(value: Any) -> dict[str, Any]:
    """A dictionary, empty where the value is none."""
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    """A list, empty where the value is none."""
    return value if isinstance(value, list) else []
