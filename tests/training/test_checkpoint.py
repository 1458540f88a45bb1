"""Checkpoints appear whole or not at all, and going on from one is exact."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.conversation import Conversation
from agents.engines import Completion
from agents.models import LoadedModel, wrap
from agents.tiny import build
from envs.schema import ConfigError
from training import checkpoint
from training.algo import AlgoConfig
from training.checkpoint import Progress, write_folder
from training.learner import Learner
from training.trajectory import Trajectory


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def tensors(value: float) -> dict[str, dict[str, torch.Tensor]]:
    return {"a.safetensors": {"x": torch.full((3,), value)}}


def test_a_folder_is_written_and_replaced_whole(tmp_path: Path) -> None:
    write_folder(tmp_path / "good", tensors(1), {"a.json": {"step": 1}, "old.json": 1})
    assert files(tmp_path) == ["good", "good/a.json", "good/a.safetensors", "good/old.json"]
    write_folder(tmp_path / "good", tensors(2), {"a.json": {"step": 2}})
    assert files(tmp_path) == ["good", "good/a.json", "good/a.safetensors"]
    assert checkpoint.load_file(tmp_path / "good" / "a.safetensors")["x"].tolist() == [2.0] * 3


def test_a_failure_while_writing_leaves_the_old_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "good", tensors(1), {"a.json": {"step": 1}})
    with pytest.raises(TypeError):
        write_folder(tmp_path / "good", tensors(2), {"a.json": {"step": object()}})
    assert files(tmp_path) == ["good", "good/a.json", "good/a.safetensors"]
    assert (tmp_path / "good" / "a.json").read_text() == '{\n "step": 1\n}'
    assert checkpoint.load_file(tmp_path / "good" / "a.safetensors")["x"].tolist() == [1.0] * 3


def test_what_a_killed_run_left_half_written_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / ".step-000009.new").mkdir()
    (tmp_path / ".step-000009.new" / "progress.json").write_text("{")
    (tmp_path / "step-000008").mkdir()
    assert checkpoint.newest(tmp_path) is None
    assert checkpoint.newest(tmp_path / "nothing") is None
    write_folder(tmp_path / "step-000009", tensors(1), {"progress.json": {}})
    assert checkpoint.newest(tmp_path) == tmp_path / "step-000009"
    assert not (tmp_path / ".step-000009.new").exists()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"updates": 1, "speed": 2}'])
def test_a_damaged_checkpoint_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text(text)
    with pytest.raises(ConfigError, match=f"^{tmp_path}/progress.json is damaged or of another version: "):
        checkpoint.read_progress(tmp_path)


def trajectories(model: LoadedModel, seed: int) -> list[Trajectory]:
    rng = np.random.default_rng(seed)
    made = []
    for i in range(6):
        game = Conversation(model.chat, 0)
        game.ask("", "go", rng.integers(0, 256, (84, 84, 3), dtype=np.uint8) if i % 2 else None)
        tokens = model.chat.reply("<think></think><answer>left</answer>")
        game.answer(Completion(tokens, np.full(len(tokens), -5.0, dtype=np.float32), True, 0))
        made.append(Trajectory(game.branches()[0], float(rng.normal())))
    return made


ALGO = AlgoConfig(lr=1e-3, warmup_updates=5, threads=1, minibatch=4)


def learner(seed: int) -> tuple[LoadedModel, Learner]:
    model = wrap(*build(seed))
    return model, Learner(model.vlm, ALGO, steps=9)


def test_going_on_from_a_checkpoint_is_exact(tmp_path: Path) -> None:
    model, straight = learner(0)
    played = [trajectories(model, step) for step in range(4)]
    for step in (0, 1):
        straight.update(played[step], step, seed=1)
    progress = Progress(stage=1, step=2, total_steps=5, best=0.25, good={"step": 4}, results={"before": {"a": 1}})
    checkpoint.save(tmp_path, straight, progress)

    newest = checkpoint.newest(tmp_path)
    assert newest == tmp_path / "step-000005"
    assert checkpoint.read_progress(newest) == progress
    other, resumed = learner(7)  # other weights, a fresh optimiser
    checkpoint.restore(newest, resumed)
    assert resumed.updates == straight.updates == 4
    for step in (2, 3):
        assert straight.update(played[step], step, seed=1) == resumed.update(played[step], step, seed=1)
    weights, again = model.vlm.model.state_dict(), other.vlm.model.state_dict()
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert other.vlm.model.lm_head.weight is other.vlm.model.model.text_model.embed_tokens.weight


def test_a_checkpoint_from_before_the_first_update(tmp_path: Path) -> None:
    model, fresh = learner(0)
    checkpoint.save(tmp_path, fresh, Progress())
    other, restored = learner(7)
    checkpoint.restore(tmp_path / "step-000000", restored)
    step = trajectories(model, 0)
    assert fresh.update(step, 0, seed=1) == restored.update(step, 0, seed=1)
    assert torch.equal(model.vlm.model.lm_head.weight, other.vlm.model.lm_head.weight)


def test_only_the_newest_checkpoints_stay(tmp_path: Path) -> None:
    _, one = learner(0)
    for total in (9, 10, 11, 100):
        checkpoint.save(tmp_path, one, dataclasses.replace(Progress(), total_steps=total))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-000011", "step-000100"]
    assert checkpoint.newest(tmp_path) == tmp_path / "step-000100"
    checkpoint.remove(tmp_path)
    assert not tmp_path.exists()
