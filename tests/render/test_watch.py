import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from render.episode import EpisodeWriter
from render.watch import bind, entry
from tests.render.watch_fixture import HOSTILE, METRICS, SUMMARY, episode, make_run, serving


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "my <run>")


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A run that no test changes, and its server."""
    folder = make_run(tmp_path_factory.mktemp("runs") / "still")
    outside = folder.parent / "secret"
    outside.mkdir()
    (outside / "0123456789abcdef.png").write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    frames = folder / "episodes" / "after" / "frames"
    (frames / "0123456789abcdef.png").symlink_to(outside / "0123456789abcdef.png")
    (frames / "00000000000000aa.png").write_text("<script>no picture</script>")
    (folder / "videos" / "out.mp4").symlink_to(outside / "0123456789abcdef.png")
    with serving(folder) as url:
        yield folder, url


def get(url: str, path: str) -> Any:
    answer = httpx2.get(url + path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def raw(url: str, target: str, method: str = "GET", host: str | None = None) -> tuple[int, bytes]:
    """An answer to exactly this request line, which a client's library would mend."""
    port = int(url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, target, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


# -- what the server says of a run ------------------------------------------------------------------------------------


def test_a_run_at_a_glance(still: tuple[Path, str]) -> None:
    found = get(still[1], "/api/run")
    assert (found["schema"], found["name"], found["live"], found["task"]) == (1, "still", False, "football")
    assert found["facts"] == [
        ["Task", "football"], ["Seed", "3"], ["Time", "8 min 18 s"], ["Memory", "2.21 GB"],
        ["Stage fre", "2 steps, 5 min 30 s"], ["Checkpoint", "checkpoint (step 4)"],
    ]  # fmt: skip
    assert found["notes"] == []
    assert found["config"].startswith("seed: 3\n") and "taken over" in found["config"]
    assert found["stages"] == [{"name": "fre", "from": 1, "to": 2}, {"name": "mgt", "from": 3, "to": 4}]
    assert found["reported_step"] == 4
    assert found["policies"] == [
        {"label": "before", "title": "Before RL", "episodes": 2},
        {"label": "after", "title": "After RL", "episodes": 2},
    ]
    assert [video["title"] for video in found["videos"]] == ["Before RL", "After RL"]


def test_charts_have_gaps_between_stages_and_held_out_points(still: tuple[Path, str]) -> None:
    charts = {chart["key"]: chart for chart in get(still[1], "/api/run")["charts"]}
    assert list(charts) == ["success", "tokens_per_second", "success/", "grad_norm"]
    assert [chart.get("more", False) for chart in charts.values()] == [False, False, True, True]
    success = charts["success"]
    assert success["unit"] == "%" and success["floors"] == [{"name": "expert", "y": 0.97}]
    training, held_out = success["series"]
    assert training == {"name": "training", "x": [1, 2, 2.5, 3, 4], "y": [0.2, 0.3, None, 0.5, 0.6]}
    assert held_out == {"name": "held out", "x": [2], "y": [0.25], "low": [0.2], "high": [0.3]}
    assert charts["success/"]["series"] == [{"name": "sums", "x": [1], "y": [0.4]}]
    assert charts["grad_norm"]["series"][0]["y"] == [1.23457]


def test_tables_have_shares_with_intervals(still: tuple[Path, str]) -> None:
    results, others = get(still[1], "/api/run")["tables"]
    assert results["columns"] == ["Policy", "Success", "Greedy", "Blind", "Episodes"]
    assert [row[0] for row in results["rows"]] == ["Before RL", "After FRE", "After RL", "Expert"]
    before = results["rows"][0]
    assert before[1] == {"text": "42.0% (36.0 – 48.0)", "value": 0.42, "low": 0.36, "high": 0.48}
    assert before[2:] == [{"text": "45.0%", "value": 0.45}, {"text": "11.0%", "value": 0.11}, "256"]
    assert others["columns"] == ["Task", "Before RL", "After RL"]
    assert others["rows"][0][0] == "arithmetic" and others["rows"][0][2]["high"] == 0.6


def test_the_index_and_a_record(still: tuple[Path, str]) -> None:
    folder, url = still
    index = get(url, "/api/episodes")
    assert (index["total"], index["from"]) == (4, 0)
    columns = index["columns"]
    assert columns["id"] == [0, 1, 2, 3]
    assert columns["label"] == ["before", "before", "after", "after"]
    assert columns["seed"] == [9000, 9001, 9000, 9001]
    assert columns["success"] == [False, True, True, True]
    assert columns["kind"] == ["6x6"] * 4
    assert columns["valid"] == [0.6667] * 4
    assert columns["score"] == [None, None, None, 2.5]
    assert columns["turns"] == [3] * 4
    assert get(url, "/api/episodes?after=3")["columns"]["id"] == [3]
    record = get(url, "/api/episodes/2")
    assert (record["id"], record["label"], record["seed"], record["ended"]) == (2, "after", 9000, "completed")
    assert record["turns"][0]["reply"] == HOSTILE
    assert record["turns"][0]["frame"] == record["turns"][2]["frame"] != record["turns"][1]["frame"]
    frame = httpx2.get(url + record["turns"][0]["frame"])
    stored = folder / "episodes" / "after" / "frames" / record["turns"][0]["frame"].rpartition("/")[2]
    assert frame.headers["content-type"] == "image/png" and frame.content == stored.read_bytes()
    assert "immutable" in frame.headers["cache-control"]


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "", "9" * 40])
def test_an_index_from_nowhere_is_refused(still: tuple[Path, str], after: str) -> None:
    answer = httpx2.get(f"{still[1]}/api/episodes?after={after}")
    assert answer.status_code == 400 and "is no number of an episode" in answer.json()["error"]


