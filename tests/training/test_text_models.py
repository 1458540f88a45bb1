"""Runs of a text model: demonstrations and rewards on text tasks, and one line for tasks with images."""

from pathlib import Path

import pytest

from agents.models.load import load_model, wrap
from agents.models.tiny import build
from agents.policies.loaded import load_policy
from configs.errors import UserError
from training import run
from training.compare.command import main as evaluate
from training.runs.metrics import read_metrics

RECIPE = """
evaluation: {episodes: 4, every: 0, validation_episodes: 4, videos: 1, records: 2, blind: true}
algo: {lr: 1e-3, groups: 3, group_size: 4, minibatch: 24, temperature: 1.5}
learner: {lora_rank: 4}
stages:
  warm: {kind: sft, tasks: [sokoban_text, arithmetic], demonstrations: 60, steps: 3}
  dagger: {kind: distill, tasks: [sokoban_text], steps: 1}
  mgt: {tasks: [env, tiny_reasoning], steps: 2}
tasks:
  sokoban_text: {max_turns: 3, max_reply_tokens: 24}
  football_text: {max_turns: 2, max_reply_tokens: 24}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen3 that reads text only."""
    path = tmp_path_factory.mktemp("models") / "qwen3"
    wrap(*build(3, "qwen3")).save(path)
    return path


@pytest.mark.slow
def test_run_learns_from_demonstrations_and_rewards_and_is_evaluated(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.yaml").write_text(RECIPE)
    words = ["env=sokoban_text,football_text", f"recipe={tmp_path / 'text.yaml'}", f"model.path={folder}"]
    run.main([*words, f"out={tmp_path}", "name=text"])
    records = read_metrics(tmp_path / "text")
    losses = [record["loss"] for record in records if record["stage"] == "warm"]
    assert losses[-1] < losses[0]
    gaps = [record["mismatch"] for record in records if record["stage"] == "mgt"]
    assert len(gaps) == 2 and max(gaps) < 1e-5
    trained = load_model(str(tmp_path / "text" / "checkpoint"))
    assert trained.vlm.model.config.model_type == "qwen3" and not trained.chat.takes_images
    capsys.readouterr()
    evaluate(["env=arithmetic", f"policy={tmp_path / 'text'}", "episodes=4", "engine.max_context=400"])
    assert "arithmetic" in capsys.readouterr().out
    with load_policy(tmp_path / "text", "sokoban_text") as policy:
        env = policy.make_env()
        policy.reset(env, seed=1)
        observation, info = env.reset(seed=1)
        with pytest.raises(ValueError, match=r"^turn 1: "):  # an untrained model's first reply
            policy.act(observation, info)


SHOWN = "tasks.{}: the task shows images, but the model reads text only; {}"


@pytest.mark.parametrize(
    ("task", "instead"),
    [
        ("sokoban", "play sokoban_text"),
        ("football", "play football_text"),
        ("tiny_geometry", "set its image=false and caption=true"),
    ],
)
def test_a_task_with_images_is_refused_before_anything_is_written(
    task: str, instead: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = SHOWN.format(task, instead)
    with pytest.raises(UserError) as caught:
        run.main([f"env={task}", "stages=mgt", f"model.path={folder}", f"out={tmp_path / 'runs'}"])
    assert str(caught.value) == line
    with pytest.raises(UserError) as caught:
        evaluate([f"env={task}", f"policy={folder}", "save=results"])
    assert str(caught.value) == f"policy={folder}: {line}"
    with pytest.raises(UserError) as caught:
        load_policy(folder, task)
    assert str(caught.value) == line
    assert list(tmp_path.iterdir()) == []


def test_a_stages_task_with_images_is_refused(folder: Path, tmp_path: Path) -> None:
    words = ["env=arithmetic", "stages.fre.tasks=[sokoban]", f"model.path={folder}", f"out={tmp_path / 'runs'}"]
    with pytest.raises(UserError, match=r"^tasks\.sokoban: the task shows images"):
        run.main(words)
    assert list(tmp_path.iterdir()) == []
