"""Real vLLM: the very tokens of the record, the learner's log-probs, weights that change in flight.

On a CPU, and on a GPU where there is one: vLLM runs other code there.
"""

import asyncio
import importlib.util
import multiprocessing
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.chat.conversation import Conversation
from agents.chat.types import TOP, Completion, Prompt, TokenSequence
from agents.engines import transfer
from agents.engines.base import EngineDead
from agents.engines.config import EngineConfig, VLLMConfig
from agents.engines.vllm import VLLMEngine
from agents.models.load import LoadedModel, best_device, wrap
from agents.models.tiny import build
from render.draw.images import frame_id

if importlib.util.find_spec("vllm") is None:  # importing it takes seconds
    pytest.skip("vllm is not installed", allow_module_level=True)

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    made = wrap(*build(seed=3))
    made.vlm.to(best_device())
    return made


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="module")
def engine(model: LoadedModel, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VLLMEngine]:
    folder = tmp_path_factory.mktemp("tiny")
    model.save(folder)
    engine = run(VLLMEngine.start(str(folder), config()))
    yield engine
    run(engine.close())


def config(dtype: Any = "float32") -> EngineConfig:
    return EngineConfig("vllm", max_context=1024, vllm=VLLMConfig(dtype=dtype, gpu_memory=0.3))


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (84, 84, 3), dtype=np.uint8)


async def play(
    model: LoadedModel, engine: VLLMEngine, games: int, history: int, temperature: float, turns: int = 3
) -> list[Conversation]:
    """Ragged games side by side: each goes on when its own reply is there; every third is without images."""

    async def game(number: int) -> Conversation:
        conversation = Conversation(model.chat, history)
        for turn in range(turns):
            image = frame(100 * number + turn) if number % 3 else None
            conversation.ask("go " * (number % 7), f"Play. {'go ' * number}", image)
            conversation.answer(
                await engine.generate(conversation.prompt(number * 7 + turn, 5 + number % 4), temperature)
            )
        return conversation

    return await asyncio.gather(*(game(number) for number in range(games)))


def sequences_of(games: Sequence[Conversation]) -> list[TokenSequence]:
    return [sequence for game in games for sequence in game.sequences()]


def difference(model: LoadedModel, sequences: Sequence[TokenSequence], temperature: float) -> float:
    """The largest one between the log-probs of engine and learner."""
    with torch.no_grad():
        policy_logprobs, _ = model.vlm(sequences, temperature)
    engine_logprobs = np.concatenate([sequence.engine_logprobs[sequence.loss_mask] for sequence in sequences])
    assert len(engine_logprobs) > 40
    return float(np.abs(policy_logprobs.cpu().numpy() - engine_logprobs).max())


def ask(model: LoadedModel, words: str, seed: int, max_tokens: int, image: np.ndarray | None = None) -> Prompt:
    conversation = Conversation(model.chat, 0)
    conversation.ask(words, words, image)
    return conversation.prompt(seed, max_tokens)


@pytest.mark.vllm
@pytest.mark.parametrize(("history", "temperature"), [(0, 1.0), (1, 0.6), (-1, 1.0)])
def test_engine_and_learner_agree_on_every_sampled_token(
    model: LoadedModel, engine: VLLMEngine, run: Run, history: int, temperature: float
) -> None:
    games = run(play(model, engine, 11, history, temperature))
    assert difference(model, sequences_of(games), temperature) < 1e-4


@pytest.mark.vllm
def test_64_ragged_games_at_once_agree_with_the_learner(model: LoadedModel, engine: VLLMEngine, run: Run) -> None:
    games = run(play(model, engine, 64, -1, 1.0, turns=2))
    sequences = sequences_of(games)
    assert difference(model, sequences, 1.0) < 1e-4
    for number, sequence in enumerate(sequences):
        assert all(len(turn.completion.tokens) <= 5 + number % 4 for turn in games[number].turns if turn.completion)
        assert len(sequence.images) == (2 if number % 3 else 0)


