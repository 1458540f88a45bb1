"""The engine samples from the very distribution that the learner scores."""

import numpy as np
import pytest
import torch

from agents.conversation import Conversation
from agents.engines import EngineConfig, Prompt
from agents.engines.transformers import TransformersEngine, sample
from agents.models import LoadedModel, wrap
from agents.tiny import build


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return wrap(*build(seed=3))


@pytest.fixture(scope="module")
def engine(model: LoadedModel) -> TransformersEngine:
    return TransformersEngine(model.vlm, model.chat.eos, EngineConfig(max_batch=8))


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (84, 84, 3), dtype=np.uint8)


def conversations(
    model: LoadedModel, engine: TransformersEngine, history: int, temperature: float, turns: int = 3
) -> list[Conversation]:
    """Ragged games: image turns of unlike lengths, and text-only ones."""
    games = [Conversation(model.chat, history) for _ in range(11)]
    for turn in range(turns):
        for i, game in enumerate(games):
            game.ask("go " * i, f"Play. {'go ' * i}", frame(100 * i + turn) if i % 3 else None)
        replies = engine.generate([game.prompt(i * 7 + turn, 5 + i % 4) for i, game in enumerate(games)], temperature)
        for game, reply in zip(games, replies, strict=True):
            game.answer(reply)
    return games


@pytest.mark.parametrize(("history", "temperature"), [(0, 1.0), (1, 1.0), (-1, 1.0), (1, 0.6)])
def test_engine_and_learner_agree_on_every_sampled_token(
    model: LoadedModel, engine: TransformersEngine, history: int, temperature: float
) -> None:
    branches = [branch for game in conversations(model, engine, history, temperature) for branch in game.branches()]
    with torch.no_grad():
        policy_logprobs, entropy = model.vlm.score(branches, temperature)
    engine_logprobs = np.concatenate([branch.engine_logprobs[branch.loss_mask] for branch in branches])
    np.testing.assert_allclose(policy_logprobs.numpy(), engine_logprobs, atol=1e-4)
    assert len(engine_logprobs) > 100
    assert 0 < entropy.min() and entropy.max() <= np.log(model.vlm.model.vocab_size)


def test_batching_does_not_change_a_reply(model: LoadedModel, engine: TransformersEngine) -> None:
    prompts = [
        Prompt(model.chat.turn("go " * i, i % 2 == 0, True), (frame(i),) if i % 2 == 0 else (), seed=i, max_tokens=6)
        for i in range(9)
    ]
    together = engine.generate(prompts, 1.0)
    alone = [engine.generate([prompt], 1.0)[0] for prompt in prompts]
    for a, b in zip(together, alone, strict=True):
        assert a.tokens.tolist() == b.tokens.tolist()
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-4)


def test_the_placeholder_is_never_sampled(model: LoadedModel, engine: TransformersEngine) -> None:
    with torch.no_grad():  # a model that wants to say nothing but <image>
        weight = model.vlm.model.lm_head.weight
        saved = weight.clone()
        weight[model.chat.image_token] = weight.mean(0) + 10.0
    replies = engine.generate([Prompt(model.chat.turn("go", False, True), (), s, 8) for s in range(8)], 1.0)
    with torch.no_grad():
        weight.copy_(saved)
    said = {token for reply in replies for token in reply.tokens.tolist()}
    assert not said & set(model.chat.forbidden)


def test_sample_inverts_the_cumulative_distribution() -> None:
    logprobs = torch.tensor([[0.2, 0.0, 0.5, 0.3]]).log().repeat(5, 1)
    uniform = np.array([0.0, 0.1999, 0.2001, 0.6999, 0.9999])
    assert sample(logprobs, uniform).tolist() == [0, 0, 2, 2, 3]  # steps at 0.2, 0.2, 0.7, 1.0: token 1 never
    assert sample(logprobs, None).tolist() == [2] * 5


def test_sampling_follows_the_distribution(model: LoadedModel, engine: TransformersEngine) -> None:
    turn = model.chat.turn("go", False, True)
    tokens = [engine.generate([Prompt(turn, (), seed, 1) for seed in range(i, i + 8)], 1.0) for i in range(0, 800, 8)]
    first = np.array([int(reply.tokens[0]) for batch in tokens for reply in batch])
    with torch.no_grad():
        probs = model.vlm.log_softmax(model.vlm.hidden(torch.from_numpy(turn[None]).long(), ())[:, -1], 1.0).exp()[0]
    likely = int(probs.argmax())
    p = float(probs[likely])
    assert abs((first == likely).mean() - p) < 4 * np.sqrt(p * (1 - p) / len(first))
