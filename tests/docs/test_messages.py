"""Every message that the questions page lists is what the code really says, with the mistake that leads to it."""

import json
import math
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import envs  # noqa: F401  (registers the ids)
from agents.chat.conversation import Conversation
from agents.demonstrate import main as demonstrate
from agents.episodes.starts import TEST_FIRST
from agents.episodes.task_check import check_task
from agents.models.load import load_model
from agents.models.tiny import build_chat
from agents.policies.recorded import RecordedPolicy
from configs.imports import check_packages
from envs.check import main as check
from envs.task.config import TaskConfig, load_task
from envs.task.task import Task
from render.draw.images import as_frame
from training.baseline.train import main as baseline
from training.compare.command import EvaluateOptions, evaluate_policies
from training.config.compose import NoOptions, compose, load
from training.learner import export
from training.runs.run_folder import RunFolder
from training.runs.trackers import check as check_trackers

Case = Callable[[Path, pytest.MonkeyPatch], object]


def unknown_key(folder: Path, patch: pytest.MonkeyPatch) -> None:
    load(["algo.lrr=1"])


def a_run(folder: Path) -> RunFolder:
    return RunFolder.create(load(["env=arithmetic", f"out={folder}", "name=a"]))


def existing(folder: Path, patch: pytest.MonkeyPatch) -> None:
    a_run(folder)
    a_run(folder)


def changed_resume(folder: Path, patch: pytest.MonkeyPatch) -> None:
    words = {"resume": str(a_run(folder).path), "seed": "3"}
    RunFolder.resume(compose(words, NoOptions).config, words)


def changed_file(folder: Path, patch: pytest.MonkeyPatch) -> None:
    questions = folder / "sums.jsonl"
    questions.write_text('{"problem": "1+1?", "answer": "2"}')
    words = ["env=questions", f"env.kwargs.path={questions}", f"out={folder}", "name=a"]
    run = RunFolder.create(load(words))
    questions.write_text('{"problem": "1+2?", "answer": "3"}')
    RunFolder.resume(load([f"resume={run.path}"]), {"resume": str(run.path)})


def locked(folder: Path, patch: pytest.MonkeyPatch) -> None:
    run = a_run(folder)
    with run.locked(), RunFolder(run.path, run.config).locked():
        pass


def wrong_image(folder: Path, patch: pytest.MonkeyPatch) -> None:
    Conversation(build_chat(), 0).ask("go", "go", np.zeros((40, 60, 3), np.uint8))


def long_prompt(folder: Path, patch: pytest.MonkeyPatch) -> None:
    check_task("arithmetic", load_task("arithmetic"), build_chat(), 20)


def no_names(folder: Path, patch: pytest.MonkeyPatch) -> None:
    Task("cart", TaskConfig(id="CartPole-v1")).make()


def continuous(folder: Path, patch: pytest.MonkeyPatch) -> None:
    Task("car", TaskConfig(id="MountainCarContinuous-v0", actions=["left", "right"])).make()


def float_image(folder: Path, patch: pytest.MonkeyPatch) -> None:
    as_frame(np.ones((40, 40, 3), np.float32))


def nan_reward(folder: Path, patch: pytest.MonkeyPatch) -> None:
    task = Task("cart", TaskConfig(id="CartPole-v1", actions=["left", "right"]))
    env = task.make()
    env.reset(seed=0)
    patch.setattr(env, "step", lambda action: (0, math.nan, False, False, {}))
    task.step(env, 0)


def hidden_package(folder: Path, patch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(origin=str(folder / "__init__.py"), submodule_search_locations=[str(folder)])
    patch.setattr("importlib.util.find_spec", lambda name: found)
    check_packages("envs")


def no_expert(folder: Path, patch: pytest.MonkeyPatch) -> None:
    demonstrate(["env=frozen_lake", f"out={folder / 'a.jsonl'}"])


def unfinished(folder: Path, patch: pytest.MonkeyPatch) -> None:
    path = a_run(folder).path
    evaluate_policies(compose({"policy": str(path), "env": "arithmetic"}, EvaluateOptions))


def record(folder: Path, seed: int) -> None:
    line = {"schema": 2, "task": "arithmetic", "seed": seed, "policy": "human", "success": True, "ended": "completed"}
    rest = {"step": -1, "group": 0, "reward": 0.0, "rewards": {}, "turns": []}
    (folder / "episodes.jsonl").write_text(json.dumps(line | rest) + "\n")


def other_settings(folder: Path, patch: pytest.MonkeyPatch) -> None:
    record(folder, TEST_FIRST)
    (folder / "task.yaml").write_text("id: kickoff/Arithmetic-v0\nmax_turns: 7\n")
    RecordedPolicy(folder, Task("arithmetic", load_task("arithmetic")))


def training_start(folder: Path, patch: pytest.MonkeyPatch) -> None:
    record(folder, 7)
    RecordedPolicy(folder, Task("arithmetic", load_task("arithmetic")))


def no_rllib(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setitem(sys.modules, "ray.rllib", None)
    baseline(["env=sokoban", f"out={folder}"])


def no_wandb_key(folder: Path, patch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    patch.setattr(wandb, "setup", lambda: SimpleNamespace(settings=SimpleNamespace(mode="online")))
    patch.setattr(wandb, "login", lambda **_: False)
    check_trackers("wandb")


def full_disk(folder: Path, patch: pytest.MonkeyPatch) -> None:
    model = load_model("tiny").vlm.model
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, usual[1]))  # no file may grow over 1 MB
    try:
        export.write(model, model.state_dict(), folder / "checkpoint", "float32")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


MISTAKES: dict[str, Case] = {
    "unknown key … did you mean …": unknown_key,
    "… exists already": existing,
    "since the run began, … has changed": changed_file,
    "a resumed run keeps its config": changed_resume,
    "another process is working on …": locked,
    "the model needs images of …": wrong_image,
    "a first prompt of …": long_prompt,
    "… needs action names": no_names,
    "a reply cannot name an action of …": continuous,
    "an image must be uint8 …": float_image,
    "… gave the reward nan": nan_reward,
    "… hides Kickoff's package …": hidden_package,
    "… has no expert": no_expert,
    "this run is not finished and has no checkpoint/ yet": unfinished,
    "… was played with different settings": other_settings,
    "… is not a held-out start": training_start,
    "the baseline needs RLlib": no_rllib,
    "track=wandb needs a key": no_wandb_key,
    "earlier checkpoints are intact": full_disk,
}
FOUND = "success=info, but info has no 'success'"
"""What `envs.check` prints instead of failing with it."""


@pytest.mark.slow
@pytest.mark.parametrize("message", MISTAKES)
def test_listed_message_is_what_the_mistake_gives(
    message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError) as caught:
        MISTAKES[message](tmp_path, monkeypatch)
    pattern = ".*".join(map(re.escape, message.split("…")))
    assert re.search(pattern, str(caught.value)) and "\n" not in str(caught.value)


def test_check_prints_the_listed_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cart.yaml").write_text("id: CartPole-v1\nactions: [left, right]\nsuccess: info\n")
    with pytest.raises(SystemExit):
        check([str(tmp_path / "cart.yaml")])
    assert FOUND in capsys.readouterr().out


def test_every_listed_message_is_provoked_here(pages: dict[str, str]) -> None:
    listed = re.findall(r"^\| `([^`]+)` \|", pages["questions.md"].partition("## Messages")[2], re.M)
    assert set(listed) == {*MISTAKES, FOUND}
