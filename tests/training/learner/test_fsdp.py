"""Two and four ranks give the same update as one process, and go on from each other's checkpoints.

This file is run as a script too, `python test_fsdp.py FOLDER`, which forks into the ranks.
"""

import json
import math
import multiprocessing
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from agents.chat.conversation import Conversation
from agents.chat.types import Completion
from agents.models.load import LoadedModel, wrap
from agents.models.tiny import build
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.learner import LearnerConfig
from training.learner import export
from training.learner.learner import Learner
from training.runs import checkpoint
from training.runs.checkpoint import RunState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # six processes import torch, on however few cores
ALGO = AlgoConfig(lr=1e-3, warmup_updates=1, minibatch=6)


def trajectories(model: LoadedModel, count: int = 10, images: int = 2, seed: int = 0) -> list[Trajectory]:
    """Games of one or two turns and unlike lengths; every `images`-th shows a frame, or two (0: none does)."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(count):
        game = Conversation(model.chat, -1)
        for turn in range(1 + i % 2):
            shown = images and i % images == 0
            frame = rng.integers(0, 256, (84, 84, 3), dtype=np.uint8) if shown else None
            game.ask("on " * turn, "go " * int(rng.integers(0, 30)), frame)
            tokens = rng.integers(0, 200, int(rng.integers(2, 9))).astype(np.int32)
            logprobs = rng.normal(-5.5, 0.3, len(tokens)).astype(np.float32)
            game.answer(Completion(tokens, logprobs, True, np.zeros(len(tokens), np.int32)))
        sequence = game.sequences()[0]
        advantages = np.where(sequence.loss_mask, rng.normal(size=len(sequence.tokens)), 0.0).astype(np.float32)
        made.append(Trajectory(sequence, advantages))
    return made


CASES: dict[str, tuple[str, LearnerConfig, AlgoConfig, dict[str, int]]] = {
    # several minibatches and passes, with log-probs of old and reference weights
    "all": (
        "idefics3",
        LearnerConfig(pack_tokens=100),
        AlgoConfig(lr=1e-3, warmup_updates=1, minibatch=6, correction="tis", kl_coef=0.1, entropy_coef=0.01),
        {},
    ),
    "one_image": ("idefics3", LearnerConfig(), ALGO, {"images": 10}),  # the other ranks have text alone
    "fewer_than_ranks": ("idefics3", LearnerConfig(), ALGO, {"count": 1}),
    "frozen_vision": (
        "idefics3",
        LearnerConfig(freeze_vision=True),
        AlgoConfig(lr=1e-3, warmup_updates=1, loss="gspo", correction="tis"),
        {"images": 5},
    ),
    "lora": ("idefics3", LearnerConfig(lora_rank=4), ALGO, {}),
    "text": ("qwen2", LearnerConfig(checkpointing=True, pack_tokens=100), ALGO, {"images": 0}),
    "text_lora": ("qwen3", LearnerConfig(lora_rank=4), ALGO, {"images": 0}),
    "recomputed": ("qwen3_vl", LearnerConfig(checkpointing=True), ALGO, {"images": 4}),
}


@lru_cache
def alone(case: str) -> tuple[dict[str, Tensor], dict[str, float]]:
    """The same in one process: the weights and the metrics."""
    learner, metrics = run(case, None)
    return weights(learner), metrics


def run(case: str, mesh: DeviceMesh | None) -> tuple[Learner, dict[str, float]]:
    """Two updates; the learner and the second one's metrics."""
    family, config, algo, data = CASES[case]
    model = wrap(*build(3, family))
    if mesh is not None and mesh.get_local_rank():  # the others have no weights
        model.vlm.to("meta")
        model.vlm.model.tie_weights()
    learner = Learner(model.vlm, config, mesh)
    learner.begin_stage(algo, steps=10)
    for step in range(2):
        metrics = learner.update(trajectories(model, **data, seed=step), step, seed=1)
    return learner, metrics


def broken(mesh: DeviceMesh | None) -> dict[str, float]:
    """An update with an advantage that is not a number, in one rank's share."""
    model = wrap(*build(3))
    learner = Learner(model.vlm, LearnerConfig(), mesh)
    learner.begin_stage(ALGO, 10)
    played = trajectories(model)
    played[0].advantages[-1] = math.nan
    return learner.update(played, 0, seed=1)


