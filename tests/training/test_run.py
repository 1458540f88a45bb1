"""Whole runs of `python -m training.run`: what they leave behind, that they repeat, and that they survive a kill."""

import json
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import equal

from agents.episodes.starts import TEST_FIRST
from agents.models.load import load_model
from configs.cli import command
from render.records.files import in_use
from render.records.reading import read_episodes
from render.viewer.run import Watched
from training import run
from training.compare import command as evaluate
from training.config.help import help_text
from training.runs.checkpoint import newest, read_progress
from training.runs.metrics import read_metrics

pytestmark = pytest.mark.slow

RECIPE = """
checkpoint_every: 2
evaluation: {episodes: 8, every: 3, validation_episodes: 8, blind: true, videos: 1, records: 2}
algo: {groups: 4, group_size: 4, warmup_updates: 2, temperature: 1.5}
stages:
  fre: {tasks: [arithmetic], steps: 2}
  mgt: {tasks: [env], steps: 4}
"""
STAGES = [("fre", 2), ("mgt", 4)]
WORDS = {
    "arithmetic": ["env=arithmetic"],
    # Short games with a reward on the way, so that a few episodes already differ.
    "football": ["env=football", "env.max_turns=3", "env.reward=return", "env.kwargs.rewards=scoring,checkpoints"],
}


class Runs:
    """Runs of one env, in one folder."""

    def __init__(self, env: str, folder: Path) -> None:
        self.env, self.folder = env, folder
        (folder / "short.yaml").write_text(RECIPE)

    def words(self, name: str) -> list[str]:
        return [*WORDS[self.env], f"recipe={self.folder / 'short.yaml'}", f"out={self.folder}", f"name={name}"]


