"""The learner's update: the same however it is cut up, in the right direction, and never with broken numbers."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from agents.conversation import Branch, Conversation
from agents.engines import EngineConfig
from agents.engines.transformers import TransformersEngine
from agents.models import LoadedModel, wrap
from agents.tiny import build
from training.algo import AlgoConfig
from training.learner import Learner
from training.trajectory import Trajectory

ALGO = AlgoConfig(lr=1e-3, warmup_updates=1, threads=1, micro_batch=64, minibatch=64)


def model() -> LoadedModel:
    return wrap(*build(seed=3))


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (84, 84, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def branches() -> list[Branch]:
    """Twelve sampled replies, with and without a picture, of unlike lengths."""
    played = model()
    engine = TransformersEngine(played.vlm, played.chat.eos, EngineConfig())
    games = [Conversation(played.chat, 0) for _ in range(12)]
    for i, game in enumerate(games):
        game.ask("", "go " * (i % 5), frame(i) if i % 2 else None)
    prompts = [game.prompt(seed=i, max_tokens=3 + i % 4) for i, game in enumerate(games)]
    for game, reply in zip(games, engine.generate(prompts, 1.0), strict=True):
        game.answer(reply)
    return [game.branches()[0] for game in games]


@pytest.fixture(scope="module")
def trajectories(branches: list[Branch]) -> list[Trajectory]:
    return [Trajectory(branch, advantage=(-1.0) ** i * (1 + i % 3)) for i, branch in enumerate(branches)]


def weights(learner: Learner) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in learner.parameters]).clone()


def learn(trajectories: list[Trajectory], steps: int = 2, **settings: object) -> tuple[torch.Tensor, dict[str, float]]:
    """The weights after some updates, and the last one's metrics."""
    learner = Learner(model().vlm, dataclasses.replace(ALGO, **settings), steps=10)  # type: ignore[arg-type]
    for step in range(steps):
        metrics = learner.update(trajectories, step, seed=1)
    return weights(learner), metrics


def logprobs(learner: Learner, branches: list[Branch]) -> list[float]:
    with torch.no_grad():
        return [float(learner.vlm.score([branch], 1.0)[0].sum()) for branch in branches]


# -- what must not matter ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [{"micro_batch": 1}, {"micro_batch": 5}, {"micro_batch": 2, "threads": 4}], ids=str)
def test_micro_batches_and_threads_do_not_change_the_update(
    trajectories: list[Trajectory], cut: dict[str, int]
) -> None:
    whole, metrics = learn(trajectories)
    parts, part_metrics = learn(trajectories, **cut)
    assert (whole - weights(Learner(model().vlm, ALGO, 1))).abs().max() > 1e-4  # it did learn
    torch.testing.assert_close(parts, whole, atol=1e-6, rtol=0)
    assert part_metrics == pytest.approx(metrics, abs=1e-5)


def test_threads_give_the_very_same_numbers(trajectories: list[Trajectory]) -> None:
    one, four = learn(trajectories, micro_batch=2)[0], learn(trajectories, micro_batch=2, threads=4)[0]
    assert torch.equal(one, four)


def test_trajectories_without_advantage_do_not_count(trajectories: list[Trajectory]) -> None:
    idle = [dataclasses.replace(trajectory, advantage=0.0) for trajectory in trajectories]
    with_idle, metrics = learn(trajectories + idle, steps=1)
    without, plain = learn(trajectories, steps=1)
    assert metrics["trained_tokens"] == plain["trained_tokens"]
    torch.testing.assert_close(with_idle, without, atol=1e-6, rtol=0)


def test_nothing_to_learn(trajectories: list[Trajectory]) -> None:
    learner = Learner(model().vlm, ALGO, 10)
    before = weights(learner)
    for idle in ([], [dataclasses.replace(trajectories[0], advantage=0.0)]):
        metrics = learner.update(idle, 0, seed=1)
        assert (metrics["updates"], metrics["trained_tokens"], metrics["skipped_updates"]) == (0, 0, 0)
    assert torch.equal(weights(learner), before)
    assert learner.updates == 0


# -- what must -----------------------------------------------------------------------------------------------------


def test_the_advantaged_replies_become_likelier(trajectories: list[Trajectory], branches: list[Branch]) -> None:
    learner = Learner(model().vlm, dataclasses.replace(ALGO, lr=1e-4), 10)
    before = logprobs(learner, branches)
    learner.update(trajectories, 0, seed=1)
    change = [after - old for after, old in zip(logprobs(learner, branches), before, strict=True)]
    gain = sum(trajectory.advantage * moved for trajectory, moved in zip(trajectories, change, strict=True))
    assert gain > 0.1
    for sign in (1.0, -1.0):
        alone = Learner(model().vlm, dataclasses.replace(ALGO, lr=1e-4), 10)
        alone.update([Trajectory(branches[1], sign)], 0, seed=1)
        assert sign * (logprobs(alone, branches[1:2])[0] - before[1]) > 0.01


