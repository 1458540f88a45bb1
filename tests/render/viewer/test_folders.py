import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from render.records.writing import EpisodeWriter
from tests.render.watch_fixture import episode, get, make_run, serving


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "my <run>")


def test_damage_is_a_note(run: Path) -> None:
    (run / "summary.json").write_text('{"task": ')
    (run / "config.yaml").unlink()
    (run / "config.yaml").mkdir()
    (run / "results.json").write_text('{"schema": 2, "rows": []}')
    with (run / "metrics.jsonl").open("a") as metrics:
        metrics.write('no JSON\n[1]\n{"total_step": 5, "success": 1e999}\n')
    record = run / "episodes" / "after" / "episodes.jsonl"
    lines = record.read_bytes().splitlines(keepends=True)
    newer = lines[0].replace(b'"schema":3', b'"schema":9')
    deep = b"[" * 5000 + b"\n"
    record.write_bytes(b"".join([newer, b"garbage\n", deep, b'{"schema":1}\n', b"[3]\n", lines[1]]))
    for frame in (run / "episodes" / "before" / "frames").iterdir():
        frame.unlink()
    with serving(run) as url:
        notes = get(url, "/api/run")["notes"]
        index = get(url, "/api/episodes")["columns"]
        record_without = get(url, "/api/episodes/0")
    assert notes == [
        "metrics.jsonl: damaged lines were skipped (2).",
        "results.json has schema 2, newer than this Kickoff reads: update Kickoff.",
        "summary.json is damaged (not a JSON object).",
        "episodes/after/episodes.jsonl line 1 has schema 9, newer than this Kickoff reads (update Kickoff): skipped.",
        "episodes/after/episodes.jsonl line 2 is damaged (not JSON): skipped.",
        "episodes/after/episodes.jsonl line 3 is damaged (not JSON): skipped.",
        "episodes/after/episodes.jsonl line 4 is not a complete episode (its turns are missing): skipped.",
        "episodes/after/episodes.jsonl line 5 is not an episode (it has no schema number): skipped.",
    ]
    assert index["seed"] == [9000, 9001, 9001]
    assert [turn["frame"] for turn in record_without["turns"]] == [None] * 3


@pytest.mark.parametrize("line", ["seed: 2020-99-99", "seed: !!int x", "seed: !!timestamp x", "when: !!binary é"])
def test_settings_with_a_bad_value_are_shown(run: Path, line: str) -> None:
    (run / "summary.json").unlink()
    (run / "config.yaml").write_text(f"env: football\n{line}\n", encoding="utf-8")
    with serving(run) as url:
        found = get(url, "/api/run")
        assert found["facts"][0] == ["Task", "football"] and line in found["config"]
        (run / "config.yaml").write_text(f"env: [{line}")
        assert "config.yaml is damaged (not YAML)." in get(url, "/api/run")["notes"]


def test_values_of_the_wrong_kind_are_left_out(tmp_path: Path) -> None:
    turn = {"reply": 3, "valid": "yes", "reward": [1], "rewards": {"a": 0.5, "b": "x"}, "frame": "../../etc/passwd",
            "tokens": ["a", 3], "logprobs": [0.5, None], "answers": [["left"]], "truth": 7,
            "misread": [["a", "b", "c"]]}  # fmt: skip
    line = {"schema": 2, "seed": "x", "reward": 10**400, "success": 1, "rewards": [], "task": None, "turns": [turn]}
    (tmp_path / "episodes.jsonl").write_text(json.dumps(line) + "\n" + '{"schema":3,"reward":NaN,"turns":[]}\n')
    with serving(tmp_path) as url:
        record = get(url, "/api/episodes/0")
        assert get(url, "/api/episodes")["columns"]["reward"] == [0.0, 0.0]
    assert (record["seed"], record["reward"], record["success"], record["rewards"], record["task"]) == (
        0,
        0,
        False,
        {},
        "",
    )
    assert record["turns"] == [
        {"prompt": "", "reply": "", "thinking": "", "action": "", "valid": False, "reward": 0.0, "rewards": {"a": 0.5},
         "advantage": None, "text": "", "frame": None, "reply_tokens": 0, "more_frames": [],
         "problem": "", "actions": [], "truth": None, "transcript": None, "misread": [], "tokens": [], "logprobs": [],
         "entropies": [], "answers": []},
    ]  # fmt: skip


def test_a_record_of_the_first_schema(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path / "episodes") as writer:  # directly there, as the first runs had it
        writer.write(episode("expert", 7, True))
    path = tmp_path / "episodes" / "episodes.jsonl"
    line = json.loads(path.read_text())
    old = {key: value for key, value in line.items() if key not in ("kind", "stage", "advantage", "score", "problem")}
    old["turns"] = [{key: value for key, value in turn.items() if key != "advantage"} for turn in line["turns"]]
    path.write_text(json.dumps(old | {"schema": 1}) + "\n")
    with serving(tmp_path) as url:
        record = get(url, "/api/episodes/0")
        assert httpx2.get(url + record["turns"][1]["frame"]).status_code == 200
    assert (record["label"], record["kind"], record["stage"], record["advantage"]) == ("expert", "", "", None)