def test_a_video_can_be_read_in_parts(still: tuple[Path, str]) -> None:
    folder, url = still
    video = get(url, "/api/run")["videos"][1]
    whole = (folder / "videos" / "after.mp4").read_bytes()
    answer = httpx2.get(url + video["url"], headers={"Range": "bytes=4-11"})
    assert (answer.status_code, answer.content) == (206, whole[4:12])
    assert answer.headers["content-type"] == "video/mp4"
    assert httpx2.get(url + video["url"]).content == whole


def test_the_page_is_one_file_with_its_policy(still: tuple[Path, str]) -> None:
    answer = httpx2.get(still[1] + "/")
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", answer.headers["content-security-policy"])
    assert nonce and answer.text.count(f'nonce="{nonce[1]}"') >= 3
    assert nonce[1] not in httpx2.get(still[1] + "/").text  # a new one each time
    scripts = re.findall(r"<script([^>]*)>", answer.text)
    assert scripts and all(f'nonce="{nonce[1]}"' in attributes and "src" not in attributes for attributes in scripts)
    modules = json.loads(re.findall(r'<script type="importmap"[^>]*>(.*?)</script>', answer.text)[0])["imports"]
    assert {"vendor/preact", "vendor/uplot", "viewer/source"} <= set(modules)
    assert all(url.startswith("data:text/javascript;base64,") for url in modules.values())


# -- a run that is still going ----------------------------------------------------------------------------------------


def test_it_follows_a_run(run: Path) -> None:
    (run / "summary.json").unlink()
    with serving(run) as url, open(run / "config.yaml") as config:
        fcntl.flock(config, fcntl.LOCK_EX)
        first = httpx2.get(url + "/api/run")
        assert first.json()["live"] is True and first.json()["task"] == "football"
        tag = {"If-None-Match": first.headers["etag"]}
        assert httpx2.get(url + "/api/run", headers=tag).status_code == 304
        with EpisodeWriter(run / "episodes" / "train") as writer:
            writer.write(episode("train", 1, True, step=5, stage="mgt", advantage=-0.5))
        with (run / "metrics.jsonl").open("a") as metrics:
            metrics.write('{"total_step": 5, "stage": "mgt", "success": 0.7}\n{"total_step": 6, "succ')
        with EpisodeWriter(run / "episodes" / "after_mgt") as writer:
            writer.write(episode("after_mgt", 1, True))
        second = httpx2.get(url + "/api/run", headers=tag)
        assert second.status_code == 200 and second.json()["notes"] == []
        assert second.json()["charts"][0]["series"][0]["x"][-1] == 5
        assert [policy["label"] for policy in second.json()["policies"]] == ["before", "after_mgt", "after", "train"]
        assert second.json()["policies"][-1] == {"label": "train", "title": "Training", "episodes": 1}
        new = get(url, "/api/episodes?after=4")["columns"]
        assert new["id"] == [4, 5] and dict(zip(new["label"], new["advantage"], strict=True))["train"] == -0.5
        with (run / "episodes" / "train" / "episodes.jsonl").open("a") as record:
            record.write('{"schema": 2, "half')
        assert get(url, "/api/episodes?after=6")["columns"]["id"] == []
        fcntl.flock(config, fcntl.LOCK_UN)
        ended = get(url, "/api/run")
        assert ended["live"] is False
        assert ended["notes"] == [
            "metrics.jsonl: its last line is torn (killed while writing): skipped.",
            "summary.json is not there: the run was stopped before its end.",
            "episodes/train/episodes.jsonl line 2 is torn (killed while writing): skipped.",
        ]


