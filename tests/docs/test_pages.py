"""What stands in the blocks of the pages runs as it stands, and their tables are what a run writes."""

import importlib
import json
import re
import shlex
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from configs.errors import UserError
from envs.check import main as check
from render.records import episode as record
from training import run
from training.compare import command
from training.runs.metrics import read_metrics

pytestmark = pytest.mark.slow

FEW = ["stages.mgt.steps=1", "algo.groups=6", "algo.group_size=4", "algo.temperature=1.5", "evaluation.episodes=4"]
FEW += ["evaluation.validation_episodes=4", "evaluation.videos=1", "evaluation.records=1"]
"""Makes a documented run short."""


@pytest.fixture(scope="module")
def a_run(desk: Path) -> Path:
    """A run of the two envs of the pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(desk)
        patch.syspath_prepend(desk)
        measured = ["algo.kl_coef=0.01", "evaluation.blind=true"]
        run.main(["env=catch.yaml,ice.yaml", "stages=mgt", "name=football", *measured, *FEW])
    return desk / "runs" / "football"


def test_third_party_env_in_one_file_is_checked_and_trained(
    shell: Path, a_run: Path, blocks: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    check(["ice.yaml"])
    (shown,) = [block.text for block in blocks if (block.page, block.language) == ("add_env.md", "text")]
    assert capsys.readouterr().out == shown
    assert_trained(a_run, "ice")


def test_new_env_is_checked_and_trained(shell: Path, a_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len((shell / "catch.py").read_text().splitlines()) < 60
    importlib.import_module("catch")
    check_env(gymnasium.make("Catch-v0", render_mode="rgb_array").unwrapped)
    check(["catch.yaml"])
    assert "wrong" not in capsys.readouterr().out
    assert_trained(a_run, "catch")
    assert json.loads((a_run / "summary.json").read_text())["success"]["expert"]["mean"] == 1
    assert (a_run / "videos" / "after.mp4").stat().st_size > 1000


def assert_trained(folder: Path, task: str) -> None:
    """A run has learned from episodes of a task."""
    (step,) = [row for row in read_metrics(folder) if row["stage"] == "mgt"]
    assert step["updates"] >= 1 and step["skipped_updates"] == 0 and step["grad_norm"] > 0
    assert 0 <= step[f"success/{task}"] <= 1
    assert f'"task":"{task}"' in (folder / "episodes" / "train" / "episodes.jsonl").read_text()


def test_own_loss_estimator_and_reward_train_a_run(shell: Path, blocks: list[Any]) -> None:
    (words,) = [
        shlex.split(block.text)[3:]
        for block in blocks
        if (block.page, block.language) == ("add_loss.md", "bash") and "algo.loss=" in block.text
    ]
    assert {"name=sapo", "algo.loss=sapo:sapo", "algo.advantage=sapo:by_rank"} < set(words)
    (task,) = [block.text for block in blocks if (block.page, block.language) == ("add_reward.md", "yaml")]
    assert task == (shell / "short.yaml").read_text()
    words = [*(word for word in words if not word.startswith("env=")), "env=short.yaml", "env.max_turns=5"]
    run.main([*words, "stages=mgt", *FEW])
    (step,) = [row for row in read_metrics(shell / "runs" / "sapo") if row["stage"] == "mgt"]
    assert step["grad_norm"] > 0 and step["clip_fraction"] == 0
    assert step["reward/outcome"] == pytest.approx(step["success"] - 0.01 * step["turns"], abs=1e-3)


def test_a_loss_that_does_not_exist_is_one_line(shell: Path) -> None:
    with pytest.raises(
        UserError,
        match=r"loss must be one of dapo, gspo, cispo, dppo, cross_entropy or an import path module:name, got 'so",
    ):
        run.main(["env=arithmetic", "algo.loss=soup"])
    with pytest.raises(UserError) as caught:
        run.main(["env=arithmetic", "algo.loss=sapo:soup", "name=soup"])
    assert "sapo:soup: module sapo has no soup" in str(caught.value) and "\n" not in str(caught.value)
    assert not (shell / "runs" / "soup").exists()


def test_python_blocks_run_as_they_are(program: Any, shell: Path, a_run: Path) -> None:
    if "from ray" in program.text:
        ray = pytest.importorskip("ray")
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        with warnings.catch_warnings():
            if "from ray" in program.text:
                warnings.simplefilter("ignore")  # of RLlib about itself
            exec(compile(program.text, program.page, "exec"), {"__name__": "__main__"})
    finally:
        if "from ray" in program.text:
            ray.shutdown()


def table(text: str, heading: str, below: str) -> set[str]:
    """The names in the first column of the first table below some words of a page."""
    part = text[text.index(heading) :]
    rows = re.search(r"^\|---.*\n((?:\|.*\n)+)", part[part.index(below) :], re.M)
    assert rows is not None
    return {name for row in rows[1].splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_the_record_has_the_fields_that_are_listed(pages: dict[str, str]) -> None:
    assert table(pages["formats.md"], "## The episode record", "An episode (schema") == {
        "schema",
        *(f.name for f in fields(record.Episode)),
    }
    assert table(pages["formats.md"], "## The episode record", "A turn:") == {
        field.name for field in fields(record.Turn)
    }
    assert f"(schema {record.SCHEMA};" in pages["formats.md"]


def test_a_run_writes_what_is_listed(a_run: Path, pages: dict[str, str]) -> None:
    written = {re.sub("/(catch|ice)$", "/TASK", key) for row in read_metrics(a_run) for key in row}
    assert written == table(pages["formats.md"], "## metrics.jsonl", "A line for each")
    assert set(json.loads((a_run / "summary.json").read_text())) == table(pages["formats.md"], "## summary.json", "|")
    listed = re.findall(r"^  (\.?[\w./]+)", pages["formats.md"].partition("```text")[2].partition("```")[0], re.M)
    assert {path.name for path in a_run.iterdir()} | {"checkpoints", "live.json", "notes.jsonl", "selves"} == {
        name.split("/")[0] for name in listed
    } | {
        "curves.png",
        "report.html",
    }


def test_a_table_has_the_keys_that_are_listed(shell: Path, pages: dict[str, str]) -> None:
    command.main(["env=catch.yaml", "policy=expert", "episodes=8", "floors=false", "save=results"])
    document = json.loads((shell / "results" / "results.json").read_text())
    assert set(document) == table(pages["formats.md"], "## A results folder", "|")
    assert set(document["rows"][0]) == table(pages["formats.md"], "## A results folder", "A row:")
