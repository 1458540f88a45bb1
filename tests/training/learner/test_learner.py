"""The learner's update: the same however it is cut up, in the right direction, and never with broken numbers."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from agents.chat.conversation import Conversation
from agents.chat.types import Completion, TokenSequence
from agents.models.load import LoadedModel, wrap
from agents.models.tiny import build
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.learner import LearnerConfig
from training.learner.learner import Learner

ALGO = AlgoConfig(lr=1e-3, warmup_updates=1, minibatch=64)
COMPUTING = {field.name for field in dataclasses.fields(LearnerConfig)}


def model() -> LoadedModel:
    return wrap(*build(seed=3))


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (84, 84, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def sequences() -> list[TokenSequence]:
    """Twelve replies, with and without a picture, of unlike lengths, as likely as the model finds them."""
    played, rng, found = model(), np.random.default_rng(0), []
    for i in range(12):
        game = Conversation(played.chat, 0)
        game.ask("", "go " * (i % 5), frame(i) if i % 2 else None)
        tokens = rng.integers(0, 200, 3 + i % 4).astype(np.int32)
        game.answer(Completion(tokens, np.zeros(len(tokens), np.float32), True, np.zeros(len(tokens), np.int32)))
        sequence = game.sequences()[0]
        with torch.no_grad():
            logprobs, _ = played.vlm([sequence], 1.0)
        sampled = sequence.engine_logprobs.copy()
        sampled[sequence.loss_mask] = logprobs
        found.append(dataclasses.replace(sequence, engine_logprobs=sampled))
    return found


def trajectory(sequence: TokenSequence, advantage: float) -> Trajectory:
    return Trajectory(sequence, np.where(sequence.loss_mask, advantage, 0).astype(np.float32))


@pytest.fixture(scope="module")
def trajectories(sequences: list[TokenSequence]) -> list[Trajectory]:
    return [trajectory(sequence, (-1.0) ** i * (1 + i % 3)) for i, sequence in enumerate(sequences)]


def new(steps: int = 10, **settings: Any) -> Learner:
    """A learner at the start of a stage; settings of both configs."""
    computing = {"threads": 1} | {key: value for key, value in settings.items() if key in COMPUTING}
    algo = {key: value for key, value in settings.items() if key not in COMPUTING}
    learner = Learner(model().vlm, LearnerConfig(**computing))
    learner.begin_stage(dataclasses.replace(ALGO, **algo), steps)
    return learner


def weights(learner: Learner) -> Tensor:
    return torch.cat([weight.flatten() for _, weight in learner.weights()]).clone()


def learn(trajectories: list[Trajectory], steps: int = 2, **settings: Any) -> tuple[Tensor, dict[str, float]]:
    """The weights after some updates, and the last one's metrics."""
    learner = new(**settings)
    for step in range(steps):
        metrics = learner.update(trajectories, step, seed=1)
    return weights(learner), metrics


def logprobs(learner: Learner, sequences: list[TokenSequence]) -> list[float]:
    with torch.no_grad():
        return [float(learner.vlm([sequence], 1.0)[0].sum()) for sequence in sequences]


# -- what must not matter ------------------------------------------------------------------------------------------


