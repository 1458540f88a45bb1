"""Ctrl-C in the middle of a run that shares its groups out by learning progress, and the resume after it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from training import run
from training.rollout.mixture import Mixture
from training.runs.checkpoint import newest, read_progress
from training.runs.metrics import read_metrics

pytestmark = pytest.mark.slow

RECIPE = """
checkpoint_every: 2
evaluation: {episodes: 2, every: 0, videos: 0, records: 1}
algo: {groups: 4, group_size: 3, temperature: 1.5, pool: 8}
stages:
  mix: {tasks: {arithmetic: 1, algebra: 2}, steps: 40, learning_progress: 0.8}
"""


def words(folder: Path, name: str) -> list[str]:
    (folder / "mix.yaml").write_text(RECIPE)
    return ["env=arithmetic,algebra", f"recipe={folder / 'mix.yaml'}", "track=none", f"out={folder}", f"name={name}"]


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A run that got SIGINT after its third step: its folder, exit status and stderr."""
    out = tmp_path_factory.mktemp("runs")
    folder = out / "interrupted"
    command = [sys.executable, "-m", "training.run", *words(out, "interrupted")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while len(read_metrics(folder)) < 3:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=120)[1]
    return folder, process.returncode, told


def test_run_with_sigint_exits_with_130_and_prints_how_to_resume(interrupted: tuple[Path, int, str]) -> None:
    folder, status, told = interrupted
    assert status == 130, told
    assert told.splitlines()[-2:] == [f"resume with: python -m training.run resume={folder}", "stopped"]
    assert "Traceback" not in told and "Warning" not in told
    assert not (folder / "summary.json").exists()


def test_run_with_sigint_keeps_a_whole_checkpoint(interrupted: tuple[Path, int, str]) -> None:
    checkpoint = newest(interrupted[0] / "checkpoints")
    assert checkpoint is not None
    state = read_progress(checkpoint)
    assert 2 <= state.step < 40 and state.step % 2 == 0
    assert list((interrupted[0] / "checkpoints").glob(".*")) == []  # nothing half-written
    mixture = Mixture({"arithmetic": 1, "algebra": 2}, 4, 0.8)
    mixture.restore(state.source)
    assert mixture.target_fractions() != pytest.approx(mixture.weights)  # learning progress counts already


def test_resume_of_a_mixture_by_learning_progress_gives_the_same_numbers(interrupted: tuple[Path, int, str]) -> None:
    folder = interrupted[0]
    run.main(words(folder.parent, "whole"))
    run.main([f"resume={folder}"])

    def numbers(path: Path) -> list[dict[str, Any]]:
        return [{k: v for k, v in record.items() if not k.startswith("time/")} for record in read_metrics(path)]

    whole = folder.parent / "whole"
    assert numbers(folder) == numbers(whole) and len(numbers(whole)) == 40
    assert sum(record["groups/replayed"] for record in numbers(whole)) > 0
    one, other = (json.loads((path / "summary.json").read_text()) for path in (folder, whole))
    assert (one["success"], one["others"]) == (other["success"], other["others"])
    trained = [(path / "checkpoint" / "model.safetensors").read_bytes() for path in (folder, whole)]
    assert trained[0] == trained[1]
