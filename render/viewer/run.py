"""Page data (schema 1) of one or several watched run folders.

With several runs, labels become "run/label", curves share their charts, and table rows carry the name of their run.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from render.viewer import charts, seeds
from render.viewer.folder import Folder
from render.viewer.records import Place, Records, rank
from render.viewer.tables import Cell, title

SCHEMA: Final = 1
REFERENCES: Final = ("Random", "Idle", "Expert")
"""Titles of the reference policies."""


class Watched:
    """Run folders shown on one page."""

    def __init__(self, paths: Sequence[Path]) -> None:
        paths = list({path.resolve(): path for path in paths}.values())  # ignore folders given twice
        names = _different([path.resolve().name for path in paths])
        self.folders = [Folder(path, name) for path, name in zip(paths, names, strict=True)]
        self.prefixes = [f"{name}/" if len(paths) > 1 else "" for name in names]
        self.records = Records(dict(zip(self.prefixes, paths, strict=True)))

    def run(self) -> dict[str, Any]:
        """Read the current state from disk and return the page data without episodes."""
        self.records.refresh()
        several = len(self.folders) > 1
        runs, settings = [], []
        for folder, prefix in zip(self.folders, self.prefixes, strict=True):
            run = folder.run(folder.name if several else "")
            run["notes"] += self.records.notes(prefix, run["live"])
            settings.append(run.pop("settings"))
            runs.append(run)
        merged = _merged(runs, [folder.name for folder in self.folders], settings) if several else runs[0]
        tasks = dict.fromkeys(run["task"] for run in runs if run["task"])
        return {
            "schema": SCHEMA,
            "generation": self.records.generation,
            "name": " + ".join(folder.name for folder in self.folders),
            **merged,
            "task": ", ".join(tasks or dict.fromkeys(self.records.columns["task"])),
            "videos": self._videos(),
            "policies": self._policies(),
            "marks": self.records.marked(),
        }

    def episodes(self, after: int) -> dict[str, Any]:
        """Return the index of the episodes with an id of at least `after`."""
        self.records.refresh()
        return self.records.index(after)

    def episode(self, number: int) -> dict[str, Any]:
        """Return a record with its frames as server URLs. Raises the errors of `Records.record`."""
        if number >= len(self.records):
            self.records.refresh()
        place, record = self.records.record(number)
        where = self.records.places.index(place)
        return with_frames(record, place, lambda path: f"/frames/{where}/{path.name}")

    def search(self, words: str) -> dict[str, Any]:
        """Return the ids of the episodes whose prompts or replies contain `words`."""
        return {"generation": self.records.generation, "ids": self.records.texts.find(words)}

    def video(self, number: int, name: str) -> Path | None:
        """Return the path of a video, or None if there is no such video."""
        if not 0 <= number < len(self.folders):
            return None
        videos = self.folders[number].videos()
        return {os.fsencode(one).decode(errors="replace"): path for one, path in videos.items()}.get(name)

    def _videos(self) -> list[dict[str, str]]:
        """Return the videos with their server URLs."""
        return [
            {
                "name": prefix + path.stem,
                "title": self._title(prefix + path.stem, prefix),
                "url": f"/videos/{number}/{quote(os.fsencode(name))}",
            }
            for number, (folder, prefix) in enumerate(zip(self.folders, self.prefixes, strict=True))
            for name, path in folder.videos().items()
        ]

    def _policies(self) -> list[dict[str, Any]]:
        """Return the policies run by run: before, after each stage, after, then the others."""
        found = Counter(self.records.columns["label"])
        return [
            {"label": label, "title": self._title(label, prefix), "episodes": found[label]}
            for prefix in self.prefixes
            for label in sorted(found, key=lambda label: rank(label.removeprefix(prefix)))
            if label.startswith(prefix)
        ]

    @staticmethod
    def _title(label: str, prefix: str) -> str:
        """Return the display title of a label, with its run if there are several."""
        name = title(label.removeprefix(prefix))
        return f"{prefix.removesuffix('/')} · {name}" if prefix else name


def with_frames(record: dict[str, Any], place: Place, address: Callable[[Path], str | None]) -> dict[str, Any]:
    """Return a record whose frames are URLs instead of names.

    Args:
        record: the record.
        place: folder of the record.
        address: maps a frame file to its URL; a missing file gets None.
    """
    there = place.frames(set(frame_names(record)))
    shown = {name: address(path) for name, path in there.items()}

    def with_urls(turn: dict[str, Any]) -> dict[str, Any]:
        more = {"more_frames": [shown.get(name) for name in turn["more_frames"]]}
        return turn | {"frame": shown.get(turn["frame"])} | more

    turns = [with_urls(turn) for turn in record["turns"]]
    return record | {"turns": turns, "final_frame": shown.get(record["final_frame"])}


def frame_names(record: dict[str, Any]) -> list[str | None]:
    """Return the names of all frames of a record, None for each turn without one."""
    names = [name for turn in record["turns"] for name in [turn["frame"], *turn["more_frames"]]]
    return [*names, record["final_frame"]]


def _merged(runs: list[dict[str, Any]], names: list[str], settings: list[dict[str, str]]) -> dict[str, Any]:
    """Merge the page data of several runs.

    Args:
        runs: Page data of each run.
        names: Names of the runs.
        settings: Flat settings of each run.
    """
    pairs = list(zip(names, runs, strict=True))
    steps = {run["reported_step"] for run in runs if run["stages"]}
    stages = [run["stages"] for run in runs if run["stages"]]
    drawn = charts.overlaid([(name, run["charts"]) for name, run in pairs])
    tables = _tables(pairs)
    grouped = seeds.groups(names, settings)
    after = [_after(run) for run in runs]
    differing = [
        seeds.differences(names, settings, after, part) for part in ([[one] for one in range(len(names))], grouped)
    ]
    named = {names[one]: seeds.group_name([names[index] for index in group]) for group in grouped for one in group}
    colours = {named[names[group[0]]]: group[0] for group in grouped}
    means = None
    if len(grouped) < len(names):
        drawn_means = seeds.mean_charts(drawn, named)
        for chart in drawn_means:
            chart["series"] = [one | {"colour": colours[named[one["run"]]]} for one in chart["series"]]
        means = {"charts": drawn_means, "tables": seeds.mean_tables(tables, named), "colours": colours}
    return {
        "live": any(run["live"] for run in runs),
        "waiting": all(run["waiting"] for run in runs),
        "progress": [{"name": name, **one} for name, run in pairs for one in run["progress"]],
        "facts": [[f"{name} · {label}", text] for name, run in pairs for label, text in run["facts"]],
        "notes": [f"{name}: {note}" for name, run in pairs for note in run["notes"]],
        "config": "\n".join(f"# {name}\n{run['config']}" for name, run in pairs if run["config"]),
        "stages": stages[0] if stages and all(one == stages[0] for one in stages) else [],
        "reported_step": steps.pop() if len(steps) == 1 else None,
        "charts": drawn,
        "tables": [*filter(None, differing[:1]), *tables],
        "colours": {name: number for number, name in enumerate(names)},
        "seeds": means and means | {"tables": [*filter(None, differing[1:]), *means["tables"]]},
    }


def _after(run: dict[str, Any]) -> Cell:
    """Return the success of a run after training, or an empty text."""
    rows = [row for table in run["tables"][:1] for row in table["rows"] if row[0] == "After RL"]
    return rows[0][1] if rows else ""


def _tables(runs: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Merge tables with the same title and columns. Rows get the name of their run.

    Rows of reference policies that are the same in all runs, and published rows, belong to no run. They come last,
    without duplicates.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, run in runs:
        for table in run["tables"]:
            kept = found.setdefault((table["title"], *table["columns"]), table | {"rows": [], "others": []})
            own = len(table["rows"]) - table.get("published", 0)
            kept["rows"] += [(name, row) for row in table["rows"][:own]]
            kept["others"] += [row for row in table["rows"][own:] if row not in kept["others"]]
    merged = []
    for table in found.values():
        others = table.pop("others")
        number = len({name for name, _ in table["rows"]})
        shared = [
            row
            for at, (_, row) in enumerate(table["rows"])
            if row[0] in REFERENCES
            and [other for _, other in table["rows"] if other[0] == row[0]] == [row] * number
            and all(other != row for _, other in table["rows"][:at])
        ]
        rows = [[f"{name} · {row[0]}", *row[1:]] for name, row in table["rows"] if row not in shared]
        merged.append(table | {"rows": rows + shared + others} | ({"published": len(others)} if others else {}))
    return merged


def _different(names: Sequence[str]) -> list[str]:
    """Return the names, made unique by a number."""
    out: list[str] = []
    for name in names:
        numbered = (f"{name} ({number})" for number in count(2))
        out.append(next(free for free in chain([name], numbered) if free not in out))
    return out
