"""Ladder of policies: matches of all pairs, ratings, records and resuming."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.policies.scripted import MixedPolicy
from configs.errors import UserError
from render.records.reading import read_records
from render.viewer.tables import comparison_tables
from training.compare.command import main

LADDER = ["env=tictactoe", "policy=random,expert,expert:0.5", "ladder=true", "episodes=12"]


def ladder(folder: Path, *words: str) -> dict[str, Any]:
    main([*LADDER, f"json={folder / 'ladder.json'}", *words])
    found: dict[str, Any] = json.loads((folder / "ladder.json").read_text())
    return found


def test_ladder_rates_all_pairs_from_both_sides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = ladder(tmp_path, f"save={tmp_path / 'table'}")
    assert [row["policy"] for row in found["players"]] == ["expert", "expert:0.5", "random"]
    elo = [row["elo"]["mean"] for row in found["players"]]
    assert elo == sorted(elo, reverse=True) and sum(elo) / 3 == pytest.approx(1000)
    assert all(low < row["elo"]["mean"] < high for row in found["players"] for low, high in [row["elo"]["ci95"]])
    assert [(row["policy"], row["other"], row["n"]) for row in found["pairs"]] == [
        ("random", "expert", 24), ("random", "expert:0.5", 24), ("expert", "expert:0.5", 24),
    ]  # fmt: skip
    matches = found["matches"]
    assert len(matches) == len({match["match"] for match in matches}) == 72
    seeds: dict[tuple[str, ...], list[int]] = {}
    for match in matches:
        seeds.setdefault(tuple(match["seats"].values()), []).append(match["seed"])
    assert len(seeds) == 6 and len(set(map(tuple, seeds.values()))) == 1  # the same starts for all
    lost = sum(match["result"] == "loss" and match["seats"]["cross"] == "expert" for match in matches)
    assert lost == 0 and found["cycles"] == []
    out = capsys.readouterr().out
    assert "tictactoe · ladder · 12 held-out starts, both sides · T=1" in out and "The seat cross gets" in out
    document = json.loads((tmp_path / "table" / "results.json").read_text())
    assert document["ladder"] == found and not (tmp_path / "table" / "unfinished").exists()
    titles = [table["title"] for table in comparison_tables(document)]
    assert titles == [document["tables"][0]["title"], "tictactoe · matches of each pair"]
    records = list(read_records(tmp_path / "table" / "episodes" / "random"))
    assert len(records) == 48 and {record["policy"] for record in records} == {"random"}
    assert {record["opponent"] for record in records} == {"expert", "expert:0.5"}
    other = read_records(tmp_path / "table" / "episodes" / "expert")
    theirs = {record["match"] for record in other if record["opponent"] == "random"}
    assert {record["match"] for record in records if record["opponent"] == "expert"} == theirs


def test_interrupted_ladder_is_resumed_with_the_same_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ladder(tmp_path)
    replies = 0
    usual = MixedPolicy.answer

    def failing(self: MixedPolicy, context: Any) -> str:
        nonlocal replies
        replies += 1
        if replies > 40:
            raise ConnectionError("the server is away")
        return usual(self, context)

    with monkeypatch.context() as patch:
        patch.setattr(MixedPolicy, "answer", failing)
        with pytest.raises(UserError, match=r"^random – expert:0.5: ConnectionError: the server is away$"):
            ladder(tmp_path, f"save={tmp_path / 'table'}")
    kept = {path.parent.name for path in (tmp_path / "table" / "unfinished").glob("*/*.jsonl")}
    assert {"random--expert", "expert--random"} <= kept
    assert ladder(tmp_path, f"save={tmp_path / 'table'}") == whole


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["env=football"], "ladder=true needs one task with two seats, such as env=football_duel"),
        (["policy=expert"], "ladder=true needs at least two policies"),
        (["blind=true"], "ladder=true has no blind control and no videos"),
        (["policy=random,expert:2"], "expert:2"),
    ],
)
def test_ladder_that_cannot_be_played_is_refused_in_one_line(words: list[str], line: str) -> None:
    given = dict(word.split("=", 1) for word in [*LADDER, *words])
    with pytest.raises((UserError, ValueError), match=line) as caught:
        main([f"{key}={value}" for key, value in given.items()])
    assert "\n" not in str(caught.value)
