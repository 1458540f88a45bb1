"""The engine samples from the very distribution that the learner scores."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch

from agents.chat.conversation import Conversation
from agents.chat.types import TOP, Completion, Prompt
from agents.engines.config import EngineConfig
from agents.engines.transformers import TransformersEngine
from agents.models.load import LoadedModel, wrap
from agents.models.tiny import build
from render.draw.images import frame_id

IMAGES = ["idefics3", "qwen2_5_vl", "qwen3_vl"]
FAMILIES = [*IMAGES, "llama", "qwen2", "qwen3"]


@lru_cache
def loaded(family: str) -> LoadedModel:
    return wrap(*build(3, family))


def engine_of(family: str, max_batch: int = 8, threads: int = 2) -> TransformersEngine:
    model = loaded(family)
    return TransformersEngine(model.vlm, model.chat.eos, EngineConfig(max_batch=max_batch, threads=threads))


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return loaded("idefics3")


@pytest.fixture(scope="module")
def engine() -> TransformersEngine:
    return engine_of("idefics3")


def generate(engine: TransformersEngine, prompts: Sequence[Prompt], temperature: float) -> list[Completion]:
    async def gather_or_cancel() -> list[Completion]:
        return await asyncio.gather(*(engine.generate(prompt, temperature) for prompt in prompts))

    return asyncio.run(gather_or_cancel())


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (84, 84, 3), dtype=np.uint8)


def prompt_of(model: LoadedModel, text: str, image: np.ndarray | None, seed: int, max_tokens: int) -> Prompt:
    conversation = Conversation(model.chat, 0)
    conversation.ask(text, text, image)
    return conversation.prompt(seed, max_tokens)


def conversations(
    model: LoadedModel, engine: TransformersEngine, history: int, temperature: float, turns: int = 3
) -> list[Conversation]:
    """Ragged games: image turns of unlike lengths, and text-only ones (all of a text model's)."""
    games = [Conversation(model.chat, history) for _ in range(11)]
    for turn in range(turns):
        for i, game in enumerate(games):
            game.ask(
                "go " * i, f"Play. {'go ' * i}", frame(100 * i + turn) if i % 3 and model.chat.takes_images else None
            )
        replies = generate(engine, [game.prompt(i * 7 + turn, 5 + i % 4) for i, game in enumerate(games)], temperature)
        for game, reply in zip(games, replies, strict=True):
            game.answer(reply)
    return games


@pytest.mark.parametrize(
    ("family", "history", "temperature"),
    [
        *(("idefics3", history, temperature) for history, temperature in [(0, 1.0), (1, 1.0), (-1, 1.0), (1, 0.6)]),
        *((family, -1, temperature) for family, temperature in [("qwen2_5_vl", 1.0), ("qwen3_vl", 0.6)]),
        *((family, history, 1.0) for family, history in [("llama", -1), ("qwen2", 1), ("qwen3", -1)]),
    ],
)
def test_engine_and_learner_agree_on_every_sampled_token(family: str, history: int, temperature: float) -> None:
    model, engine = loaded(family), engine_of(family)
    sequences = [
        sequence for game in conversations(model, engine, history, temperature) for sequence in game.sequences()
    ]
    with torch.no_grad():
        policy_logprobs, entropy = model.vlm(sequences, temperature)
    engine_logprobs = np.concatenate([sequence.engine_logprobs[sequence.loss_mask] for sequence in sequences])
    np.testing.assert_allclose(policy_logprobs.numpy(), engine_logprobs, atol=1e-4)
    assert len(engine_logprobs) > 100
    assert 0 < entropy.min() and entropy.max() <= np.log(model.vlm.head.shape[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_batching_does_not_change_a_reply(family: str) -> None:
    model, engine = loaded(family), engine_of(family)
    shown = [frame(i) if i % 2 == 0 and family in IMAGES else None for i in range(9)]
    prompts = [prompt_of(model, "go " * i, shown[i], i, 6) for i in range(9)]
    together = generate(engine, prompts, 1.0)
    alone = [generate(engine, [prompt], 1.0)[0] for prompt in prompts]
    for a, b in zip(together, alone, strict=True):
        assert a.tokens.tolist() == b.tokens.tolist()
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-4)


def test_the_same_prompt_is_computed_once_and_answered_by_each_seed(
    model: LoadedModel, engine: TransformersEngine
) -> None:
    prompts = [prompt_of(model, "go", frame(1), seed, 6) for seed in range(8)]
    seen: list[int] = []
    embedding = model.vlm.model.get_input_embeddings()
    hook = embedding.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].numel()))
    replies = generate(engine, prompts, 1.0)
    hook.remove()
    assert seen[0] == len(prompts[0].tokens)
    assert len({tuple(reply.tokens.tolist()) for reply in replies}) > 4