@pytest.mark.vllm
def test_several_images_of_a_turn_agree_with_the_learner(model: LoadedModel, engine: VLLMEngine, run: Run) -> None:
    async def game(number: int) -> Conversation:
        conversation = Conversation(model.chat, 0)
        images = [frame(10 * number + image) for image in range(1 + number % 3)]
        text = "Play. go <image> and <image>, <image>" if len(images) == 3 else "Play."
        conversation.ask(text, text, images[0], images[1:])
        conversation.answer(await engine.generate(conversation.prompt(number, 6), 1.0))
        return conversation

    async def games() -> list[Conversation]:
        return await asyncio.gather(*(game(number) for number in range(12)))

    sequences = sequences_of(run(games()))
    assert [len(sequence.images) for sequence in sequences] == [1, 2, 3] * 4
    assert difference(model, sequences, 1.0) < 1e-4


@pytest.mark.vllm
def test_a_seed_decides_the_reply_whatever_else_is_in_the_batch(
    model: LoadedModel, engine: VLLMEngine, run: Run
) -> None:
    prompts = [ask(model, "go " * i, i, 6, frame(i) if i % 2 else None) for i in range(9)]

    async def gather_or_cancel() -> list[Completion]:
        return await asyncio.gather(*(engine.generate(prompt, 1.0) for prompt in prompts))

    for prompt, reply in zip(prompts, run(gather_or_cancel()), strict=True):
        assert run(engine.generate(prompt, 1.0)).tokens.tolist() == reply.tokens.tolist()


@pytest.mark.vllm
def test_greedy_is_the_likeliest_token(model: LoadedModel, engine: VLLMEngine, run: Run) -> None:
    game = Conversation(model.chat, 0)
    game.ask("go", "go", frame(1))
    replies = [run(engine.generate(game.prompt(seed, 1), 0.0)) for seed in (1, 2)]
    assert replies[0].tokens.tolist() == replies[1].tokens.tolist()
    best = -np.inf
    for token in (int(replies[0].tokens[0]), *range(0, model.vlm.model.config.text_config.vocab_size, 37)):
        if token in model.chat.forbidden:
            continue
        other = Conversation(model.chat, 0)
        other.ask("go", "go", frame(1))
        other.answer(replace(replies[0], tokens=np.array([token], dtype=np.int32)))
        with torch.no_grad():
            best = max(best, float(model.vlm(other.sequences(), 1.0)[0]))
    assert best == pytest.approx(float(replies[0].logprobs[0]), abs=1e-4)


@pytest.mark.vllm
def test_distributions_come_only_where_the_prompt_asks_for_them(
    model: LoadedModel, engine: VLLMEngine, run: Run
) -> None:
    game = Conversation(model.chat, 0)
    game.ask("go", "go", frame(1))
    assert run(engine.generate(game.prompt(1, 4), 1.0)).distributions is None
    reply = run(engine.generate(game.prompt(1, 4, distributions=True), 1.0))
    sampled = reply.distributions
    assert sampled is not None and sampled.top_tokens.shape == (len(reply.tokens), TOP)
    with torch.no_grad():
        ids = np.concatenate([game.prompt(1, 4).tokens, reply.tokens])
        whole = replace(game.prompt(1, 4), tokens=ids, collapsed=ids)
        places = torch.arange(len(ids) - len(reply.tokens) - 1, len(ids) - 1, device=model.vlm.device)
        best = model.vlm.logits(model.vlm.hidden(model.vlm.pack([whole]), places)).log_softmax(-1).topk(TOP)
    np.testing.assert_allclose(sampled.top_logprobs, best.values.cpu().numpy(), atol=1e-3)
    np.testing.assert_array_equal(sampled.top_tokens[:, 0], best.indices[:, 0].cpu().numpy())


@pytest.mark.vllm
def test_an_end_token_finishes_a_reply(model: LoadedModel, engine: VLLMEngine, run: Run) -> None:
    replies = [run(engine.generate(ask(model, "go", seed, 40), 1.0)) for seed in range(24)]
    for reply in replies:
        assert reply.finished == (reply.tokens[-1] == model.chat.eos)
        assert model.chat.eos not in reply.tokens[:-1]
        assert reply.finished or len(reply.tokens) == 40
        assert reply.versions.tolist() == [engine.version] * len(reply.tokens)


