"""Evaluation and training on a server of the openenv package, in a virtual environment of its own."""

import json
import math
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.openenv_ask import template
from benchmarks.openenv_check import openenv_python
from envs.task.config import load_task
from training import run
from training.compare import command
from training.runs.metrics import read_metrics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

RECIPE = """
checkpoint_every: 2
evaluation: {episodes: 4, every: 2, validation_episodes: 4, videos: 0, records: 1}
algo: {groups: 2, group_size: 4, warmup_updates: 1, temperature: 1.5}
stages:
  mgt: {tasks: [env], steps: 2}
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Without a package index, the tests are skipped, or fail where KICKOFF_NO_SKIP is set."""
    try:
        python = openenv_python()
    except subprocess.CalledProcessError:
        (pytest.fail if os.environ.get("KICKOFF_NO_SKIP") else pytest.skip)("pip cannot install openenv")
    with template(python) as found:
        yield found


def test_the_echo_server_is_found_out(address: str) -> None:
    task = load_task(f"openenv:{address}")
    assert task.kwargs == {"action_field": "message", "action_type": "string", "action_form": "{}"}
    assert (task.image, task.caption, task.success, task.episodes_at_once) == (False, True, "return > 0", 1)


def test_the_echo_server_is_evaluated(address: str, tmp_path: Path) -> None:
    words = ["policy=random", "floors=false", "episodes=4", "env.max_turns=3", f"save={tmp_path / 'saved'}"]
    command.main([f"env=openenv:{address}", *words])
    (row,) = json.loads((tmp_path / "saved" / "results.json").read_text())["rows"]
    # an answer of one digit earns 0.1
    assert (row["success"]["mean"], round(row["return"], 6), row["turns"], row["problem"]) == (1.0, 0.3, 3.0, "")


def test_a_run_trains_on_the_echo_server(address: str, tmp_path: Path) -> None:
    (tmp_path / "few.yaml").write_text(RECIPE)
    words = [f"recipe={tmp_path / 'few.yaml'}", f"out={tmp_path}", "name=run", "env.max_turns=2"]
    run.main([f"env=openenv:{address}", *words, "env.max_reply_tokens=24", "env.on_invalid=skip"])
    steps = [row for row in read_metrics(tmp_path / "run") if row.get("stage") == "mgt"]
    assert [row["step"] for row in steps] == [1, 2] and all(math.isfinite(row["loss"]) for row in steps)
    assert sum(row["updates"] for row in steps) > 0 and not any(row.get("episodes/failed") for row in steps)
