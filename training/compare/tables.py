"""Tables of results and published scores, on the terminal, as Markdown and as CSV."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from configs.files import load_yaml
from training.runs.terminal import print_table

PUBLISHED = Path(__file__).with_name("published.yaml")
LABEL_WIDTH, CELL_WIDTH = 30, 16
"""Width in characters of the kind column and of each policy column in the tables by kind."""
NONE = "–"
"""Text of an empty cell."""


Cell = str | dict[str, Any]
"""A text, or a figure with text, value and, if there is an interval, low and high."""


@dataclass
class Table:
    """A table. The last `num_reference_rows` rows are published results."""

    title: str
    columns: list[str]
    rows: list[list[Cell]] = field(default_factory=list)
    num_reference_rows: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def as_json(self) -> dict[str, Any]:
        """The table as in results.json, for the page of `render.watch`."""
        rows = [["" if cell == NONE else cell for cell in row] for row in self.rows]
        published = {"published": self.num_reference_rows} if self.num_reference_rows else {}
        return {"title": self.title, "columns": self.columns, "rows": rows, "notes": self.notes} | published

    @property
    def texts(self) -> list[list[str]]:
        """Cell texts of every row."""
        return [[cell if isinstance(cell, str) else cell["text"] for cell in row] for row in self.rows]


def published(suites: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return published rows (suite, policy, score, source) for some suites, and notes on the differences."""
    known = load_yaml(PUBLISHED)
    rows, notes = [], []
    for suite in suites:
        if suite not in known:
            continue
        source = known[suite]["source"]
        rows += [
            {"suite": suite, "policy": policy, "score": score, "source": source}
            for policy, score in known[suite]["rows"].items()
        ]
        notes.append(f"{suite}, compared with {source}: {known[suite]['differs']}")
    return rows, notes


def tables(document: Mapping[str, Any], width: int = 80) -> list[Table]:
    """Return the tables of a results.json: for each suite or task, one by policy and others by kind.

    Args:
        document: Content of results.json.
        width: Available width in characters.
    """
    made = ladder_tables(document["ladder"]) if document.get("ladder") else []
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in document["rows"]:
        groups.setdefault(row["task"], []).append(row)
    for name, rows in groups.items():
        if any(row["suite"] for row in rows):  # a task of a suite is a line in the table of the suite
            continue
        published = [row for row in document["published"] if row["suite"] == name]
        made.append(_policies(name, rows, published))
        made[-1].notes += [pair["text"] for pair in document.get("pairs", []) if pair["task"] == name]
        made += _kinds(name, rows, width)
    if made:
        made[-1].notes += document["notes"]
    return made


def ladder_tables(ladder: Mapping[str, Any]) -> list[Table]:
    """Return the tables of a ladder: the ratings, then the results of each pair with their residuals."""
    both = ", both sides" if len(ladder["seats"]) == 2 else ""
    shown = f"{ladder['starts']} held-out starts{both} · T={ladder['temperature']:g}"
    ratings = Table(f"{ladder['task']} · ladder · {shown}", ["policy", "Elo", "points", "win", "draw", "loss", "n"])
    for row in ladder["players"]:
        low, high = row["elo"]["ci95"]
        elo = {"text": f"{row['elo']['mean']:.0f} ({low:.0f} to {high:.0f})", "value": row["elo"]["mean"]}
        rates = [share(row[key]) for key in ("points", "win", "draw", "loss")]
        ratings.rows.append([row["policy"], elo | {"low": low, "high": high}, *rates, str(row["n"])])
    pairs = Table(f"{ladder['task']} · matches of each pair", ["policy", "other", "win", "draw", "loss", "points"])
    pairs.columns += ["expected", "residual"]
    for row in ladder["pairs"]:
        counts = [str(row[key]) for key in ("win", "draw", "loss")]
        cells = [share(row["points"]), _percent(row["expected"]), f"{row['z']:+.1f} SE"]
        pairs.rows.append([row["policy"], row["other"], *counts, *cells])
    pairs.notes += ladder["notes"]
    return [ratings, pairs]


