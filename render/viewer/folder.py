"""Page data of one run folder without its episodes: facts, curves, results and videos.

A folder may be a run (config.yaml), a baseline (baseline.yaml), results of `evaluate` (results.json) or only records.
Missing or damaged files become notes, never errors.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

from render.records.curves import read_checkpoint
from render.records.files import LOCK, in_use
from render.viewer import charts, facts, tables
from render.viewer.lines import Follower, inside
from render.viewer.records import rank

CONFIGS: Final = ("config.yaml", "baseline.yaml")
VIDEOS: Final = (".mp4", ".gif")
_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Loader that reads all values as texts, so that none is invalid."""


class Folder:
    """One watched folder."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        """Display name of the run."""
        self.rows: list[dict[str, Any]] = []
        """Lines of metrics.jsonl read so far."""
        self._metrics = Follower(path / "metrics.jsonl")
        self._damaged = 0
        self._drawn: tuple[Any, Any] = (None, None)
        self._parsed: tuple[str, dict[str, Any], str] = ("", {}, "")

    @property
    def live(self) -> bool:
        """True while another process works on the run: it holds the folder's lock until its summary is written."""
        return not (self.path / "summary.json").exists() and in_use(self.path)

    def run(self, prefix: str) -> dict[str, Any]:
        """Return the page data of the run. `prefix` names its curves if several runs share the page."""
        notes: list[str] = []
        live = self.live
        self._read_metrics(notes, live)
        config = self._text(self._config_name(), [])
        settings = self._settings(config, notes)
        results = self._json("results.json", notes)
        state = self._json("live.json", [])
        summary = self._json("summary.json", notes) or self._so_far(settings, state)
        waiting = empty(self.path)
        if not (self.rows or results or summary or config):
            notes.append("This folder has records only, without metrics or results.")
        elif not (results or live or (self.path / "summary.json").exists()):
            notes.append("summary.json is missing: the run was stopped before its end.")
        notes += [str(note) for note in tables.items(results.get("notes"))]
        compared = tables.comparison_tables(results)
        notes += [note for table in compared for note in table.pop("notes")]
        step = read_checkpoint(summary)
        drawn, stages = self._draw(summary, prefix)
        own = self._json("facts.json", [])
        return {
            "live": live,
            "waiting": waiting,
            "progress": [facts.progress(self.rows, settings, str(state.get("doing", "")))] if live else [],
            "task": str(summary.get("task", "")),
            "facts": facts.facts(summary, settings, own),
            "settings": facts.flat(settings),
            "colours": facts.colours(results),
            "notes": notes,
            "config": config,
            "stages": stages,
            "reported_step": None if step is None else round(step),
            "charts": drawn,
            "tables": tables.result_tables(summary) + compared,
        }

    def videos(self) -> dict[str, Path]:
        """Return the videos by file name. MP4 takes precedence over a GIF with the same stem."""
        try:
            paths = [path for path in (self.path / "videos").iterdir() if path.suffix in VIDEOS and path.is_file()]
        except OSError:
            return {}
        films = {path.stem for path in paths if path.suffix == ".mp4"}
        chosen = [path for path in paths if path.suffix == ".mp4" or path.stem not in films]
        return {path.name: path for path in sorted(chosen, key=lambda path: rank(path.stem)) if inside(self.path, path)}

    def _draw(self, summary: dict[str, Any], prefix: str) -> Any:
        """Return charts and stages, cached until the data change, since a live page polls often."""
        key = (self._metrics, len(self.rows), summary, prefix)
        if self._drawn[0] != key:
            self._drawn = (key, charts.draw(self.rows, summary, prefix))
        return self._drawn[1]

    def _config_name(self) -> str:
        """Return the name of the file with the settings."""
        return next((name for name in CONFIGS if (self.path / name).is_file()), CONFIGS[0])

    def _read_metrics(self, notes: list[str], live: bool) -> None:
        """Read new metrics, or all of them again if a resumed run replaced the file."""
        path = self.path / "metrics.jsonl"
        if not inside(self.path, path):
            notes.append("metrics.jsonl points outside the run's folder: not read.")
            return
        if self._metrics.replaced():
            self._metrics, self.rows, self._damaged = Follower(path), [], 0
        try:
            for _, line in self._metrics.new():
                row = _object(line)
                if row is None:
                    self._damaged += 1
                else:
                    self.rows.append(row)
        except OSError as error:
            notes.append(f"metrics.jsonl cannot be read: {error.strerror}.")
        if self._damaged:
            notes.append(f"metrics.jsonl: damaged lines were skipped ({self._damaged}).")
        if self._metrics.torn and not live:
            notes.append("metrics.jsonl: its last line is torn (killed while writing): skipped.")

    def _text(self, name: str, notes: list[str]) -> str:
        """Return the text of a file, empty if the file is missing."""
        path = self.path / name
        if not inside(self.path, path):
            notes.append(f"{name} points outside the run's folder: not read.")
            return ""
        if not path.is_file():
            return ""
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            notes.append(f"{name} cannot be read: {error.strerror}.")
            return ""

    def _json(self, name: str, notes: list[str]) -> dict[str, Any]:
        """Return the JSON object in a file, empty if the file is missing or damaged. Damage adds a note."""
        text = self._text(name, notes)
        value = _object(text)
        if text and value is None:
            notes.append(f"{name} is damaged (not a JSON object).")
        if value is not None and isinstance(value.get("schema"), int) and value["schema"] > 1:
            notes.append(f"{name} has schema {value['schema']}, newer than this Kickoff reads: update Kickoff.")
            return {}
        return value or {}

    def _settings(self, config: str, notes: list[str]) -> dict[str, Any]:
        """Return the settings of the run, with all values as texts. Damage adds a note."""
        if self._parsed[0] != config:
            try:
                found = tables.mapping(yaml.load(config, _LOADER))
                self._parsed = (config, found, "")
            except (yaml.YAMLError, RecursionError):
                self._parsed = (config, {}, f"{self._config_name()} is damaged (not YAML).")
        if self._parsed[2]:
            notes.append(self._parsed[2])
        return self._parsed[1]

    def _so_far(self, settings: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
        """Return a provisional summary from the settings and the results so far.

        Args:
            settings: Settings of the run.
            state: Content of live.json. Runs before it existed have the results of the newest checkpoint only.
        """
        tasks = [str(task) for task in tables.items(settings.get("envs"))]
        task = str(settings.get("env", "")) or ", ".join(tasks)
        known = {"task": task, "seed": settings.get("seed")} if task else {}
        found = sorted(self.path.glob("checkpoints/step-*/progress.json"))
        progress = self._json(found[-1].relative_to(self.path).as_posix(), []) if found else {}
        progress |= state
        results = {label: tables.mapping(result) for label, result in tables.mapping(progress.get("results")).items()}
        names = list(dict.fromkeys(name for result in results.values() for name in result))
        first = tasks[0] if tasks and tasks[0] in names else (names[0] if names else "")
        success = {label: result[first] for label, result in results.items() if first in result}
        others = {
            name: {label: result[name] for label, result in results.items() if name in result}
            for name in names
            if name != first
        }
        more = {key: progress[key] for key in ("stages", "seconds") if key in progress}
        return known | more | {key: value for key, value in (("success", success), ("others", others)) if value}


def empty(path: Path) -> bool:
    """Return True if a folder is missing or has nothing to show yet, as at the start of a run or an evaluation."""
    return not path.exists() or all(inner.name in (LOCK, "unfinished") for inner in path.iterdir())


def _object(text: str | bytes) -> dict[str, Any] | None:
    """Parse a JSON object. Return None for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
