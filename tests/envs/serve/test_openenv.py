"""OpenEnv's own client and `openenv validate` with the server, in a virtual environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.openenv_check import TASKS, openenv_python

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
ROOT = Path(__file__).resolve().parents[3]
CHECKS = {
    "openenv validate --url", "openenv validate --level static",
    "client: runtime.seed_control", "client: runtime.episode_determinism", "client: runtime.episode_isolation",
    "client: runtime.state", "client: semantic.oracle_max", "client: semantic.floor_gap",
    "client: semantic.replayability", "client: statistical.training_signal",
    "validate: static.manifest", "validate: runtime.startup", "validate: runtime.observation_schema",
    "validate: runtime.reward_well_formed", "validate: runtime.state_contract", "validate: verdict",
}  # fmt: skip


@pytest.fixture(scope="module")
def installed() -> None:
    """OpenEnv is installed; without a package index, the tests are skipped, or fail where KICKOFF_NO_SKIP is set."""
    try:
        openenv_python()
    except subprocess.CalledProcessError:
        (pytest.fail if os.environ.get("KICKOFF_NO_SKIP") else pytest.skip)("pip cannot install openenv")


@pytest.mark.parametrize("name", TASKS.split(","))
@pytest.mark.usefixtures("installed")
def test_openenvs_client_and_validation_pass(name: str) -> None:
    command = [sys.executable, "-m", "benchmarks.openenv_check", f"env={name}", "starts=8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines() if line.startswith(f"{name} ")]
    assert [row for row in rows if row[1] != "pass"] == [] and done.returncode == 0, done.stdout + done.stderr
    assert {next(check for check in CHECKS if row[2].startswith(check)) for row in rows} == CHECKS