def test_before_its_summary_a_run_tells_what_its_checkpoint_knows(run: Path) -> None:
    (run / "summary.json").unlink()
    newest = run / "checkpoints" / "step-000020"
    newest.mkdir(parents=True)
    results = {"random": {"football": {"mean": 0.1}}, "before": {"football": {"mean": 0.4}, "sums": {"mean": 0.5}}}
    (newest / "progress.json").write_text(json.dumps({"results": results, "seconds": 61.0}))
    with serving(run) as url:
        found = get(url, "/api/run")
    assert ["Time", "1 min 01 s"] in found["facts"]
    assert [row[0] for row in found["tables"][0]["rows"]] == ["Before RL", "Random"]
    assert found["tables"][1]["rows"] == [["sums", {"text": "50.0%", "value": 0.5}]]
    assert found["charts"][0]["floors"] == [{"name": "random", "y": 0.1}]


def test_what_a_resumed_run_cuts_is_read_again(run: Path) -> None:
    record = run / "episodes" / "after" / "episodes.jsonl"
    with serving(run) as url:
        before = get(url, "/api/episodes")
        lines = record.read_bytes().splitlines(keepends=True)
        record.write_bytes(lines[0] + lines[1].replace(b"9001", b"9005"))  # as long as it was
        (run / "metrics.jsonl").write_text(json.dumps(METRICS[0] | {"success": 0.9}) + "\n")
        after = get(url, "/api/episodes")
        assert get(url, "/api/run")["charts"][0]["series"][0]["y"] == [0.9]
        assert after["generation"] == before["generation"] + 1
        assert after["columns"]["seed"] == [9000, 9001, 9000, 9005]
        record.write_bytes(lines[0])
        assert get(url, "/api/episodes")["columns"]["seed"] == [9000, 9001, 9000]
        answer = httpx2.get(url + "/api/episodes/3")
        assert answer.status_code == 404 and answer.json() == {"error": "there is no episode 3"}


def test_a_record_that_changed_since_says_so(run: Path) -> None:
    record = run / "episodes" / "after" / "episodes.jsonl"
    with serving(run) as url:
        assert get(url, "/api/episodes")["total"] == 4
        record.write_bytes(record.read_bytes()[10:])
        answer = httpx2.get(url + "/api/episodes/2")
    assert answer.status_code == 410
    assert answer.json()["error"] == "episodes/after/episodes.jsonl has changed: is damaged (no JSON)"


def test_a_folder_that_goes_away_leaves_an_empty_page(run: Path) -> None:
    with serving(run) as url:
        assert get(url, "/api/episodes")["total"] == 4
        shutil.rmtree(run)
        assert get(url, "/api/episodes")["total"] == 0
        found = get(url, "/api/run")
        assert found["charts"] == [] and found["notes"] == ["Only records are here: no metrics and no results."]
        assert httpx2.get(url + "/frames/0/aaaaaaaaaaaaaaaa.png").status_code == 404


# -- damage and other folders -----------------------------------------------------------------------------------------