CUTS: list[dict[str, Any]] = [
    {"pack_tokens": 1},
    {"pack_patches": 40},
    {"pack_tokens": 60, "threads": 3},
    {"checkpointing": True},
]
TERMS = [
    pytest.param({}, id="{}"),
    pytest.param(
        {"correction": "tis", "minibatch": 5, "kl_coef": 0.1, "entropy_coef": 0.01}, id="tis", marks=pytest.mark.slow
    ),
    pytest.param({"loss": "gspo", "correction": "icepop", "minibatch": 7}, id="gspo", marks=pytest.mark.slow),
    pytest.param(
        {"loss": "dppo", "correction": "geometric_mask", "minibatch": 7, "kl_coef": 0.1, "kl": "unbiased"},
        id="dppo",
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize("terms", TERMS)
def test_update_does_not_depend_on_packing(trajectories: list[Trajectory], terms: dict[str, Any]) -> None:
    whole, metrics = learn(trajectories, **terms)
    assert (whole - weights(new())).abs().max() > 1e-4  # it did learn
    for cut in CUTS:
        parts, part_metrics = learn(trajectories, **terms, **cut)
        torch.testing.assert_close(parts, whole, atol=1e-6, rtol=0)
        assert part_metrics == pytest.approx(metrics, abs=1e-5, rel=1e-5)


def test_update_with_threads_gives_identical_numbers(trajectories: list[Trajectory]) -> None:
    two, again = (learn(trajectories, pack_tokens=60, threads=2)[0] for _ in range(2))
    assert torch.equal(two, again)


def test_update_counts_trajectories_without_advantage_in_the_mean(trajectories: list[Trajectory]) -> None:
    idle = [trajectory(one.sequence, 0.0) for one in trajectories]
    _, metrics = learn(trajectories + idle, steps=1)
    _, plain = learn(trajectories, steps=1)
    assert metrics["trained_tokens"] == 2 * plain["trained_tokens"]
    assert metrics["loss"] == pytest.approx(plain["loss"] / 2, rel=1e-5)


def test_update_without_trajectories_changes_nothing() -> None:
    learner = new()
    before = weights(learner)
    metrics = learner.update([], 0, seed=1)
    assert (metrics["updates"], metrics["trained_tokens"], metrics["skipped_updates"]) == (0, 0, 0)
    assert torch.equal(weights(learner), before)
    assert learner.updates == 0


# -- what must -----------------------------------------------------------------------------------------------------


def test_update_makes_replies_with_advantage_likelier(
    trajectories: list[Trajectory], sequences: list[TokenSequence]
) -> None:
    learner = new(lr=1e-4)
    before = logprobs(learner, sequences)
    learner.update(trajectories, 0, seed=1)
    change = [after - old for after, old in zip(logprobs(learner, sequences), before, strict=True)]
    gain = sum((-1.0) ** i * (1 + i % 3) * moved for i, moved in enumerate(change))
    assert gain > 0.1
    for sign in (1.0, -1.0):
        alone = new(lr=1e-4)
        alone.update([trajectory(sequences[1], sign)], 0, seed=1)
        assert sign * (logprobs(alone, sequences[1:2])[0] - before[1]) > 0.01


def test_update_uses_the_advantage_of_each_token(sequences: list[TokenSequence]) -> None:
    # The first sampled token is rewarded, the others are as good as expected: it alone gains.
    sequence = sequences[11]
    advantages = np.zeros(len(sequence.tokens), dtype=np.float32)
    advantages[np.flatnonzero(sequence.loss_mask)[0]] = 1.0
    learner = new(lr=1e-4)
    metrics = learner.update([Trajectory(sequence, advantages)], 0, seed=1)
    assert metrics["loss"] == pytest.approx(-1 / sequence.loss_mask.sum(), abs=1e-5)
    with torch.no_grad():
        change = learner.vlm([sequence], 1.0)[0] - torch.from_numpy(sequence.engine_logprobs[sequence.loss_mask])
    assert change[0] > 0.01
    assert change.argmax() == 0


def test_first_update_reports_on_policy_metrics(trajectories: list[Trajectory], sequences: list[TokenSequence]) -> None:
    _, metrics = learn(trajectories, steps=1)
    counts = [int(sequence.loss_mask.sum()) for sequence in sequences]
    total = sum(counts)
    # On policy every ratio is 1: the loss is minus the token mean of the advantages, nothing is clipped.
    mean = sum((-1.0) ** i * (1 + i % 3) * count for i, count in enumerate(counts)) / total
    assert metrics["loss"] == pytest.approx(-mean, abs=1e-4)
    assert metrics["trained_tokens"] == total
    assert (metrics["updates"], metrics["skipped_updates"], metrics["clip_fraction"]) == (1, 0, 0)
    assert metrics["policy_kl"] == pytest.approx(0, abs=1e-6)
    assert metrics["mismatch"] < 1e-4  # between the engine's log-probs and the learner's
    assert 1 < metrics["entropy"] < math.log(1000)  # of fewer tokens than that
    assert metrics["grad_norm"] > ALGO.max_grad_norm
    assert metrics["learning_rate"] == ALGO.lr


def test_update_makes_one_optimiser_update_per_minibatch(
    trajectories: list[Trajectory], sequences: list[TokenSequence]
) -> None:
    _, metrics = learn(trajectories, steps=1, minibatch=5)
    assert metrics["updates"] == 3
    assert metrics["trained_tokens"] == sum(int(sequence.loss_mask.sum()) for sequence in sequences)


def test_minibatches_have_equal_sizes(trajectories: list[Trajectory]) -> None:
    of_nine, _ = learn(trajectories[:10], steps=1, minibatch=9)  # not 9 and 1
    assert torch.equal(of_nine, learn(trajectories[:10], steps=1, minibatch=5)[0])


def test_update_with_a_clipped_ratio_has_no_gradient(sequences: list[TokenSequence]) -> None:
    # Sampled at a probability e times lower than now: r = e > 1.28 everywhere, and the advantage is positive.
    stale = [dataclasses.replace(b, engine_logprobs=b.engine_logprobs - 1.0) for b in sequences]
    after, metrics = learn([trajectory(sequence, 1.0) for sequence in stale], steps=1)
    assert metrics["clip_fraction"] == pytest.approx(1.0)
    assert metrics["grad_norm"] == 0
    assert metrics["loss"] == pytest.approx(-1.28, abs=1e-5)
    assert metrics["policy_kl"] == pytest.approx(math.e - 1 - 1, abs=1e-3)
    assert metrics["mismatch"] == pytest.approx(1.0, abs=1e-4)
    assert torch.equal(after, weights(new()))


# -- what must never be --------------------------------------------------------------------------------------------

BROKEN = {
    "advantage is nan": lambda t: trajectory(t.sequence, math.nan),
    "advantage is infinite": lambda t: trajectory(t.sequence, -math.inf),
    "log-probs are": lambda t: trajectory(
        dataclasses.replace(t.sequence, engine_logprobs=np.full_like(t.sequence.engine_logprobs, -np.inf)), -1.0
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_update_skips_what_is_not_finite(what: str, trajectories: list[Trajectory]) -> None:
    learner = new()
    before = weights(learner)
    metrics = learner.update([BROKEN[what](trajectories[0]), *trajectories[1:]], 0, seed=1)
    assert (metrics["updates"], metrics["skipped_updates"], metrics["trained_tokens"]) == (0, 1, 0)
    assert all(math.isfinite(value) for value in metrics.values())
    assert torch.equal(weights(learner), before)
    # And nothing of it is left behind: the next update is that of a learner that never saw it.
    learner.update(trajectories, 0, seed=1)
    assert torch.equal(weights(learner), learn(trajectories, steps=1)[0])


def test_update_skips_only_the_broken_minibatch(trajectories: list[Trajectory]) -> None:
    broken = [BROKEN["advantage is nan"](trajectories[0]), *trajectories[1:]]
    learner = new(minibatch=4)
    metrics = learner.update(broken, 0, seed=1)
    assert (metrics["updates"], metrics["skipped_updates"], learner.updates) == (2, 1, 2)
    assert weights(learner).isfinite().all()


# -- the schedule --------------------------------------------------------------------------------------------------


def rates(updates: int, **settings: Any) -> list[float]:
    learner = new(**settings)
    learner.updates = updates
    return [learner.learning_rate(step) for step in (0, 5, 10, 20)]


def test_learning_rate_follows_warmup_and_decay() -> None:
    assert rates(99, lr=0.1, warmup_updates=4, final_lr=1.0) == pytest.approx([0.1] * 4)
    # warm-up: the first update at a quarter, the fourth at the whole
    assert rates(0, lr=0.1, warmup_updates=4, final_lr=1.0) == pytest.approx([0.025] * 4)
    assert rates(3, lr=0.1, warmup_updates=4, final_lr=1.0) == pytest.approx([0.1] * 4)
    assert rates(0, lr=0.1, warmup_updates=0, final_lr=1.0) == pytest.approx([0.1] * 4)
    # decay: half of ten steps is half of the way from 1 to 0.2
    assert rates(99, lr=0.1, warmup_updates=4, final_lr=0.2) == pytest.approx([0.1, 0.06, 0.02, 0.02])
    assert rates(1, lr=0.1, warmup_updates=4, final_lr=0.2) == pytest.approx([0.05, 0.03, 0.01, 0.01])


def test_update_uses_the_scheduled_learning_rate(trajectories: list[Trajectory]) -> None:
    learner = new(steps=4, warmup_updates=4, minibatch=6)
    reported = [learner.update(trajectories, step, seed=1)["learning_rate"] for step in range(3)]
    assert reported == pytest.approx([ALGO.lr * share for share in (0.5, 1.0, 1.0)])  # two updates a step
    slow, fast = learn(trajectories, steps=1, warmup_updates=10)[0], learn(trajectories, steps=1)[0]
    start = weights(new())
    torch.testing.assert_close((slow - start) * 10, fast - start, atol=1e-6, rtol=1e-2)


# -- what other weights say ----------------------------------------------------------------------------------------


def test_reference_has_the_weights_of_the_stages_start(trajectories: list[Trajectory]) -> None:
    learner = new(kl_coef=0.1)
    first = learner.update(trajectories, 0, seed=1)
    assert first["reference_kl"] == pytest.approx(0, abs=1e-6)
    second = learner.update(trajectories, 1, seed=1)
    # On engine log-probs of the stage's start, k3 of engine to policy and of policy to reference look the same way
    # and are near each other: both are about half the mean of the squared log-ratio.
    assert second["reference_kl"] > 0.01
    before = weights(learner)
    learner.begin_stage(learner.algo, 10)
    assert learner.update(trajectories, 0, seed=1)["reference_kl"] == pytest.approx(0, abs=1e-6)
    assert not torch.equal(weights(learner), before)
    held, _ = learn(trajectories, steps=4, kl_coef=30.0, lr=1e-4)
    free, _ = learn(trajectories, steps=4, lr=1e-4)
    start = weights(new())
    assert (held - start).norm() < 0.9 * (free - start).norm()


def test_old_logprobs_are_those_before_the_step(trajectories: list[Trajectory]) -> None:
    # The engine finds every token e^0.5 times likelier than the learner: w = e^-0.5 for all tokens of all minibatches,
    # also of those that come after an update.
    off = [
        trajectory(
            dataclasses.replace(t.sequence, engine_logprobs=t.sequence.engine_logprobs + 0.5 * t.sequence.loss_mask),
            float(t.advantages[t.sequence.loss_mask][0]),
        )
        for t in trajectories
    ]
    for minibatch in (64, 4):
        _, metrics = learn(off, steps=1, correction="tis", minibatch=minibatch)
        assert metrics["correction"] == pytest.approx(math.exp(-0.5), abs=1e-5)
        assert metrics["mismatch"] == pytest.approx(0.5, abs=1e-5)
    _, metrics = learn(off, steps=1, correction="icepop", icepop_low=0.7)
    assert (metrics["masked_fraction"], metrics["grad_norm"]) == (1.0, 0.0)


# -- how it computes -----------------------------------------------------------------------------------------------


def changed(trajectories: list[Trajectory], **settings: Any) -> dict[str, float]:
    """How far each weight has moved in two updates."""
    start = dict(model().vlm.model.named_parameters())
    learner = new(**settings)
    for step in range(2):
        learner.update(trajectories, step, seed=1)
    return {name: float((weight - start[name].detach()).abs().max()) for name, weight in learner.weights()}


def test_freeze_vision_leaves_the_vision_tower_unchanged(trajectories: list[Trajectory]) -> None:
    moved = changed(trajectories, freeze_vision=True)
    vision = {name for name in moved if "vision_model" in name or "connector" in name}
    assert len(vision) > 20
    assert all((moved[name] == 0) == (name in vision) for name in moved)


@pytest.mark.slow
def test_lora_changes_only_linear_layers_of_the_language_model(trajectories: list[Trajectory]) -> None:
    moved = changed(trajectories, lora_rank=4)
    linear = {name for name in moved if "text_model.layers" in name and name.endswith("proj.weight")}
    assert len(linear) == 4 * 7  # layers; q, k, v, o, gate, up and down
    assert all((moved[name] > 1e-6) == (name in linear) for name in moved)
    learner = new(lora_rank=4, lora_alpha=8)
    torch.testing.assert_close(weights(learner), weights(new()), atol=0, rtol=0)  # it begins at zero
    learner.update(trajectories, 0, seed=1)
    assert sum(parameter.numel() for parameter in learner.parameters) < 0.1 * len(weights(learner))
    # What is exported is what is computed: the additions, times alpha / rank, in the weights.
    plain = model().vlm
    plain.model.load_state_dict(dict(learner.weights()), strict=False)
    sequence = trajectories[3].sequence
    torch.testing.assert_close(plain([sequence], 1.0)[0], learner.vlm([sequence], 1.0)[0], atol=5e-5, rtol=0)


def test_bfloat16_keeps_master_weights_in_float32(trajectories: list[Trajectory]) -> None:
    learner = new(dtype="bfloat16", lr=1e-5)
    assert all(parameter.dtype == torch.float32 for parameter in learner.parameters)
    metrics = learner.update(trajectories, 0, seed=1)
    exact = new(lr=1e-5)
    other = exact.update(trajectories, 0, seed=1)
    assert 1e-4 < metrics["mismatch"] < 0.1  # it does compute in bfloat16
    assert metrics["grad_norm"] == pytest.approx(other["grad_norm"], rel=0.05)
    # An update far below bfloat16's resolution arrives all the same.
    start = dict(model().vlm.model.named_parameters())
    name = "model.text_model.layers.0.mlp.up_proj.weight"
    own = dict(learner.vlm.model.named_parameters())[name].detach().full_tensor()
    step, exact_step = (weight - start[name].detach() for weight in (own, dict(exact.weights())[name]))
    assert float(torch.cosine_similarity(step.flatten(), exact_step.flatten(), dim=0)) > 0.95
    assert all(weight.dtype == torch.bfloat16 for _, weight in learner.weights())
    learner.close()
    assert not dist.is_initialized()


def test_frozen_weights_are_bfloat16_and_give_the_update_of_float32_ones(
    trajectories: list[Trajectory], monkeypatch: pytest.MonkeyPatch
) -> None:
    def learned() -> tuple[Learner, dict[str, float], list[Tensor]]:
        learner = new(dtype="bfloat16", lora_rank=4)
        metrics = [learner.update(trajectories, step, seed=1) for step in range(2)][-1]
        adapters = [parameter.detach().full_tensor().clone() for parameter in learner.parameters]
        learner.close()
        return learner, metrics, adapters

    half, metrics, adapters = learned()
    kinds = {(p.requires_grad, p.dtype) for p in half.vlm.parameters()}
    assert kinds == {(True, torch.float32), (False, torch.bfloat16)}
    monkeypatch.setattr("training.learner.learner.store_frozen", lambda model, dtype: None)  # as with float32 weights
    full, expected, others = learned()
    assert {p.dtype for p in full.vlm.parameters()} == {torch.float32}
    assert metrics == expected
    assert all(torch.equal(one, other) for one, other in zip(adapters, others, strict=True))


def test_checkpointing_keeps_fewer_activations(trajectories: list[Trajectory]) -> None:
    kept = {}
    for checkpointing in (False, True):
        sizes: list[int] = []
        learner = new(checkpointing=checkpointing)

        def keep(tensor: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes.append(tensor.nbytes)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            learner.vlm([t.sequence for t in trajectories], 1.0)
        kept[checkpointing] = sum(sizes)
    assert kept[True] < 0.5 * kept[False]


def test_weights_have_the_names_of_transformers() -> None:
    named = dict(new(lora_rank=2).weights())
    assert set(named) == {name for name, _ in model().vlm.model.named_parameters()}