def test_many_calls_are_split_over_the_threads(model: LoadedModel) -> None:
    sizes: list[int] = []

    class Watched(TransformersEngine):
        def _generate(self, prompts: Sequence[Prompt], temperature: float) -> list[Completion]:
            sizes.append(len(prompts))
            return super()._generate(prompts, temperature)

    engine = Watched(model.vlm, model.chat.eos, EngineConfig(max_batch=64))
    prompts = [prompt_of(model, "go " * (i % 5), None, i, 4) for i in range(40)]
    two = generate(engine, prompts, 1.0)
    assert sizes == [20, 20]
    one = generate(engine, prompts[:31], 1.0)
    assert sizes == [20, 20, 31]
    for a, b in zip(two[:31], one, strict=True):
        assert a.tokens.tolist() == b.tokens.tolist()
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-4)


def test_the_placeholder_is_never_sampled(model: LoadedModel, engine: TransformersEngine) -> None:
    vlm, placeholder = model.vlm, model.chat.image_token
    prompts = [prompt_of(model, "go", None, s, 8) for s in range(8)]
    saved = vlm.head.detach().clone()
    with torch.no_grad():  # a model that wants to say nothing but <image>
        hidden = vlm.hidden(vlm.pack(prompts[:1]), torch.tensor([len(prompts[0].tokens) - 1]))[0]
        vlm.head[placeholder] = 3.0 * hidden
        assert (vlm.head @ hidden).softmax(-1)[placeholder] > 0.99
    replies = generate(engine, prompts, 1.0)
    with torch.no_grad():
        vlm.head.copy_(saved)
    said = {token for reply in replies for token in reply.tokens.tolist()}
    assert not said & set(model.chat.forbidden)


def test_sampling_follows_the_distribution(model: LoadedModel, engine: TransformersEngine) -> None:
    one = prompt_of(model, "go", None, 0, 1)
    replies = [generate(engine, [prompt_of(model, "go", None, s, 1) for s in range(i, i + 80)], 1.0) for i in (0, 80)]
    first = np.array([int(reply.tokens[0]) for batch in replies for reply in batch])
    with torch.no_grad():
        last = torch.tensor([len(one.tokens) - 1])
        logits = model.vlm.logits(model.vlm.hidden(model.vlm.pack([one]), last))[0]
    probs = logits.softmax(-1)
    likely = int(probs.argmax())
    p = float(probs[likely])
    assert abs((first == likely).mean() - p) < 4 * np.sqrt(p * (1 - p) / len(first))


def test_replies_come_with_their_distributions(model: LoadedModel, engine: TransformersEngine) -> None:
    """Against the model's own softmax, also for rows that are compacted away early."""
    prompts = [prompt_of(model, f"go {i}", None, i, 3 + 4 * (i % 2)) for i in range(6)]
    prompts = [replace(prompt, distributions=i != 2) for i, prompt in enumerate(prompts)]
    for prompt, reply in zip(prompts, generate(engine, prompts, 0.7), strict=True):
        sampled = reply.distributions
        if not prompt.distributions:
            assert sampled is None
            continue
        assert sampled is not None and sampled.entropies is not None
        whole = np.concatenate([prompt.tokens, reply.tokens])
        places = torch.arange(len(prompt.tokens) - 1, len(whole) - 1)
        with torch.no_grad():
            packed = model.vlm.pack([replace(prompt, tokens=whole, collapsed=whole)])
            logprobs = (model.vlm.logits(model.vlm.hidden(packed, places)) / 0.7).log_softmax(-1)
        probs = logprobs.exp()
        np.testing.assert_allclose(sampled.entropies, torch.special.entr(probs).sum(-1).numpy(), atol=1e-4)
        best = logprobs.topk(TOP)
        np.testing.assert_allclose(sampled.top_logprobs, best.values.numpy(), atol=1e-3)
        assert sampled.top_tokens[:, 0].tolist() == best.indices[:, 0].tolist()
        assert len(sampled.top_tokens) == len(reply.tokens)