def test_the_numbers_of_a_first_update(trajectories: list[Trajectory], branches: list[Branch]) -> None:
    _, metrics = learn(trajectories, steps=1)
    counts = [int(branch.loss_mask.sum()) for branch in branches]
    total = sum(counts)
    # On policy every ratio is 1: the loss is minus the token mean of the advantages, nothing is clipped.
    mean = sum(t.advantage * count for t, count in zip(trajectories, counts, strict=True)) / total
    assert metrics["loss"] == pytest.approx(-mean, abs=1e-4)
    assert metrics["trained_tokens"] == total
    assert (metrics["updates"], metrics["skipped_updates"], metrics["clip_fraction"]) == (1, 0, 0)
    assert metrics["policy_kl"] == pytest.approx(0, abs=1e-6)
    assert metrics["mismatch"] < 1e-4  # between the engine's log-probs and the learner's
    assert 1 < metrics["entropy"] < math.log(500)
    assert metrics["grad_norm"] > ALGO.max_grad_norm
    assert metrics["learning_rate"] == ALGO.lr


def test_every_minibatch_is_an_update(trajectories: list[Trajectory], branches: list[Branch]) -> None:
    _, metrics = learn(trajectories, steps=1, minibatch=5)
    assert metrics["updates"] == 3  # of 5, 5 and 2
    assert metrics["trained_tokens"] == sum(int(branch.loss_mask.sum()) for branch in branches)


def test_a_ratio_beyond_the_clip_teaches_nothing(branches: list[Branch]) -> None:
    # Sampled at a probability e times lower than now: r = e > 1.28 everywhere, and the advantage is positive.
    stale = [dataclasses.replace(b, engine_logprobs=b.engine_logprobs - 1.0) for b in branches]
    after, metrics = learn([Trajectory(branch, 1.0) for branch in stale], steps=1)
    assert metrics["clip_fraction"] == pytest.approx(1.0)
    assert metrics["grad_norm"] == 0
    assert metrics["loss"] == pytest.approx(-1.28, abs=1e-5)
    assert metrics["policy_kl"] == pytest.approx(math.e - 1 - 1, abs=1e-3)
    assert metrics["mismatch"] == pytest.approx(1.0, abs=1e-4)
    assert torch.equal(after, weights(Learner(model().vlm, ALGO, 1)))


# -- what must never be --------------------------------------------------------------------------------------------

BROKEN = {
    "advantage is nan": lambda t: dataclasses.replace(t, advantage=math.nan),
    "advantage is infinite": lambda t: dataclasses.replace(t, advantage=-math.inf),
    "log-probs are": lambda t: Trajectory(
        dataclasses.replace(t.branch, engine_logprobs=np.full_like(t.branch.engine_logprobs, -np.inf)), -1.0
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_not_finite_is_left_out(what: str, trajectories: list[Trajectory]) -> None:
    learner = Learner(model().vlm, ALGO, 10)
    before = weights(learner)
    metrics = learner.update([BROKEN[what](trajectories[0]), *trajectories[1:]], 0, seed=1)
    assert (metrics["updates"], metrics["skipped_updates"], metrics["trained_tokens"]) == (0, 1, 0)
    assert all(math.isfinite(value) for value in metrics.values())
    assert torch.equal(weights(learner), before)
    # And nothing of it is left behind: the next update is that of a learner that never saw it.
    learner.update(trajectories, 0, seed=1)
    assert torch.equal(weights(learner), learn(trajectories, steps=1)[0])


def test_only_the_broken_minibatch_is_left_out(trajectories: list[Trajectory]) -> None:
    broken = [BROKEN["advantage is nan"](trajectories[0]), *trajectories[1:]]
    learner = Learner(model().vlm, dataclasses.replace(ALGO, minibatch=4), 10)
    metrics = learner.update(broken, 0, seed=1)
    assert (metrics["updates"], metrics["skipped_updates"], learner.updates) == (2, 1, 2)
    assert weights(learner).isfinite().all()


# -- the schedule --------------------------------------------------------------------------------------------------


def rates(updates: int, **settings: float) -> list[float]:
    learner = Learner(model().vlm, dataclasses.replace(ALGO, **settings), steps=10)  # type: ignore[arg-type]
    learner.updates = updates
    return [learner.learning_rate(step) for step in (0, 5, 10, 20)]


def test_learning_rate() -> None:
    assert rates(99, lr=0.1, warmup_updates=4, final_lr=1.0) == pytest.approx([0.1] * 4)
    # warm-up: the first update at a quarter, the fourth at the whole
    assert rates(0, lr=0.1, warmup_updates=4, final_lr=1.0) == pytest.approx([0.025] * 4)
    assert rates(3, lr=0.1, warmup_updates=4, final_lr=1.0) == pytest.approx([0.1] * 4)
    assert rates(0, lr=0.1, warmup_updates=0, final_lr=1.0) == pytest.approx([0.1] * 4)
    # decay: half of ten steps is half of the way from 1 to 0.2
    assert rates(99, lr=0.1, warmup_updates=4, final_lr=0.2) == pytest.approx([0.1, 0.06, 0.02, 0.02])
    assert rates(1, lr=0.1, warmup_updates=4, final_lr=0.2) == pytest.approx([0.05, 0.03, 0.01, 0.01])


def test_the_schedule_is_what_is_used(trajectories: list[Trajectory]) -> None:
    learner = Learner(model().vlm, dataclasses.replace(ALGO, warmup_updates=4, minibatch=6), steps=4)
    reported = [learner.update(trajectories, step, seed=1)["learning_rate"] for step in range(3)]
    assert reported == pytest.approx([ALGO.lr * share for share in (0.5, 1.0, 1.0)])  # two updates a step
    slow, fast = learn(trajectories, steps=1, warmup_updates=10)[0], learn(trajectories, steps=1)[0]
    start = weights(Learner(model().vlm, ALGO, 1))
    torch.testing.assert_close((slow - start) * 10, fast - start, atol=1e-6, rtol=1e-2)