@pytest.mark.vllm
def test_generate_with_tokens_that_differ_from_vllms_raises(model: LoadedModel, engine: VLLMEngine, run: Run) -> None:
    prompt = ask(model, "go", 0, 2, frame(0))
    wrong = prompt.tokens.copy()
    wrong[9] += 1
    with pytest.raises(RuntimeError, match=f"at position 9: {prompt.tokens[9]}, recorded {wrong[9]} "):
        run(engine.generate(replace(prompt, tokens=wrong), 1.0))
    with pytest.raises(RuntimeError, match=f"position {len(wrong) - 1}: {prompt.tokens[-1]}, recorded the end"):
        run(engine.generate(replace(prompt, tokens=prompt.tokens[:-1]), 1.0))


@pytest.mark.vllm
def test_new_weights_are_used_with_images_seen_before(
    model: LoadedModel, engine: VLLMEngine, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(transfer, "SHARED", tmp_path)  # not /dev/shm, where other engines are at work too
    run(play(model, engine, 6, -1, 1.0))  # fills the caches for prefixes, images and their features
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in model.vlm.model.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=generator).to(weight.device)
    stale = run(play(model, engine, 6, -1, 1.0))
    assert difference(model, sequences_of(stale), 1.0) > 0.1
    version = engine.version + 1
    run(engine.load_weights(model.vlm.model.named_parameters(), version))
    assert engine.version == version
    sequences = sequences_of(run(play(model, engine, 6, -1, 1.0)))
    assert difference(model, sequences, 1.0) < 1e-4
    for sequence in sequences:
        assert (sequence.policy_version[sequence.loss_mask] == version).all()
    assert not list(tmp_path.iterdir())


@pytest.mark.vllm
def test_weights_that_change_in_flight_are_recorded_per_token(model: LoadedModel, engine: VLLMEngine, run: Run) -> None:
    """Every token has the log-prob of the version that sampled it: what was computed before is computed anew."""
    old = {name: weight.detach().clone() for name, weight in model.vlm.model.named_parameters()}
    version = engine.version

    async def replies() -> list[Conversation]:
        games = []
        for number in range(4):
            games.append(Conversation(model.chat, 0))
            games[-1].ask("go", "go " * number, frame(number))
        tasks = [asyncio.create_task(engine.generate(g.prompt(9, 120), 1.0)) for g in games]
        await engine.generate(ask(model, "go", 2, 12), 1.0)  # beside the others, which are longer
        with torch.no_grad():
            for name, weight in model.vlm.model.named_parameters():
                weight.mul_(1.02) if "layers" in name else None
        await engine.load_weights(model.vlm.model.named_parameters(), version + 1)
        late = await engine.generate(ask(model, "go", 3, 4, frame(0)), 1.0)
        assert late.versions.tolist() == [version + 1] * len(late.tokens)
        for game, task in zip(games, tasks, strict=True):
            game.answer(await task)
        return games

    sequences = sequences_of(run(replies()))
    both = [sequence for sequence in sequences if len(set(sequence.policy_version[sequence.loss_mask].tolist())) == 2]
    assert both
    with torch.no_grad():
        new_logprobs = [model.vlm([sequence], 1.0)[0].cpu().numpy() for sequence in both]
        model.vlm.model.load_state_dict(old, strict=False)
        old_logprobs = [model.vlm([sequence], 1.0)[0].cpu().numpy() for sequence in both]
    for sequence, before, after in zip(both, old_logprobs, new_logprobs, strict=True):
        marked = sequence.loss_mask
        expected = np.where(sequence.policy_version[marked] == version, before, after)
        np.testing.assert_allclose(sequence.engine_logprobs[marked], expected, atol=1e-4)
        assert np.abs(before - after).max() > 1e-2
    run(engine.load_weights(old.items(), version + 2))