def start(*words: str) -> subprocess.Popen[str]:
    """A run as a user starts it, from any directory."""
    command = [sys.executable, "-m", "training.run", *words]
    return subprocess.Popen(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module", params=list(WORDS))
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def whole(runs: Runs) -> Path:
    """A run that was never stopped."""
    run.main(runs.words("whole"))
    return runs.folder / "whole"


def summary(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return document


def numbers(folder: Path) -> list[dict[str, Any]]:
    """The metrics that do not hang on the clock."""
    return [{k: v for k, v in record.items() if not k.startswith("time/")} for record in read_metrics(folder)]


def assert_same(one: Path, two: Path) -> None:
    assert numbers(one) == numbers(two)
    first, second = (load_file(folder / "checkpoint" / "model.safetensors") for folder in (one, two))
    assert first.keys() == second.keys()
    assert all(equal(first[name], second[name]) for name in first)
    for label in ("before", "after_fre", "after", "train"):
        files = [folder / "episodes" / label / "episodes.jsonl" for folder in (one, two)]
        assert files[0].read_bytes() == files[1].read_bytes()
    for key in ("task", "seed", "success", "others", "checkpoint", "validation"):
        assert summary(one)[key] == summary(two)[key], key
    assert [(stage["name"], stage["steps"]) for stage in summary(one)["stages"]] == STAGES


ON_TEXT = pytest.mark.parametrize("runs", ["arithmetic"], indirect=True)
ON_BOTH = pytest.mark.parametrize("runs", ["football"], indirect=True)  # a run on text, then on images


# -- what a run leaves behind --------------------------------------------------------------------------------------


def test_run_leaves_complete_files_that_can_be_read(runs: Runs, whole: Path) -> None:
    expected = {"config.yaml", "inputs.json", "metrics.jsonl", "tensorboard", "episodes", "checkpoint", "summary.json"}
    expected |= {"curves.png", "report.html", "facts.json"} | ({"videos"} if runs.env == "football" else set())
    expected.add(".lock")  # free again
    assert not in_use(whole)
    assert {path.name for path in whole.iterdir()} == expected  # nothing half-written, nothing to resume
    modes = {path.stat().st_mode & 0o777 for path in whole.rglob("*") if path.is_file() and path.name != ".lock"}
    assert modes == {(whole / "config.yaml").stat().st_mode & 0o777}
    for label in ("before", "after"):
        episodes = list(read_episodes(whole / "episodes" / label))
        assert [episode.seed for episode in episodes] == list(range(TEST_FIRST, TEST_FIRST + 8))
        pictured = [all(turn.frame is not None for turn in episode.turns) for episode in episodes]
        assert sum(pictured) == (2 if runs.env == "football" else 0)
    height, width, _ = iio.imread(whole / "curves.png").shape
    assert width > height > 300
    page = Watched([whole]).run()
    assert page["notes"] == []
    assert [video["name"] for video in page["videos"]] == (
        ["before", "after_fre", "after"] if runs.env == "football" else []
    )
    assert 'class="chunk"' in (whole / "report.html").read_text()  # episodes, packed
    scalars = EventAccumulator(str(whole / "tensorboard")).Reload()
    assert [event.step for event in scalars.Scalars("success")] == [1, 2, 3, 4, 5, 6]


def test_run_writes_a_summary_with_all_results(runs: Runs, whole: Path) -> None:
    document = summary(whole)
    assert (document["task"], document["seed"]) == (runs.env, 0)
    assert 0 < document["seconds"] < 3600 and 100 < document["peak_memory_mb"] < 4096
    assert [(stage["name"], stage["steps"]) for stage in document["stages"]] == STAGES
    assert 0 < sum(stage["seconds"] for stage in document["stages"]) <= document["seconds"]
    assert set(document["success"]) == {"before", "after_fre", "after", "random", "idle", "expert"}
    for result in document["success"].values():
        low, high = result["ci95"]
        assert result["n"] == 8 and 0 <= low <= result["mean"] <= high <= 1
        assert (result["mean"] * 8).is_integer()
    for label in ("before", "after"):
        assert 0 <= document["success"][label]["greedy"] <= 1
        assert ("blind" in document["success"][label]) == (runs.env == "football")
    if runs.env == "arithmetic":
        assert document["success"]["expert"]["mean"] == 1
        assert document["others"] == {}
    else:
        assert set(document["others"]["arithmetic"]) == {"before", "after_fre", "after"}


def test_run_logs_every_step_and_evaluation(runs: Runs, whole: Path) -> None:
    steps = [record for record in read_metrics(whole) if record["stage"] != "evaluation"]
    assert [(record["total_step"], record["stage"], record["step"]) for record in steps] == [
        *((i, "fre", i) for i in (1, 2)),
        *((i + 2, "mgt", i) for i in (1, 2, 3, 4)),
    ]
    evaluations = [record for record in read_metrics(whole) if record["stage"] == "evaluation"]
    assert [record["step"] for record in evaluations] == [0, 3, 4]
    assert all(0 <= record["eval/low"] <= record["eval/success"] <= record["eval/high"] <= 1 for record in evaluations)
    assert all(("eval/blind" in record) == (runs.env == "football") for record in evaluations)  # the other has no image
    for record in steps:
        assert record["reward"] == pytest.approx(record["reward/outcome"] + record["reward/format"])
        assert record["skipped_updates"] == 0
        # One update a step: the learner sees the very distribution that the engine sampled from, also at 1.5.
        assert record["policy_kl"] == pytest.approx(0, abs=1e-5) and record["clip_fraction"] == 0
        assert 0 <= record["success"] <= 1 and 0 <= record["valid"] <= 1
    # Something was learned at every step, or the tests below would say little (hot replies differ, also in form).
    assert all(record["trained_tokens"] > 0 for record in steps)


def test_run_checkpoint_has_the_success_of_the_summary(runs: Runs, whole: Path, tmp_path: Path) -> None:
    assert load_model(str(whole / "checkpoint")).chat.images.visual_tokens(84, 84) == 9
    out = tmp_path / "result.json"
    words = [*WORDS[runs.env], f"policy={whole / 'checkpoint'}", "episodes=8", f"json={out}"]
    evaluate.main(words)
    result = json.loads(out.read_text())
    after = summary(whole)["success"]["after"]
    assert (result["success"]["mean"], result["success"]["n"]) == (after["mean"], 8)
    evaluate.main([*words, "temperature=0"])
    assert json.loads(out.read_text())["success"]["mean"] == after["greedy"]


# -- the same numbers ----------------------------------------------------------------------------------------------


@ON_TEXT
def test_run_with_the_same_seed_gives_the_same_numbers(runs: Runs, whole: Path) -> None:
    process = start(*runs.words("again"))
    shown, progress = process.communicate(timeout=120)
    assert process.returncode == 0, progress
    assert_same(whole, runs.folder / "again")
    # And this is what the user saw of it.
    assert re.search(r"^before +\d+\.\d% \(.*\n(.*\n)*after +\d", shown, re.M)
    assert re.search(rf"^{runs.folder / 'again'} · .* · peak memory .* MB\n  report.html  all results", shown, re.M)
    assert progress.startswith(f"watch it: python -m render.watch {runs.folder / 'again'}\n")
    assert re.search(r"^mgt 4/4 · \d+ s · success \d+% \(held-out \d+%\) · reward .* tok/s$", progress, re.M)
    facts = json.loads((runs.folder / "again" / "facts.json").read_text())
    assert facts["command"].startswith("python -m training.run ") and facts["parameters"] > 10**6
    assert not (runs.folder / "again" / "live.json").exists()
    assert "Warning" not in progress and "Traceback" not in progress


def in_second_stage(folder: Path) -> bool:
    """True if the newest checkpoint is one of the second stage."""
    checkpoint = newest(folder / "checkpoints")
    return checkpoint is not None and read_progress(checkpoint).stage == 1


def kill(process: subprocess.Popen[str], folder: Path, lines: int) -> None:
    """Send SIGKILL as soon as the metrics have the given number of lines and the second stage has a checkpoint."""
    deadline = time.monotonic() + 120
    while len(read_metrics(folder)) < lines or not in_second_stage(folder):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "summary.json").exists()


@pytest.fixture(scope="module")
def killed(runs: Runs) -> Path:
    """A run that was killed with a line of metrics and a checkpoint half-written."""
    folder = runs.folder / "killed"
    kill(start(*runs.words("killed")), folder, lines=6)  # in the middle of the second stage, after its first checkpoint
    with (folder / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"total_step": 99, "stage": "mg')
    half = folder / "checkpoints" / ".step-000099.new"
    half.mkdir()
    (half / "weights.safetensors").write_bytes(b"half")
    return folder


def whole_files(folder: Path) -> dict[str, bytes]:
    """All but what is half-written."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith(".")}


@ON_BOTH
def test_run_with_a_full_disk_keeps_earlier_checkpoints(
    runs: Runs, killed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file may grow over 1 MB: metrics fit, weights do not."""
    before = whole_files(killed / "checkpoints")
    checkpoint = newest(killed / "checkpoints")
    assert checkpoint is not None
    lines = read_progress(checkpoint).metrics_lines
    kept = numbers(killed)[:lines]
    monkeypatch.setattr(sys, "argv", ["training.run", f"resume={killed}"])
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, usual[1]))
    try:
        with pytest.raises(SystemExit) as caught:
            command(run.main, help_text)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert caught.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"error: cannot save {killed / 'checkpoints'}/")
    assert error.endswith("earlier checkpoints are intact")
    assert whole_files(killed / "checkpoints") == before
    assert newest(killed / "checkpoints") == checkpoint
    assert numbers(killed)[:lines] == kept


@ON_BOTH
def test_run_killed_and_resumed_gives_the_same_numbers(runs: Runs, killed: Path, whole: Path) -> None:
    checkpoint = newest(killed / "checkpoints")
    assert checkpoint is not None
    assert read_progress(checkpoint).stage == 1  # the optimiser's state counts, too
    run.main([f"resume={killed}"])
    assert_same(whole, killed)
    assert not (killed / "checkpoints").exists()
    assert np.isfinite([record["loss"] for record in read_metrics(killed) if "loss" in record]).all()