def test_damage_is_a_note(run: Path) -> None:
    (run / "summary.json").write_text('{"task": ')
    (run / "config.yaml").unlink()
    (run / "config.yaml").mkdir()
    (run / "results.json").write_text('{"schema": 2, "rows": []}')
    with (run / "metrics.jsonl").open("a") as metrics:
        metrics.write('no JSON\n[1]\n{"total_step": 5, "success": 1e999}\n')
    record = run / "episodes" / "after" / "episodes.jsonl"
    lines = record.read_bytes().splitlines(keepends=True)
    newer = lines[0].replace(b'"schema":2', b'"schema":9')
    deep = b"[" * 5000 + b"\n"
    record.write_bytes(b"".join([newer, b"garbage\n", deep, b'{"schema":1}\n', b"[3]\n", lines[1]]))
    for frame in (run / "episodes" / "before" / "frames").iterdir():
        frame.unlink()
    with serving(run) as url:
        notes = get(url, "/api/run")["notes"]
        index = get(url, "/api/episodes")["columns"]
        record_without = get(url, "/api/episodes/0")
    assert notes == [
        "metrics.jsonl: damaged lines are left out (2).",
        "results.json is of schema 2, newer than this Kickoff reads: update Kickoff.",
        "summary.json is damaged (no JSON object).",
        "episodes/after/episodes.jsonl line 1 has schema 9, newer than this Kickoff reads (update Kickoff): skipped.",
        "episodes/after/episodes.jsonl line 2 is damaged (no JSON): skipped.",
        "episodes/after/episodes.jsonl line 3 is damaged (no JSON): skipped.",
        "episodes/after/episodes.jsonl line 4 is no whole episode (its turns are missing): skipped.",
        "episodes/after/episodes.jsonl line 5 is no episode (it has no schema number): skipped.",
    ]
    assert index["seed"] == [9000, 9001, 9001]
    assert [turn["frame"] for turn in record_without["turns"]] == [None] * 3


def test_pipes_are_not_waited_for(run: Path) -> None:
    for name in ("config.yaml", "summary.json", "metrics.jsonl", "episodes/after/episodes.jsonl"):
        (run / name).unlink()
        os.mkfifo(run / name)
    with serving(run) as url:
        assert get(url, "/api/run")["charts"] == []
        assert get(url, "/api/episodes")["total"] == 2


def test_values_of_the_wrong_kind_are_left_out(tmp_path: Path) -> None:
    turn = {"reply": 3, "valid": "yes", "reward": [1], "rewards": {"a": 0.5, "b": "x"}, "frame": "../../etc/passwd"}
    line = {"schema": 2, "seed": "x", "reward": 10**400, "success": 1, "rewards": [], "task": None, "turns": [turn]}
    (tmp_path / "episodes.jsonl").write_text(json.dumps(line) + "\n" + '{"schema":2,"reward":NaN,"turns":[]}\n')
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
         "advantage": None, "text": "", "frame": None, "reply_tokens": 0},
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
    row = {
        "task": "sokoban", "policy": "expert", "n": 128, "success": {"mean": 0.5, "ci95": [0.4, 0.6], "n": 128},
        "score": {"mean": 96.25, "ci95": [95, 97]}, "return": 9.5, "valid": 1.0, "turns": 7.25, "temperature": 1.0,
        "blind": False, "kinds": {"6x6": {"mean": 0.75, "n": 64}, "7x7": {"mean": 0.25, "n": 64}}, "floor": True,
    }  # fmt: skip
    published = {"suite": "Sokoban-Global", "policy": "LMM-R1", "score": 96.7, "source": "arXiv 2503.07536"}
    results = {
        "schema": 1,
        "rows": [row, row | {"policy": "random", "kinds": {}}],
        "published": [published],
        "notes": ["n"],
    }
    (tmp_path / "results.json").write_text(json.dumps(results))
    with serving(tmp_path) as url:
        found = get(url, "/api/run")
    assert found["charts"] == [] and found["notes"] == ["n"]
    rows, kinds, others = found["tables"]
    assert rows["columns"] == [
        "Task",
        "Policy",
        "Success",
        "Score",
        "Return",
        "Valid replies",
        "Turns",
        "T",
        "Episodes",
    ]
    assert [cell if isinstance(cell, str) else cell["text"] for cell in rows["rows"][0]] == [
        "sokoban", "Expert", "50.0% (40.0 – 60.0)", "96.2 (95.0 – 97.0)", "9.50", "100.0%", "7.2", "1.0", "128",
    ]  # fmt: skip
    assert kinds["title"] == "sokoban: success by kind" and kinds["columns"] == ["Kind", "Expert", "Random"]
    assert kinds["rows"][1] == ["7x7", {"text": "25.0%", "value": 0.25}, ""]
    assert others["rows"] == [["Sokoban-Global", "LMM-R1", "96.7", "arXiv 2503.07536"]]


