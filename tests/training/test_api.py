"""`training.train`, `training.evaluate` and `training.resume` from Python."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import training
from configs.errors import UserError
from training.config.run import read
from training.runs.metrics import read_metrics

SHORT: dict[str, Any] = {
    "stages": {"mgt": {"steps": 1}},
    "algo": {"groups": 2, "group_size": 2},
    "evaluation": {"episodes": 2, "every": 0, "videos": 0, "records": 1},
    "track": "none",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The summary of a run on two tasks, with nested and dotted overrides."""
    settings = SHORT | {"stages": {"fre": {"steps": 1}, "mgt": {"steps": 1}}, "out": tmp_path_factory.mktemp("runs")}
    dotted = {"stages.mgt.algo.lr": 0.125, "env.max_reply_tokens": "9", "algo.clip_low": 0.25}
    return training.train(["arithmetic", "algebra"], name="mine", seed=3, **(settings | dotted))


@pytest.mark.slow
def test_train_returns_the_summary_and_the_path_of_its_folder(trained: dict[str, Any]) -> None:
    folder = Path(trained["path"])
    assert folder.name == "mine" and folder.is_dir()
    assert {**json.loads((folder / "summary.json").read_text()), "path": str(folder)} == trained
    assert (trained["task"], trained["seed"]) == ("arithmetic", 3)
    assert [(stage["name"], stage["steps"]) for stage in trained["stages"]] == [("fre", 1), ("mgt", 1)]
    assert [record["stage"] for record in read_metrics(folder)] == ["fre", "mgt"]


@pytest.mark.slow
def test_train_with_nested_and_dotted_overrides_uses_all_of_them(trained: dict[str, Any]) -> None:
    config = read(Path(trained["path"]) / "config.yaml")
    assert config.envs == ["arithmetic", "algebra"]
    assert config.stages["mgt"].tasks == {"arithmetic": 1.0, "algebra": 1.0}
    assert [stage.algo.groups for stage in config.stages.values()] == [2, 2]
    assert (config.stages["mgt"].algo.lr, config.stages["fre"].algo.lr) == (0.125, 1e-4)
    assert {task.max_reply_tokens for task in config.tasks.values()} == {9}
    text = (Path(trained["path"]) / "config.yaml").read_text()
    assert "seed: 3  # argument\n" in text and "checkpoint_every: 10  # recipe tiny\n" in text


@pytest.mark.slow
def test_train_inside_a_running_loop_with_weighted_tasks_works_as_in_a_notebook(tmp_path: Path) -> None:
    async def cell() -> dict[str, Any]:
        return training.train({"arithmetic": 3, "algebra": 1}, out=str(tmp_path), **SHORT)

    summary = asyncio.run(cell())
    assert summary["path"] == str(tmp_path / "arithmetic-algebra")
    assert read(tmp_path / "arithmetic-algebra" / "config.yaml").stages["mgt"].weights == {
        "arithmetic": 3,
        "algebra": 1,
    }


@pytest.mark.slow
def test_evaluate_a_run_by_default_plays_its_own_tasks(trained: dict[str, Any]) -> None:
    rows = training.evaluate(Path(trained["path"]), episodes=2, floors=False)
    assert [(row["task"], row["policy"]) for row in rows] == [
        ("arithmetic", trained["path"]),
        ("algebra", trained["path"]),
    ]
    assert rows[0]["success"]["mean"] == trained["success"]["after"]["mean"]  # the same held-out starts


def test_evaluate_several_policies_returns_a_row_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def cell() -> list[dict[str, Any]]:
        return training.evaluate(["random", "expert"], "arithmetic", episodes=4, floors=False, save=tmp_path / "out")

    rows = asyncio.run(cell())
    assert [(row["policy"], row["task"], row["success"]["n"]) for row in rows] == [
        ("random", "arithmetic", 4),
        ("expert", "arithmetic", 4),
    ]
    assert [row["success"]["mean"] for row in rows] == [0.0, 1.0]
    assert json.loads((tmp_path / "out" / "results.json").read_text())["rows"] == rows
    assert "arithmetic" in capsys.readouterr().out  # the table, as on the command line


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: training.train("arithmetic", algo={"lrr": 1}), "unknown key algo.lrr; did you mean algo.lr?"),
        (lambda: training.train("arithmetic", **{"algo.lr": "fast"}), "algo.lr=fast: a number greater than 0 is"),
        (lambda: training.train("arithmetic", seed=1.5), "seed=1.5: a whole number of at least 0 is expected"),
        (lambda: training.train("arithmetic", seed=None), "seed=null: a whole number of at least 0 is expected"),
        (lambda: training.train(["arithmetic", "algebr"]), "unknown env 'algebr'; did you mean 'algebra'?"),
        (lambda: training.train({"arithmetic": -1}), "env: weights must be greater than 0"),
        (lambda: training.train("arithmetic", algo={"lr": 1}, **{"algo.lr": 2}), "algo.lr is given twice: 1 and 2"),
        (lambda: training.evaluate("expert", "arithmetic", episode=3), "unknown key episode; did you mean episodes?"),
        (lambda: training.evaluate("expert", "arithmetic", episodes=0), "episodes=0: a whole number of at least 1"),
        (lambda: training.evaluate("nobody", "arithmetic"), "nobody"),
        (lambda: training.resume("gone"), "resume=gone: not a run folder (no config.yaml)"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_a_user_error_of_one_line(
    call: Any, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        call()
    assert problem in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_train_into_a_folder_that_exists_is_refused(trained: dict[str, Any]) -> None:
    folder = Path(trained["path"])
    with pytest.raises(UserError, match="mine exists already; choose another name"):
        training.train("arithmetic", name="mine", out=folder.parent, **SHORT)


@pytest.mark.slow
def test_resume_of_a_finished_run_is_refused(trained: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"mine is already finished; its report is .*report\.html"):
        training.resume(trained["path"])


@pytest.mark.slow
def test_evaluate_stays_a_function_when_the_command_modules_are_imported() -> None:
    program = (
        "import training.run, training.compare.command\n"
        "import training; from training import evaluate\n"
        "print(callable(training.evaluate), evaluate is training.evaluate, evaluate.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "training.api"]
