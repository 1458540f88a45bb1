"""Results as tables: what a reader sees, and that hostile names stay names."""

import csv
import io
import re
from typing import Any

import pytest
from rich.console import Console

from training.compare.tables import Table, comma_separated, markdown, published, show, tables


def row(policy: str, mean: float, task: str = "sums", **more: Any) -> dict[str, Any]:
    """A row of results.json."""
    usual = {
        "task": task, "policy": policy, "suite": "", "n": 64, "score": None, "return": mean, "valid": 1.0, "turns": 1.0,
        "temperature": 1.0, "blind": False, "floor": False, "problem": "", "kinds": {},
    }  # fmt: skip
    return usual | {"success": {"mean": mean, "ci95": [mean - 0.1, mean + 0.1], "n": 64}} | more


def document(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schema": 1, "rows": list(rows), "published": [], "notes": []} | more


def share(mean: float) -> dict[str, Any]:
    return {"mean": mean, "ci95": [mean - 0.1, mean + 0.1], "n": 8}


def test_tables_have_a_row_per_policy() -> None:
    (table,) = tables(document(row("a", 0.5), row("b", 0.25, valid=0.875)))
    assert table.title == "sums · 64 held-out episodes each · T=1"
    assert table.columns == ["policy", "success", "return", "valid", "turns"]
    assert table.as_json["rows"][0][1] == {"text": "50% (40–60)", "value": 0.5, "low": 0.4, "high": 0.6}
    assert table.texts == [["a", "50% (40–60)", "0.50", "100%", "1.0"], ["b", "25% (15–35)", "0.25", "88%", "1.0"]]


def test_tables_show_what_differs_between_rows() -> None:
    score = {"mean": 47.91, "ci95": [46.04, 49.86], "n": 64}
    none: dict[str, Any] = {"success": None, "return": None, "valid": None, "turns": None, "n": 0}
    rows = [
        row("a", 0.5, n=12, score=score, temperature=0.0),
        row("b", 0.5, blind=True),
        row("c", 0.0, **none, problem="x"),
    ]
    (table,) = tables(document(*rows))
    assert table.title == "sums · held-out episodes · T=0 and T=1, blind and T=1"
    assert table.columns == ["policy", "success", "score", "return", "valid", "turns", "n"]
    assert table.texts[0] == ["a", "50% (40–60)", "47.9 (46.0–49.9)", "0.50", "100%", "1.0", "12"]
    assert table.texts[1][2] == "–" and table.texts[2] == ["c", "–", "–", "–", "–", "–", "0"]
    assert table.notes == ["c was stopped: x"]


def test_tables_by_kind_have_as_many_policies_as_fit_the_width() -> None:
    kinds = {"6x6, 1 box": share(0.5), "7x7, 2 boxes": share(0.25)}
    rows = [row(name, 0.5, kinds=kinds) for name in "abcd"] + [row("e", 0.5, kinds={"6x6, 1 box": share(0.5)})]
    _, first, second = tables(document(*rows), width=80)
    assert (first.columns, second.columns) == (["kind", "a", "b", "c"], ["kind", "d", "e"])
    assert first.title == "sums · success by kind"
    assert second.texts == [["6x6, 1 box", "50% (40–60)", "50% (40–60)"], ["7x7, 2 boxes", "25% (15–35)", "–"]]
    assert [len(table.columns) for table in tables(document(*rows), width=200)[1:]] == [6]
    assert len(tables(document(rows[4]))) == 1  # one kind is no split


def test_tables_of_a_suite_include_published_results() -> None:
    beside, notes = published(["sums", "football_online"])
    assert {(one["suite"], one["source"]) for one in beside} == {("football_online", "arXiv 2503.07536")}
    scores = {one["policy"]: one["score"] for one in beside}
    assert (scores["LMM-R1 (3B)"], scores["human"], scores["idle"]) == (18.99, 54.68, 2.53)
    assert len(notes) == 1 and "The engine is ours" in notes[0]
    score = {"mean": 20.0, "ci95": [18.0, 22.0], "n": 64}
    parts = [row("a", 0.5, task=f"football_online_{part}", suite="football_online") for part in ("easy", "hard")]
    whole = row("a", 0.5, task="football_online", score=score)
    (table,) = tables(document(*parts, whole, published=beside, notes=notes))
    assert table.texts[0][:3] == ["a", "50% (40–60)", "20.0 (18.0–22.0)"]
    assert table.texts[1][0] == "arXiv 2503.07536:" and table.texts[2][:3] == ["Qwen2.5-VL-3B-Instruct", "", "15.36"]
    assert (len(table.rows), table.num_reference_rows, table.notes) == (9, 8, notes)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_show_prints_the_tables_in_the_terminal(width: int) -> None:
    hostile = Table("[red]t[/red]", ["policy", "success"], [["[bold]runs/x[/bold]" * 8, "50% (40–60)"]], notes=["[b]n"])
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    show([hostile, *tables(document(row("a", 0.5)))], console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[red]t[/red]" in text and "[b]n" in text and "50% (40–60)" in text
    assert all(len(line) <= width for line in text.splitlines())
    unfolded = re.sub(r"\s", "", text.replace("50% (40–60)", ""))
    assert "[bold]runs/x[/bold]" * 8 in unfolded


def test_markdown_and_csv_have_the_same_figures() -> None:
    score = {"mean": 20.0, "ci95": [18.0, 22.0], "n": 64}
    kinds = {"x|y": share(0.5) | {"score": score}, "z": share(0.25)}
    name = "runs/a|b <i>*_"
    results = document(row(name, 0.5, kinds=kinds, score=score, suite="", problem="gone\n# no title"))
    text = markdown(tables(results), "mine")
    assert text.startswith("# mine\n\n**sums · 64 held-out episodes each · T=1**\n\n| policy | success | score |")
    assert "| runs/a\\|b \\<i\\>\\*_ | 50% (40–60) | 20.0 (18.0–22.0) |" in text
    assert "was stopped: gone # no title" in text and "\n# no" not in text
    lines = list(csv.DictReader(io.StringIO(comma_separated(results))))
    assert [line["kind"] for line in lines] == ["", "x|y", "z"]
    assert {line["policy"] for line in lines} == {name}
    part = document(row("a", 0.5, suite="six", kinds={"x": share(0.5)}, score={"mean": 2.0, "ci95": None, "n": 1}))
    assert {line["suite"] for line in csv.DictReader(io.StringIO(comma_separated(part)))} == {"six"}
    (table,) = tables(document(part["rows"][0] | {"suite": ""}))
    assert table.rows[0][2] == {"text": "2.0", "value": 2.0}  # a single score has no interval
    first, second, third = lines
    assert (first["success"], first["success_low"], first["score_high"], first["problem"][:4]) == (
        "0.5",
        "0.4",
        "22.0",
        "gone",
    )
    assert (second["n"], second["score"], third["score"], third["return"]) == ("8", "20.0", "", "")