def test_results_of_several_tasks_are_side_by_side(tmp_path: Path) -> None:
    rows = [
        {"task": task, "policy": policy, "success": {"mean": mean}, "score": {"mean": 100 * mean}}
        for policy, mean in (("random", 0.25), ("expert", 1.0))
        for task in ("6x6", "7x7")
    ]
    (tmp_path / "results.json").write_text(json.dumps({"schema": 1, "rows": rows[:-1]}))
    with serving(tmp_path) as url:
        success, scores, all_of_it = get(url, "/api/run")["tables"]
    assert success["columns"] == scores["columns"] == ["Task", "Random", "Expert"]
    assert [[cell if isinstance(cell, str) else cell["value"] for cell in row] for row in success["rows"]] == [
        ["6x6", 0.25, 1.0], ["7x7", 0.25, ""],
    ]  # fmt: skip
    assert scores["rows"] == [["6x6", "25.0", "100.0"], ["7x7", "25.0", ""]]
    assert [row[:2] for row in all_of_it["rows"]] == [["6x6", "Random"], ["6x6", "Expert"], ["7x7", "Random"]]


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
    assert [series["name"] for series in success["series"]] == ["my <run>", "my <run> held out", "my <run> (2)"]
    assert success["floors"] == [{"name": "expert", "y": 0.97}]  # both agree
    throughput = next(chart for chart in found["charts"] if chart["key"] == "tokens_per_second")
    assert [(series["name"], series["y"]) for series in throughput["series"]] == [
        ("my <run>", [100.5]), ("my <run> (2)", []),
    ]  # fmt: skip
    assert found["policies"][0]["title"] == "my <run> · Before RL"
    assert "# my <run> (2)\nenv: football" in found["config"]
    assert video.content == (run / "videos" / "before.mp4").read_bytes()


# -- nothing else is served -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "/summary.json", "/config.yaml", "/../secret", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
        "/frames/0/../../../config.yaml", "/frames/0/%2e%2e%2fconfig.png", "/frames/0/..%2f..%2f..%2fconfig.yaml",
        "/frames/../0/aaaaaaaaaaaaaaaa.png", "/frames/-1/aaaaaaaaaaaaaaaa.png", "/frames/99/aaaaaaaaaaaaaaaa.png",
        "/frames/1/0123456789abcdef.png",  # a link out of the folder
        "/frames/1/00000000000000aa.png",  # no picture
        "/frames/0/episodes.png", "/videos/0/..%2fsummary.json", "/videos/0/../summary.json", "/videos/1/before.mp4",
        "/videos/0/out.mp4",  # a link out of the folder
        "/videos/0/%2e%2e", "/episodes/after/episodes.jsonl", "//etc/passwd", "http://evil.example/etc/passwd",
        "/static", "/api", "/api/episodes/x", "/api/episodes/99999999999999999999", "/api/episodes/-1", "/page.py",
    ],
)  # fmt: skip
def test_other_paths_are_not_there(still: tuple[Path, str], target: str) -> None:
    get(still[1], "/api/episodes")
    status, body = raw(still[1], target)
    assert status == 404 and "error" in json.loads(body), body[:200]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "[::1]", "localhost.evil"]
)
def test_a_foreign_name_is_refused(still: tuple[Path, str], host: str) -> None:
    status, body = raw(still[1], "/api/run", host=host)
    assert status == 400 and b"football" not in body


