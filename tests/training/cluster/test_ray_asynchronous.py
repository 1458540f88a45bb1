"""Episodes played during updates (max_staleness=1) on real Ray and vLLM: a run that is killed, and its resume."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from training.runs.checkpoint import newest, read_progress
from training.runs.metrics import read_metrics

pytest.importorskip("ray")
pytest.importorskip("vllm")
pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.vllm, pytest.mark.timeout(900)]

STEPS = 6
RECIPE = f"""
checkpoint_every: 1
evaluation: {{episodes: 2, every: 0, videos: 0, records: 0, record_groups: 0}}
algo: {{groups: 6, group_size: 4, max_staleness: 1, lr: 3e-4, warmup_updates: 0}}
stages:
  equations: {{tasks: [algebra], steps: {STEPS}}}
"""
CLUSTER = """
kind: ray
learners: 1
engines: 1
rollout_workers: 1
"""


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, thread.read_text().split()):
            found += [child, *descendants(child)]
    return found


def start(words: list[str], log: Path) -> subprocess.Popen[str]:
    with log.open("a") as file:
        command = [sys.executable, "-m", "training.run", *words]
        return subprocess.Popen(command, stdout=file, stderr=file, text=True)


def numbers(folder: Path, key: str) -> list[Any]:
    return [record[key] for record in read_metrics(folder) if record["stage"] == "equations"]


def test_run_with_staleness_is_killed_and_resumed(tmp_path: Path) -> None:
    folder, log = tmp_path / "killed", tmp_path / "log"
    for name, text in (("equations", RECIPE), ("one", CLUSTER)):
        (tmp_path / f"{name}.yaml").write_text(text)
    words = ["env=algebra", f"recipe={tmp_path}/equations.yaml", f"cluster={tmp_path}/one.yaml", "track=none"]
    words += ["engine.kind=vllm", "engine.vllm.cpu_cache_gb=0.1", f"out={tmp_path}", "name=killed"]
    run = start(words, log)
    deadline = time.monotonic() + 600
    while len(numbers(folder, "step")) < 3 or newest(folder / "checkpoints") is None:
        assert run.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    others = descendants(run.pid)
    run.kill()
    run.wait()
    for pid in others:  # Ray's own processes notice the death in a few seconds
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    before = numbers(folder, "staleness/max")
    checkpoint = newest(folder / "checkpoints")
    assert checkpoint is not None
    kept = read_progress(checkpoint).step
    assert 0 < kept < STEPS and len(before) >= kept

    resumed = start([f"resume={folder}"], log)
    assert resumed.wait(600) == 0, log.read_text()
    assert numbers(folder, "step") == [1, 2, 3, 4, 5, 6]
    oldest, mean = numbers(folder, "staleness/max"), numbers(folder, "staleness/mean")
    assert oldest[0] == oldest[kept] == 0  # nothing was played ahead: the start, and the resume
    assert max(oldest) == 1  # never more than allowed, although later steps were played during the updates
    assert all(0 <= some <= most for some, most in zip(mean, oldest, strict=True)) and max(mean) > 0.5
    mismatch = numbers(folder, "mismatch")
    assert mismatch[0] < 1e-4 and mismatch[kept] < 1e-4  # the engine has the learner's weights, after the resume too
    assert max(mismatch) > 10 * max(mismatch[0], mismatch[kept])  # of older weights
    assert numbers(folder, "skipped_updates") == [0] * STEPS
    assert (folder / "summary.json").is_file()