def gone_on(folder: Path, mesh: DeviceMesh | None) -> Learner:
    """One more update after the checkpoint in a folder; the reference comes from there too."""
    model = wrap(*build(8))
    learner = Learner(model.vlm, CASES["all"][1], mesh)
    learner.begin_stage(CASES["all"][2], 10)
    checkpoint.restore(folder / "step-000002", learner)
    learner.update(trajectories(model, seed=9), 2, seed=1)
    return learner


def weights(learner: Learner) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in learner.weights()}


def main(rank: int, world: int, folder: Path) -> None:
    """What one rank does; rank 0 writes what came of it."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet-{world}", rank=rank, world_size=world)
    mesh = init_device_mesh("cpu", (world,))
    results = {}
    for case in CASES if world == 2 else ("all",):
        learner, results[case] = run(case, mesh)
        if case == "all":
            checkpoint.save(folder / f"of-{world}", learner, RunState(total_steps=2))
        if case == "lora":
            learner.export(folder / "exported")
        learner.close()
        if (found := weights(learner)) and rank == 0:
            save_file(found, folder / f"{case}-{world}.safetensors")
    results["broken"] = broken(mesh)
    found = weights(gone_on(folder / "of-1", mesh))
    if rank == 0:
        save_file(found, folder / f"gone_on-{world}.safetensors")
        (folder / f"metrics-{world}.json").write_text(json.dumps(results))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two and four ranks have made, each with a checkpoint of one process to go on from."""
    path = tmp_path_factory.mktemp("ranks")
    learner, _ = run("all", None)
    checkpoint.save(path / "of-1", learner, RunState(total_steps=2))
    learner.close()
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run([sys.executable, __file__, str(path)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return path


@pytest.mark.parametrize(("case", "world"), [*((case, 2) for case in CASES), ("all", 4)])
def test_update_on_ranks_equals_that_of_one_process(case: str, world: int, folder: Path) -> None:
    expected, metrics = alone(case)
    together = load_file(folder / f"{case}-{world}.safetensors")
    start = dict(wrap(*build(3, CASES[case][0])).vlm.model.named_parameters())
    assert max((expected[name] - start[name]).abs().max().item() for name in expected) > 5e-4  # it did learn
    assert set(expected) == set(together)
    assert max((expected[name] - together[name]).abs().max().item() for name in expected) <= 1e-6
    found = json.loads((folder / f"metrics-{world}.json").read_text())[case]
    assert found == pytest.approx(metrics, rel=1e-4, abs=1e-5)


def test_update_on_ranks_skips_what_is_not_finite(folder: Path) -> None:
    expected = broken(None)
    assert (expected["updates"], expected["skipped_updates"]) == (1, 1)
    for world in (2, 4):
        found = json.loads((folder / f"metrics-{world}.json").read_text())["broken"]
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("world", [2, 4])
def test_restore_on_any_number_of_ranks_continues_exactly(world: int, folder: Path) -> None:
    straight = weights(gone_on(folder / "of-1", None))
    more = load_file(folder / f"gone_on-{world}.safetensors")  # saved by one, gone on with in two or four
    fewer = weights(gone_on(folder / f"of-{world}", None))  # and the reverse
    for name, weight in straight.items():
        torch.testing.assert_close(more[name], weight, atol=1e-6, rtol=0)
        torch.testing.assert_close(fewer[name], weight, atol=1e-6, rtol=0)
    shards = sorted(path.name for path in (folder / f"of-{world}" / "step-000002").iterdir())
    assert [name[:11] for name in shards] == ["progress.js", *(f"shard-{rank:05d}" for rank in range(1, world + 1))]


def test_export_on_two_ranks_writes_one_model(folder: Path) -> None:
    found = dict(export.read(folder / "exported").named_parameters())
    merged = load_file(folder / "lora-2.safetensors")
    assert set(found) == set(merged)
    assert all(torch.equal(found[name], weight) for name, weight in merged.items())


def fork(folder: Path) -> None:
    """Two ranks, then four, which need not import anything again."""
    context = multiprocessing.get_context("fork")
    for world in (2, 4):
        ranks = [context.Process(target=main, args=(rank, world, folder), daemon=True) for rank in range(world)]
        for rank in ranks:
            rank.start()
        for rank in ranks:
            rank.join(timeout=300)
        if any(rank.exitcode != 0 for rank in ranks):
            sys.exit(f"exit codes of {world} ranks: {[rank.exitcode for rank in ranks]}")


if __name__ == "__main__":
    fork(Path(sys.argv[1]))