def _policies(name: str, rows: Sequence[Mapping[str, Any]], published: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table with a row for each policy, then the published results."""
    counts = [row["n"] for row in rows]
    scored = any(row["score"] for row in rows)
    same = len(set(counts)) == 1
    columns = [
        "policy",
        "success",
        *(["score"] if scored else []),
        "return",
        "valid",
        "turns",
        *([] if same else ["n"]),
    ]
    settings = dict.fromkeys(f"T={row['temperature']:g}{', blind' if row['blind'] else ''}" for row in rows)
    shown = f"{max(counts)} held-out episodes each" if same else "held-out episodes"
    table = Table(f"{name} · {shown} · {' and '.join(settings)}", columns)
    for row in rows:
        score = [_number(row["score"])] if scored else []
        cells = [_figure(row["return"], 2), _percent(row["valid"]), _figure(row["turns"], 1)]
        count = [] if same else [str(row["n"])]
        table.rows.append([row["policy"], share(row["success"]), *score, *cells, *count])
        if row["problem"]:
            table.notes.append(f"{row['policy']} was stopped: {row['problem']}")
    if scored and published:
        lines: list[list[Cell]] = [[f"{published[0]['source']}:"]]
        lines += [[row["policy"], "", {"text": f"{row['score']:.2f}", "value": row["score"]}] for row in published]
        table.rows += [line + [""] * (len(columns) - len(line)) for line in lines]
        table.num_reference_rows = len(lines)
    return table


def _kinds(name: str, rows: Sequence[Mapping[str, Any]], width: int) -> Iterator[Table]:
    """Yield tables with a row for each kind and a column for each policy, split to fit the width."""
    kinds = list(dict.fromkeys(kind for row in rows for kind in row["kinds"]))
    if len(kinds) < 2:
        return
    scored = any(row["score"] for row in rows)
    side = max(1, (width - LABEL_WIDTH) // CELL_WIDTH)
    for first in range(0, len(rows), side):
        part = rows[first : first + side]
        table = Table(
            f"{name} · {'score' if scored else 'success'} by kind", ["kind", *(row["policy"] for row in part)]
        )
        for kind in kinds:
            found = [row["kinds"].get(kind, {}) for row in part]
            table.rows.append([kind, *(_number(one.get("score"), 0) if scored else share(one) for one in found)])
        yield table


def show(made: Sequence[Table], console: Console, told: Sequence[str] = ()) -> None:
    """Print the tables to a console, with an empty line between two.

    Args:
        made: Tables to print.
        console: Console to print to.
        told: Notes that the user has read already. They are left out.
    """
    for number, table in enumerate(made):
        if number:
            console.print()
        print_table(console, table.columns, table.texts, table.title, table.num_reference_rows)
        notes = [note for note in table.notes if note not in told]
        if notes:
            console.print()
        for note in notes:
            console.print(note, style="dim")


def markdown(made: Sequence[Table], title: str) -> str:
    """Return the tables as Markdown."""
    lines = [f"# {title}", ""]
    for table in made:
        lines += [f"**{_plain(table.title)}**", ""]
        lines.append("| " + " | ".join(_plain(column) for column in table.columns) + " |")
        lines.append("|---" * len(table.columns) + "|")
        lines += ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in table.texts]
        lines += [line for note in table.notes for line in ("", _plain(note))]
        lines.append("")
    return "\n".join(lines)


def comma_separated(document: Mapping[str, Any]) -> str:
    """Return every row as CSV, each followed by its kinds."""
    text = io.StringIO()
    names = ["task", "suite", "policy", "kind", "n"]
    names += [f"{figure}{bound}" for figure in ("success", "score") for bound in ("", "_low", "_high")]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "return", "valid", "turns", "temperature", "blind", "floor", "problem"])
    for row in document["rows"]:
        rest = [row[key] for key in ("return", "valid", "turns", "temperature", "blind", "floor", "problem")]
        who = [row["task"], row["suite"], row["policy"]]
        writer.writerow([*who, "", row["n"], *_means(row["success"]), *_means(row["score"]), *rest])
        for kind, found in row["kinds"].items():
            means = [*_means(found), *_means(found.get("score"))]
            writer.writerow([*who, kind, found["n"], *means, "", "", "", *rest[3:]])
    return text.getvalue()


def _means(result: Mapping[str, Any] | None) -> list[Any]:
    return [result["mean"], *(result["ci95"] or ["", ""])] if result else ["", "", ""]


def share(result: Mapping[str, Any] | None) -> Cell:
    """Return a success rate in the form `91% (87–94)`."""
    if not result:
        return NONE
    low, high = result["ci95"]
    text = f"{result['mean']:.0%} ({100 * low:.0f}–{100 * high:.0f})"
    return {"text": text, "value": result["mean"], "low": low, "high": high}


def _number(result: Mapping[str, Any] | None, digits: int = 1) -> Cell:
    """Return a number in the form `47.9 (46.1–49.8)`."""
    if not result:
        return NONE
    cell = {"text": f"{result['mean']:.1f}", "value": result["mean"]}
    if not result["ci95"]:
        return cell
    low, high = result["ci95"]
    to = "–" if low >= 0 else " to "
    return cell | {"text": f"{cell['text']} ({low:.{digits}f}{to}{high:.{digits}f})", "low": low, "high": high}


def _figure(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{value:.0%}"


def _plain(text: str) -> str:
    """Return a text escaped as one cell of a Markdown table."""
    for sign in "\\|<>*`[]":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
