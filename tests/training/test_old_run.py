"""A run folder of an older version (tests/fixtures/old_run) is read, watched, resumed and evaluated."""

import base64
import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import training
from render.records.reading import read_episodes
from render.viewer.report import write_report
from render.viewer.run import Watched
from training.config.run import read
from training.runs.checkpoint import newest, read_progress
from training.runs.metrics import read_metrics

pytestmark = pytest.mark.slow

OLD = Path(__file__).parents[1] / "fixtures" / "old_run"
RECORDS = {"before": 2, "after_fre": 2, "train": 18}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "old_run"))


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A copy that was resumed to its end, and the summary."""
    folder = Path(shutil.copytree(OLD, tmp_path_factory.mktemp("runs") / "old_run"))
    return folder, training.resume(folder)


def test_old_run_has_a_config_and_state_that_are_read(old: Path) -> None:
    config = read(old / "config.yaml")
    assert (config.envs, config.seed, config.learner.lora_rank) == (["football"], 0, 2)
    assert {name: stage.steps for name, stage in config.stages.items()} == {"fre": 2, "mgt": 4}
    checkpoint = newest(old / "checkpoints")
    assert checkpoint is not None
    state = read_progress(checkpoint)
    assert (state.stage, state.step, state.total_steps, state.metrics_lines) == (1, 2, 4, 4)
    assert set(state.results) == {"random", "idle", "expert", "before", "after_fre"}


def test_old_run_has_records_that_are_read_with_their_frames(old: Path) -> None:
    for label, count in RECORDS.items():
        episodes = list(read_episodes(old / "episodes" / label))
        assert len(episodes) == count
        shown = [turn.frame for episode in episodes if episode.task == "football" for turn in episode.turns]
        assert shown and all(frame is not None and frame.shape == (84, 84, 3) for frame in shown)


def test_old_run_is_watched_with_all_its_data(old: Path) -> None:
    watched = Watched([old])
    page = watched.run()
    assert (page["name"], page["task"], page["live"]) == ("old_run", "football", False)
    assert page["notes"] == ["summary.json is missing: the run was stopped before its end."]
    assert page["stages"] == [{"name": "fre", "from": 1, "to": 2}, {"name": "mgt", "from": 3, "to": 6}]
    assert {policy["label"]: policy["episodes"] for policy in page["policies"]} == RECORDS
    assert [video["name"] for video in page["videos"]] == ["before"]
    assert {"success", "reward"} <= {chart["key"] for chart in page["charts"]}
    for number in range(sum(RECORDS.values())):
        record = watched.episode(number)
        frames = [turn["frame"] for turn in record["turns"]]
        assert all((frame or "").startswith("/frames/") == (record["task"] == "football") for frame in frames)


def test_old_run_gets_a_report_with_all_its_episodes(old: Path) -> None:
    text = write_report(old).read_text()
    chunks = re.findall(r'<script[^>]*class="chunk"[^>]*>([^<]+)</script>', text)
    records = [record for chunk in chunks for record in json.loads(gzip.decompress(base64.b64decode(chunk)))]
    assert len(records) == sum(RECORDS.values())


def test_old_run_is_resumed_to_its_end(resumed: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = resumed
    assert summary["path"] == str(folder)
    assert [record["total_step"] for record in read_metrics(folder)] == [1, 2, 3, 4, 5, 6]
    lines = [(path / "metrics.jsonl").read_text().splitlines() for path in (OLD, folder)]
    assert lines[0][:4] == lines[1][:4]  # the steps up to the checkpoint are kept, the later ones written again
    assert lines[0][4:] != lines[1][4:]
    assert [(stage["name"], stage["steps"]) for stage in summary["stages"]] == [("fre", 2), ("mgt", 4)]
    assert {"before", "after_fre", "after", "random", "idle", "expert"} == set(summary["success"])
    steps = [episode.step for episode in read_episodes(folder / "episodes" / "train")]
    assert steps == [step for step in range(1, 7) for _ in range(3)]
    assert not (folder / "checkpoints").exists() and (folder / "videos" / "after.mp4").is_file()
    assert Watched([folder]).run()["notes"] == []


def test_old_run_is_evaluated_after_its_resume(resumed: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = resumed
    (row,) = training.evaluate(folder, episodes=4, floors=False)
    assert (row["task"], row["policy"], row["problem"]) == ("football", str(folder), "")
    assert row["success"]["n"] == 4 and row["success"]["mean"] == summary["success"]["after"]["mean"]