def test_round_takes_all_waiting_calls_in_any_order(model: LoadedModel) -> None:
    """Games that ask again as soon as they are answered are in step, whichever thread was quicker."""
    sizes: list[list[int]] = []

    class Watched(TransformersEngine):
        def _generate(self, prompts: Sequence[Prompt], temperature: float) -> list[Completion]:
            sizes[-1].append(len(prompts))
            return super()._generate(prompts, temperature)

        async def _answer(self, calls: list[tuple[Prompt, float]]) -> list[Completion | BaseException]:
            sizes.append([])
            return await super()._answer(calls)

    engine = Watched(model.vlm, model.chat.eos, EngineConfig(max_batch=4, threads=2))

    async def game(i: int) -> None:
        for turn in range(3):
            await engine.generate(prompt_of(model, f"go {turn}", None, i, 3), 1.0)
            await asyncio.sleep(0)  # another coroutine in between

    async def main() -> None:
        await asyncio.gather(*(game(i) for i in range(10)))
        await engine.close()

    asyncio.run(main())
    assert [sorted(batches) for batches in sizes] == [[3, 3, 4]] * 3


def test_weights_are_loaded_between_rounds_and_every_token_knows_its_version(model: LoadedModel) -> None:
    other = wrap(*build(4))
    mine = wrap(*build(3))
    engine = TransformersEngine(mine.vlm, mine.chat.eos, EngineConfig())
    prompt = prompt_of(model, "go", frame(0), 1, 5)

    async def main() -> tuple[Completion, Completion]:
        running = asyncio.create_task(engine.generate(prompt, 0.0))
        for _ in range(8):
            await asyncio.sleep(0)  # its round has begun
        await engine.load_weights(other.vlm.model.state_dict().items(), 7)
        return await running, await engine.generate(prompt, 0.0)

    before, after = asyncio.run(main())
    assert set(before.versions.tolist()) == {0} and set(after.versions.tolist()) == {7}
    assert before.tokens.tolist() == generate(engine_of("idefics3"), [prompt], 0.0)[0].tokens.tolist()
    fresh = TransformersEngine(other.vlm, other.chat.eos, EngineConfig())
    np.testing.assert_array_equal(after.logprobs, generate(fresh, [prompt], 0.0)[0].logprobs)
    with pytest.raises(ValueError, match="no weight 'nothing'"):
        asyncio.run(engine.load_weights([("nothing", torch.zeros(1))], 8))


def test_weights_do_not_wait_for_games_that_ask_again_at_once(model: LoadedModel) -> None:
    mine = wrap(*build(3))
    engine = TransformersEngine(mine.vlm, mine.chat.eos, EngineConfig())

    async def game(number: int) -> list[int]:
        replies = [await engine.generate(prompt_of(model, "go", None, number + turn, 3), 1.0) for turn in range(4)]
        return [version for reply in replies for version in set(reply.versions.tolist())]

    async def main() -> list[list[int]]:
        games = [asyncio.create_task(game(number)) for number in range(3)]
        for _ in range(8):
            await asyncio.sleep(0)  # the first round has begun
        weights = list(mine.vlm.model.state_dict().items())
        await asyncio.gather(engine.load_weights(weights, 6), engine.load_weights(weights, 7))
        versions = await asyncio.gather(*games)
        await engine.close()
        return versions

    assert asyncio.run(main()) == [[0, 7, 7, 7]] * 3


def test_an_impossible_prompt_fails_alone(model: LoadedModel) -> None:
    engine = TransformersEngine(model.vlm, model.chat.eos, EngineConfig(max_batch=1))
    good = prompt_of(model, "go", None, 1, 3)
    bad = Prompt(good.tokens, good.collapsed, (frame(0),), (frame_id(frame(0)),), 1, 3)

    async def main() -> list[Completion | BaseException]:
        return await asyncio.gather(*(engine.generate(p, 1.0) for p in (good, bad, good)), return_exceptions=True)

    first, wrong, last = asyncio.run(main())
    assert isinstance(wrong, ValueError)
    assert isinstance(first, Completion) and isinstance(last, Completion)
    assert first.tokens.tolist() == last.tokens.tolist()


def test_max_context_is_the_models_own(engine: TransformersEngine) -> None:
    assert engine.max_context == 2048