@pytest.mark.vllm
def test_the_placeholder_is_never_sampled(model: LoadedModel, engine: VLLMEngine, run: Run) -> None:
    vlm, head, placeholder = model.vlm, model.vlm.head, model.chat.image_token
    saved = head.detach().clone()
    prompts = [ask(model, "go", seed, 16) for seed in range(8)]
    with torch.no_grad():  # a model that wants to say nothing but <image>
        hidden = vlm.hidden(vlm.pack(prompts[:1]), torch.tensor([len(prompts[0].tokens) - 1], device=vlm.device))[0]
        head[placeholder] = 3.0 * hidden
        assert (head @ hidden).softmax(-1)[placeholder] > 0.99
    run(engine.load_weights(vlm.model.named_parameters(), engine.version + 1))
    replies = [run(engine.generate(prompt, 1.0)) for prompt in prompts]
    with torch.no_grad():
        head.copy_(saved)
    run(engine.load_weights(model.vlm.model.named_parameters(), engine.version + 1))
    assert not {token for reply in replies for token in reply.tokens.tolist()} & set(model.chat.forbidden)


@pytest.mark.vllm
def test_start_with_an_unknown_architecture_is_one_line(model: LoadedModel, run: Run, tmp_path: Path) -> None:
    model.save(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace("Idefics3ForConditionalGeneration", "Idefics7"))
    with pytest.raises(ValueError, match=r"vLLM cannot load .*Idefics7") as error:
        run(VLLMEngine.start(str(tmp_path), EngineConfig("vllm")))
    assert "\n" not in str(error.value)


def test_frame_id_depends_on_the_pixels_only() -> None:
    assert frame_id(frame(1)) == frame_id(frame(1).copy()) != frame_id(frame(2))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dtype", "int8"),
        ("transfer", "post"),
        ("sleep", 3),
        ("max_sequences", 0),
        ("gpu_memory", 1.5),
    ],
)
def test_vllm_config_refuses_impossible_settings(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=key):
        VLLMConfig(**{key: value})


@pytest.fixture
def own_engine(model: LoadedModel, run: Run, tmp_path: Path) -> Iterator[tuple[VLLMEngine, list[int]]]:
    """An engine that a test may break, and the ids of its processes."""
    model.save(tmp_path)
    before = multiprocessing.active_children()
    engine = run(VLLMEngine.start(str(tmp_path), config()))
    processes = [child.pid for child in multiprocessing.active_children() if child not in before and child.pid]
    yield engine, processes
    run(engine.close())


@pytest.mark.vllm
def test_load_weights_without_weights_fails_and_leaves_the_engine_unusable(
    own_engine: tuple[VLLMEngine, list[int]], run: Run
) -> None:
    engine, _ = own_engine
    version = engine.version
    with pytest.raises(Exception, match=r"a weight update missed (\d+) of \1 weights, such as "):
        run(engine.load_weights([], version + 1))
    assert engine.version == version
    with pytest.raises(RuntimeError, match="one has failed and left the engine without weights"):
        run(engine.begin_update())


@pytest.mark.vllm
def test_calls_after_the_death_of_the_process_fail_with_engine_dead(
    model: LoadedModel, own_engine: tuple[VLLMEngine, list[int]], run: Run
) -> None:
    """Both a reply and a call that the process would have answered if it had lived."""
    engine, processes = own_engine
    assert processes

    async def die() -> list[Any]:
        reply = asyncio.create_task(engine.generate(ask(model, "go", 1, 500), 1.0))
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        part = asyncio.create_task(engine.receive({"path": "nowhere"}))
        await asyncio.sleep(0.1)  # both wait
        for process in processes:
            os.kill(process, signal.SIGKILL)
        return list(await asyncio.gather(reply, part, return_exceptions=True))

    told = "vLLM's process has died: killed by SIGKILL (out of memory?)"
    assert [(type(error), str(error)) for error in run(die())] == [(EngineDead, told)] * 2
    with pytest.raises(EngineDead):
        run(engine.generate(ask(model, "go", 1, 1), 1.0))


@pytest.mark.gpu
@pytest.mark.vllm
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_bfloat16_engine_agrees_with_the_float32_learner_within_its_rounding(
    model: LoadedModel, run: Run, tmp_path: Path
) -> None:
    model.save(tmp_path)
    engine = run(VLLMEngine.start(str(tmp_path), config("bfloat16")))
    try:
        sequences = sequences_of(run(play(model, engine, 11, -1, 1.0)))
    finally:
        run(engine.close())
    assert 1e-4 < difference(model, sequences, 1.0) < 0.2  # it does compute in bfloat16
