"""The examples of the Python interface run in the order of the page, with short runs in place of long ones."""

from pathlib import Path
from typing import Any

import pytest

import training
from configs.errors import UserError

SHORT = {
    "stages.fre.steps": 1,
    "stages.mgt.steps": 1,
    "algo.groups": 4,
    "algo.group_size": 4,
    "evaluation": {"episodes": 4, "validation_episodes": 4, "videos": 1, "records": 1},
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["python.md", "README.md"])
def test_examples_of_the_python_interface_run(
    name: str, blocks: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train, evaluate = training.train, training.evaluate
    summaries: list[dict[str, Any]] = []

    def short_train(env: str, **overrides: Any) -> dict[str, Any]:
        algo = {f"algo.{key}": value for key, value in overrides.pop("algo", {}).items()}
        summaries.append(train(env, **(overrides | algo | SHORT)))
        return summaries[-1]

    def short_evaluate(policy: Any, env: str, episodes: int) -> list[dict[str, Any]]:
        return evaluate(policy, env, episodes=min(episodes, 4))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "train", short_train)
    monkeypatch.setattr(training, "evaluate", short_evaluate)
    programs = [block.text for block in blocks if (block.page, block.language) == (name, "py")]
    names: dict[str, Any] = {"__name__": "__main__"}
    for program in programs:
        if "resume(" in program:  # of an interrupted run, but this one is finished
            with pytest.raises(UserError, match="finished"):
                exec(compile(program, name, "exec"), names)
        else:
            exec(compile(program, name, "exec"), names)
    assert [Path(summary["path"]).as_posix() for summary in summaries] == ["runs/football", "runs/low_lr"]
    assert summaries[0]["success"].keys() >= {"before", "after", "random", "idle", "expert"}
    assert names["done"] and names["policy"].reply.valid  # the policy played an episode
    names["policy"].close()
