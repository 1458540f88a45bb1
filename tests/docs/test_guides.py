"""The guides: their scripts run with short settings, and their shell scripts are valid."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import training
from envs.check import main as check
from training.compare import command
from training.config.compose import load

SHORT: dict[str, Any] = {
    "stages": "mgt",
    "stages.mgt.steps": 1,
    "algo.groups": 4,
    "algo.group_size": 4,
    "evaluation": {"episodes": 4, "validation_episodes": 4, "videos": 0, "records": 1},
}


def script(blocks: list[Any], title: str) -> str:
    """The text of the block with a title."""
    (text,) = [block.text for block in blocks if block.title == title]
    return str(text)


def test_question_env_of_the_guide_is_checked_and_its_expert_is_right(
    shell: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(["dice.yaml"])
    assert "wrong" not in capsys.readouterr().out
    command.main(["env=dice.yaml", "policy=expert", "episodes=40", "floors=false", "save=dice"])
    (row,) = json.loads((shell / "dice" / "results.json").read_text())["rows"]
    assert row["success"]["mean"] == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_sweep_continues_and_card_states_the_results(
    blocks: list[Any], shell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[str] = []
    train = training.train

    def short_train(env: str, **overrides: Any) -> dict[str, Any]:
        started.append(overrides["name"])
        return train(env, **(overrides | SHORT))

    monkeypatch.setattr(training, "train", short_train)
    sweep = script(blocks, "sweep.py").replace("[2e-4, 4e-4], [0, 1]", "[2e-4, 4e-4], [0]")
    exec(compile(sweep, "sweep.py", "exec"), {})
    assert started == ["lr0.0002_seed0", "lr0.0004_seed0"]
    exec(compile(sweep, "sweep.py", "exec"), {})
    assert len(started) == 2  # finished runs are not repeated
    assert re.search(r"^lr 0\.0002: [01]\.\d{3}, from .* 1 seeds$", capsys.readouterr().out, re.M)

    monkeypatch.setattr("sys.argv", ["card.py", "runs/sweep/lr0.0002_seed0"])
    exec(compile(script(blocks, "card.py"), "card.py", "exec"), {})
    folder = shell / "runs" / "sweep" / "lr0.0002_seed0"
    after = json.loads((folder / "summary.json").read_text())["success"]["after"]
    card = (folder / "checkpoint" / "README.md").read_text()
    assert card.startswith("---\nlicense: apache-2.0\n") and f"| after | {after['mean']:.2f} (" in card


@pytest.mark.parametrize("name", ["seeds.sbatch", "kickoff.sbatch"])
def test_slurm_scripts_are_valid(name: str, blocks: list[Any], tmp_path: Path) -> None:
    text = script(blocks, name)
    assert text.startswith("#!/bin/bash\n#SBATCH --job-name=")
    bash = shutil.which("bash")
    assert bash is not None
    subprocess.run([bash, "-n"], input=text, text=True, check=True)


def test_settings_of_the_guides_are_valid() -> None:
    assert load(["env=football", "name=seed_1", "seed=1"]).seed == 1
    many = load(["recipe=lmm_r1", "cluster=h64", "algo.max_staleness=1"])
    assert many.cluster.nodes * many.cluster.gpus_per_node == 64
    one = load(["recipe=lmm_r1", "cluster=h1", "env=geometry"]).cluster
    assert (one.gpus, one.learners, one.engines, one.colocate) == (1, 1, 1, True)