def test_this_machine_s_names_are_answered(still: tuple[Path, str]) -> None:
    port = still[1].rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost"):
        assert raw(still[1], "/api/run", host=host)[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("target", ["/", "/api/run", "/api/episodes/0"])
def test_only_get_is_answered(still: tuple[Path, str], method: str, target: str) -> None:
    assert raw(still[1], target, method)[0] == 405


def test_every_answer_is_taken_for_nothing_else(still: tuple[Path, str]) -> None:
    for path in ("/", "/api/run", "/api/episodes", "/api/episodes/0", "/videos/0/after.mp4", "/nothing"):
        headers = httpx2.get(still[1] + path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path
        assert not [name for name in headers if name.startswith("access-control")], path


def test_links_out_of_the_folder_are_not_followed(run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text('{"task": "secret"}\n')
    with EpisodeWriter(tmp_path / "elsewhere") as writer:
        writer.write(episode("secret", 1, True))
    for name in ("config.yaml", "summary.json", "metrics.jsonl", "results.json"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(secret)
    (run / "episodes" / "linked").symlink_to(tmp_path / "elsewhere")
    frames = run / "episodes" / "before" / "frames"
    for frame in frames.iterdir():
        frame.unlink()
    frames.rmdir()
    frames.symlink_to(tmp_path / "elsewhere" / "frames")
    with serving(run) as url:
        found = get(url, "/api/run")
        assert "secret" not in json.dumps(found)
        assert get(url, "/api/episodes")["total"] == 4
        assert {turn["frame"] for turn in get(url, "/api/episodes/0")["turns"]} == {None}
    for name in ("metrics.jsonl", "results.json", "summary.json", "episodes/linked/episodes.jsonl"):
        assert f"{name} leads out of the run's folder: not read." in found["notes"]


# -- the command ------------------------------------------------------------------------------------------------------


def test_the_command_serves_until_it_is_stopped(run: Path) -> None:
    words = [sys.executable, "-m", "render.watch", str(run), "port=0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        found = re.fullmatch(
            rf"watching {re.escape(str(run))} at (http://127\.0\.0\.1:\d+)/ \(Ctrl-C ends it\)\n", line
        )
        assert found, line
        assert get(found[1], "/api/run")["task"] == "football"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert (process.stdout.read(), process.stderr.read()) == ("", "stopped\n")


def test_a_port_in_use_gives_the_next_one() -> None:
    with bind(0) as first:
        port = first.getsockname()[1]
        with bind(port) as second:
            assert port < second.getsockname()[1] < port + 50
            assert second.getsockname()[0] == "127.0.0.1"
            with socket.create_connection(second.getsockname(), timeout=5) as connection:
                assert connection.getpeername() == second.getsockname()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs/fotball"], "runs/fotball is not there; did you mean runs/football?"),
        (["football"], "football is not there; did you mean runs/football?"),
        (["runs/zzz"], "runs/zzz is not there; there are runs/football"),
        (["else/where"], "else/where is not there; a run folder is like runs/football "
                         "(python -m training.run env=football makes it)"),
        (["runs"], "runs holds no run: none of config.yaml, baseline.yaml, results.json, metrics.jsonl, summary.json, "
                   "and no episodes"),
        (["runs/football", "prot=1"], "unknown key 'prot'; did you mean port=?"),
        (["runs/football", "zzz=1"], "unknown key 'zzz'; there are port= and open="),
        (["runs/football", "port=x"], "port=x: a port is a number from 0 (any free one) to 65535"),
        (["runs/football", "open=1"], "open=1: it is true or false"),
        (["runs/football", "--port"], "unknown option '--port'; keys are given like port=8765"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "football").mkdir(parents=True)
    (tmp_path / "runs" / "football" / "summary.json").write_text(json.dumps(SUMMARY))
    assert entry(words) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_without_a_folder_it_lists_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert entry([]) == 0
    assert "There are no runs in runs/ yet" in capsys.readouterr().out
    for number, name in enumerate(("old", "new")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.yaml").touch()
        os.utime(tmp_path / "runs" / name, (number, number))
    assert entry([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["  python -m render.watch runs/new", "  python -m render.watch runs/old"]
    assert entry(["--help"]) == 0
    assert "port=N" in capsys.readouterr().out
