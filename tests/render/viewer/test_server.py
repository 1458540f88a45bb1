import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from filelock import FileLock

from render.records.files import LOCK, folder_lock
from render.records.writing import EpisodeWriter
from render.viewer.folder import Folder
from tests.render.watch_fixture import HOSTILE, METRICS, episode, get, make_run, serving
from training.config.compose import load
from training.runs.run_folder import RunFolder


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A run that no test changes, and its server."""
    folder = make_run(tmp_path_factory.mktemp("runs") / "still")
    with serving(folder) as url:
        yield folder, url


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


def test_charts_have_gaps_between_stages_and_validations(still: tuple[Path, str]) -> None:
    charts = {chart["key"]: chart for chart in get(still[1], "/api/run")["charts"]}
    assert list(charts) == ["success", "tokens_per_second", "success/", "grad_norm"]
    assert [chart.get("more", False) for chart in charts.values()] == [False, False, True, True]
    success = charts["success"]
    assert success["unit"] == "%" and success["floors"] == [{"name": "expert", "y": 0.97}]
    training, validation, blind = success["series"]
    points = {"x": [1, 2, 2.5, 3, 4], "y": [0.2, 0.3, None, 0.5, 0.6]}
    assert training == {"name": "training (the stage's tasks)", "part": "", **points}
    held_out = {"x": [2], "y": [0.25], "low": [0.2], "high": [0.3]}
    assert validation == {"name": "validation (football)", "part": "validation", **held_out}
    assert blind == {"name": "blind", "part": "blind", "x": [2], "y": [0.1]}
    assert charts["success/"]["series"] == [{"name": "sums", "part": "sums", "x": [1], "y": [0.4]}]
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


def test_index_and_single_record_are_served(still: tuple[Path, str]) -> None:
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
    assert answer.status_code == 400 and "is not an episode id" in answer.json()["error"]


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


def test_page_follows_a_run_in_progress(run: Path) -> None:
    (run / "summary.json").unlink()
    with serving(run) as url, folder_lock(run) as lock:
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
        lock.release()
        ended = get(url, "/api/run")
        assert ended["live"] is False
        assert ended["notes"] == [
            "metrics.jsonl: its last line is torn (killed while writing): skipped.",
            "summary.json is missing: the run was stopped before its end.",
            "episodes/train/episodes.jsonl line 2 is torn (killed while writing): skipped.",
        ]


def test_a_run_that_is_watched_can_be_resumed(run: Path) -> None:
    (run / "summary.json").unlink()
    asked = FileLock(run / LOCK, thread_local=False)  # as the page does, but for longer
    asked.acquire()
    threading.Timer(0.25, asked.release).start()
    with RunFolder(run, load([])).locked():
        assert not asked.is_locked and Folder(run, "run").live


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
        whole = record.read_bytes()
        for changed, problem in (
            (
                whole.replace(b'"seed":9000', b'"seed":9005'),
                "is now a different episode",
            ),  # as a resumed run may leave it
            (whole[10:], "is damaged (not JSON)"),
        ):
            record.write_bytes(changed)
            answer = httpx2.get(url + "/api/episodes/2")
            assert answer.status_code == 410
            assert answer.json()["error"] == f"episodes/after/episodes.jsonl has changed: {problem}"


def test_two_servers_do_not_give_the_same_generation(run: Path) -> None:
    generations = set()
    for _ in range(2):
        with serving(run) as url:
            generations |= {get(url, "/api/episodes")["generation"], get(url, "/api/run")["generation"]}
    assert len(generations) == 2 and all(0 <= generation < 2**53 for generation in generations)


def test_a_failure_is_one_line_too(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent)
    with serving(Path(run.name)) as url:
        (run.parent / "deep").mkdir()
        os.chdir(run.parent / "deep")
        (run.parent / "deep").rmdir()  # now there is no place that the run's name is counted from
        answer = httpx2.get(url + "/api/run")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/json")
    assert answer.json() == {"error": "the server failed (FileNotFoundError): see its terminal for details"}


def test_a_folder_that_goes_away_leaves_an_empty_page(run: Path) -> None:
    with serving(run) as url:
        assert get(url, "/api/episodes")["total"] == 4
        shutil.rmtree(run)
        assert get(url, "/api/episodes")["total"] == 0
        found = get(url, "/api/run")
        assert found["charts"] == [] and found["notes"] == ["This folder has records only, without metrics or results."]
        assert httpx2.get(url + "/frames/0/aaaaaaaaaaaaaaaa.png").status_code == 404