def test_results_of_evaluate(tmp_path: Path) -> None:
    """Its own tables, as they are in the terminal; figures as bars, and who was stopped."""
    score = {"text": "96.2 (95.0–97.0)", "value": 96.25, "low": 95, "high": 97}
    table = {
        "title": "sokoban · 128 held-out episodes each · T=1",
        "columns": ["policy", "score"],
        "notes": ["stopped"],
    }
    results = {
        "schema": 1,
        "rows": [],
        "notes": ["n"],
        "tables": [table | {"rows": [["expert", score], ["random", ""]]}],
    }
    (tmp_path / "results.json").write_text(json.dumps(results))
    with serving(tmp_path) as url:
        found = get(url, "/api/run")
    assert found["charts"] == [] and found["notes"] == ["n", "stopped"]
    rows = [["expert", score], ["random", ""]]
    (shown,) = found["tables"]
    assert (shown["title"], shown["columns"], shown["rows"]) == (table["title"], table["columns"], rows)
    assert shown["about"][1] == "The benchmark's own score, with its 95% Student interval." and "said" not in shown


def test_published_rows_belong_to_no_folder(tmp_path: Path) -> None:
    published = [["arXiv 1:", "", ""], ["human", "", {"text": "54.68", "value": 54.68}]]
    for name, more in (("one", []), ("two", published), ("three", published)):
        table: dict[str, Any] = {
            "title": "t",
            "columns": ["policy", "success", "score"],
            "rows": [["human", "50%", "2.5"], *more],
        }
        table |= {"published": len(more)} if more else {}
        document = {"schema": 1, "tables": [table]}
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(json.dumps(document))
    with serving(*(tmp_path / name for name in ("one", "two", "three"))) as url:
        (found,) = get(url, "/api/run")["tables"]
    assert [row[0] for row in found["rows"][:3]] == ["one · human", "two · human", "three · human"]
    assert (found["rows"][3:], found["published"]) == (published, 2)
    with serving(tmp_path / "one") as url:
        assert "published" not in get(url, "/api/run")["tables"][0]


@pytest.mark.parametrize(
    "made", [3, [3, None], [{"rows": 3, "columns": "ab", "notes": {}}], [{"rows": [3, [None, {}]]}]]
)
def test_tables_that_are_none_break_nothing(tmp_path: Path, made: object) -> None:
    (tmp_path / "results.json").write_text(json.dumps({"schema": 1, "tables": made}))
    with serving(tmp_path) as url:
        for table in get(url, "/api/run")["tables"]:
            assert table["columns"] == [] and table["title"] == "" and table["rows"] in ([], [["None", {"text": ""}]])


def test_several_runs_share_a_page(run: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "other" / "my <run>"
    (baseline / "episodes").mkdir(parents=True)
    (baseline / "baseline.yaml").write_text("env: football\nseed: 1\n")
    (baseline / "metrics.jsonl").write_text('{"total_step": 9, "stage": "ppo", "step": 9, "success": 0.8}\n')
    summary = {"task": "football", "success": {"after": {"mean": 0.8}, "expert": {"mean": 0.97}}}
    (baseline / "summary.json").write_text(json.dumps(summary))
    with serving(run, baseline) as url:
        found = get(url, "/api/run")
        index = get(url, "/api/episodes")["columns"]
        video = httpx2.get(url + found["videos"][0]["url"])
    assert found["name"] == "my <run> + my <run> (2)" and found["task"] == "football"
    assert index["label"] == ["my <run>/before"] * 2 + ["my <run>/after"] * 2
    success = found["charts"][0]
    names = [(series["name"], series["colour"]) for series in success["series"]]
    own = ["my <run> (the stage's tasks)", "my <run> validation (football)", "my <run> blind"]
    assert names == [*((name, 0) for name in own), ("my <run> (2)", 1)]
    assert success["floors"] == [{"name": "expert", "y": 0.97}]  # both agree
    throughput = next(chart for chart in found["charts"] if chart["key"] == "tokens_per_second")
    assert [(series["name"], series["y"]) for series in throughput["series"]] == [("my <run>", [100.5])]
    assert found["policies"][0]["title"] == "my <run> · Before RL"
    assert "# my <run> (2)\nenv: football" in found["config"]
    assert video.content == (run / "videos" / "before.mp4").read_bytes()


def test_names_that_come_again_get_numbers_that_are_free(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("p/run (2)", "q/run", "r/run")]
    for folder in folders:
        make_run(folder)
    with serving(*folders, folders[1], folders[1] / ".." / "run") as url:  # one that is given twice is there once
        assert get(url, "/api/run")["name"] == "run (2) + run + run (3)"
        assert get(url, "/api/episodes")["total"] == 12
