"""Checkpoints appear whole or not at all, and going on from one is exact."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from agents.chat.conversation import Conversation
from agents.chat.types import Completion
from agents.models.load import LoadedModel, load_model, wrap
from agents.models.tiny import build
from configs.errors import UserError
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.learner import LearnerConfig
from training.learner import export
from training.learner.learner import Learner
from training.runs import checkpoint
from training.runs.checkpoint import RunState


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def trajectories(model: LoadedModel, seed: int) -> list[Trajectory]:
    rng = np.random.default_rng(seed)
    made = []
    for i in range(6):
        game = Conversation(model.chat, 0)
        frame = rng.integers(0, 256, (84, 84, 3), dtype=np.uint8)
        game.ask("", "go", frame if i % 2 and model.chat.takes_images else None)
        tokens = model.chat.reply("<think></think><answer>left</answer>")
        logprobs, versions = np.full(len(tokens), -5.0, np.float32), np.zeros(len(tokens), np.int32)
        game.answer(Completion(tokens, logprobs, True, versions))
        sequence = game.sequences()[0]
        made.append(Trajectory(sequence, np.where(sequence.loss_mask, rng.normal(), 0).astype(np.float32)))
    return made


ALGO = AlgoConfig(lr=1e-3, warmup_updates=5, minibatch=4, kl_coef=0.1)


def learner(seed: int, **settings: Any) -> tuple[LoadedModel, Learner]:
    model = wrap(*build(seed))
    made = Learner(model.vlm, LearnerConfig(threads=1, **settings))
    made.begin_stage(ALGO, steps=9)
    return model, made


# -- going on ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"lora_rank": 2}, {"freeze_vision": True}, {"dtype": "bfloat16"}], ids=str)
def test_restore_continues_exactly(settings: dict[str, Any], tmp_path: Path) -> None:
    model, straight = learner(0, **settings)
    played = [trajectories(model, step) for step in range(4)]
    for step in (0, 1):
        straight.update(played[step], step, seed=1)
    progress = RunState(stage=1, step=2, total_steps=5, best=0.25, good={"step": 4}, results={"before": {"a": 1}})
    checkpoint.save(tmp_path, straight, progress)
    # It is written while the training goes on, and holds what was there when it was asked for.
    later = [straight.update(played[step], step, seed=1) for step in (2, 3)]
    weights = {name: weight.clone() for name, weight in straight.weights()}
    straight.close()

    newest = checkpoint.newest(tmp_path)
    assert newest == tmp_path / "step-000005"
    assert checkpoint.read_progress(newest) == progress
    other, resumed = learner(7, **settings)  # other weights, a fresh optimiser, another reference
    checkpoint.restore(newest, resumed)
    assert resumed.updates == 4
    assert [resumed.update(played[step], step, seed=1) for step in (2, 3)] == later
    assert all(torch.equal(weights[name], weight) for name, weight in resumed.weights())
    assert other.vlm.model.lm_head.weight is other.vlm.model.model.text_model.embed_tokens.weight
    resumed.close()


def test_restore_from_before_the_first_update_continues(tmp_path: Path) -> None:
    model, fresh = learner(0)
    checkpoint.save(tmp_path, fresh, RunState())
    fresh.close()
    _, restored = learner(7)
    checkpoint.restore(tmp_path / "step-000000", restored)
    _, straight = learner(0)
    step = trajectories(model, 0)
    assert straight.update(step, 0, seed=1) == restored.update(step, 0, seed=1)
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(straight.weights(), restored.weights(), strict=True))


def test_checkpoint_contains_no_pickle(tmp_path: Path) -> None:
    _, one = learner(0)
    checkpoint.save(tmp_path, one, RunState())
    one.close()
    found = files(tmp_path / "step-000000")
    assert found == ["progress.json", "shard-00001-model-00001-of-00001.safetensors"]
    names = set(load_file(tmp_path / "step-000000" / found[1]))
    trained = [name for name, _ in one.vlm.model.named_parameters()]
    assert names == {"updates", *(f"{part}.{name}" for part in ("weights", "reference") for name in trained)}


# -- whole or not at all -------------------------------------------------------------------------------------------


def test_save_keeps_only_the_newest_checkpoints(tmp_path: Path) -> None:
    _, one = learner(0)
    for total in (9, 10, 11, 100):
        checkpoint.save(tmp_path, one, dataclasses.replace(RunState(), total_steps=total))
    one.close()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-000011", "step-000100"]
    assert checkpoint.newest(tmp_path) == tmp_path / "step-000100"


def test_save_keeps_good_weights_while_a_checkpoint_names_them(tmp_path: Path) -> None:
    for step, good in ((2, 1), (4, 1), (6, 5)):
        (tmp_path / f"step-{step:06d}").mkdir()
        document = json.dumps({"total_steps": step, "good": {"step": good, "success": 0.5}})
        (tmp_path / f"step-{step:06d}" / "progress.json").write_text(document)
    for step in (0, 1, 3, 5, 7):  # 7: found good since the newest checkpoint
        checkpoint.good_folder(tmp_path, step).mkdir()
    checkpoint.remove_older(tmp_path)
    left = ["good-000001", "good-000005", "good-000007", "step-000004", "step-000006"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def test_newest_ignores_incomplete_checkpoints(tmp_path: Path) -> None:
    _, one = learner(0)
    one.save(tmp_path / "step-000009", {"progress.json": {}})
    one.close()
    (tmp_path / "step-000009").rename(tmp_path / ".step-000010.new")  # killed before the last rename
    shutil.copytree(tmp_path / ".step-000010.new", tmp_path / ".step-000010.old")
    assert checkpoint.newest(tmp_path) is None
    assert checkpoint.newest(tmp_path / "nothing") is None
    _, two = learner(0)
    stale = tmp_path / ".step-000010.new" / "shard-00002-model-00001-of-00001.safetensors"
    stale.write_bytes(b"of a larger run")
    checkpoint.save(tmp_path, two, RunState(total_steps=10))
    two.close()
    assert [path.name for path in tmp_path.iterdir()] == ["step-000010"]
    assert not (tmp_path / "step-000010" / stale.name).exists()


def test_save_replaces_a_checkpoint_of_the_same_step(tmp_path: Path) -> None:
    model, one = learner(0)
    one.save(tmp_path / "a", {"a.json": 1, "old.json": 1})
    one.update(trajectories(model, 0), 0, seed=1)
    one.save(tmp_path / "a", {"a.json": 2})
    one.close()
    assert files(tmp_path) == ["a", "a/a.json", "a/shard-00001-model-00001-of-00001.safetensors"]
    assert json.loads((tmp_path / "a" / "a.json").read_text()) == 2
    assert load_file(tmp_path / "a" / "shard-00001-model-00001-of-00001.safetensors")["updates"].tolist() == [2]


def test_save_that_fails_keeps_earlier_checkpoints_and_raises(tmp_path: Path) -> None:
    _, one = learner(0)
    one.save(tmp_path / "a", {"a.json": 1})
    one.save(tmp_path / "a", {"a.json": object()})
    said = r"^cannot save .*/a: Object of type object is not JSON serializable; earlier checkpoints are intact$"
    with pytest.raises(UserError, match=said):
        one.save(tmp_path / "b")
    assert files(tmp_path) == ["a", "a/a.json", "a/shard-00001-model-00001-of-00001.safetensors"]
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^cannot save .*/file/c: "):
        one.save(tmp_path / "file" / "c")
    one.close()


# -- damage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "[1]", "7", '{"stage": 1'])
def test_read_progress_of_a_damaged_file_names_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text(text)
    with pytest.raises(UserError, match=f"^{tmp_path}/progress.json is damaged: .*; remove {tmp_path} to resume "):
        checkpoint.read_progress(tmp_path)


def test_read_progress_of_another_version_is_refused(tmp_path: Path) -> None:
    """One that lacks only what came later is read; of any other no one is told to remove it."""
    written = dataclasses.asdict(RunState(stage=1, total_steps=5, record_bytes=9))
    older = {key: value for key, value in written.items() if key != "record_bytes"}
    path = tmp_path / "progress.json"
    path.write_text(json.dumps(older))
    assert checkpoint.read_progress(tmp_path) == RunState(stage=1, total_steps=5, record_bytes=0)
    del older["best"]
    path.write_text(json.dumps(older | {"speed": 2}))
    with pytest.raises(UserError) as caught:
        checkpoint.read_progress(tmp_path)
    assert str(caught.value) == f"{path} is from another version of Kickoff (best, speed); resume with that version"


@pytest.mark.slow
def test_restore_of_a_damaged_or_foreign_state_names_it(tmp_path: Path) -> None:
    _, one = learner(0)
    one.save(tmp_path / "a")
    one.close()
    _, other = learner(0, lora_rank=2)
    with pytest.raises(UserError, match=f"^{tmp_path}/a is damaged or from another model: Missing key"):
        other.restore(tmp_path / "a")
    shard = next((tmp_path / "a").iterdir())
    shard.write_bytes(shard.read_bytes()[:5000])
    with pytest.raises(UserError, match=f"^{tmp_path}/a is damaged: "):
        one.restore(tmp_path / "a")


# -- export --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "family"),
    [*(({}, name) for name in ("idefics3", "llama", "qwen3")), ({"lora_rank": 2}, "idefics3"),
     ({"lora_rank": 2}, "qwen2"), ({"dtype": "bfloat16"}, "idefics3")],
    ids=str,
)  # fmt: skip
def test_export_writes_a_folder_that_loads_as_the_model(settings: dict[str, Any], family: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    wrap(*build(5, family)).save(source)
    model = load_model(str(source))
    one = Learner(model.vlm, LearnerConfig(**settings))
    one.begin_stage(ALGO, steps=9)
    played = trajectories(model, 0)
    one.update(played, 0, seed=1)
    for _ in range(2):
        one.export(tmp_path / "model")  # in place of an older one
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "source"]
    loaded = load_model(str(tmp_path / "model"))
    weights = dict(loaded.vlm.model.named_parameters())
    assert all(torch.equal(weights[name], weight.float()) for name, weight in one.weights())
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["dtype"] == config.get("text_config", config)["dtype"] == settings.get("dtype", "float32")
    words = "<think></think><answer>left</answer>"
    assert loaded.chat.reply(words).tolist() == model.chat.reply(words).tolist()
    if "dtype" not in settings:
        sequences = [one.sequence for one in played]
        torch.testing.assert_close(loaded.vlm(sequences, 1.0)[0], one.vlm(sequences, 1.0)[0], atol=5e-5, rtol=0)

    other = Learner(load_model(str(source)).vlm, LearnerConfig(**settings))
    other.load_weights(tmp_path / "model")
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(one.weights(), other.weights(), strict=True))
    other.close()
    one.close()


def test_export_of_a_model_from_memory_has_no_processor(tmp_path: Path) -> None:
    model, one = learner(3)
    one.export(tmp_path / "model")
    found = dict(export.read(tmp_path / "model").named_parameters())
    assert all(torch.equal(found[name], weight) for name, weight in model.vlm.model.named_parameters())
