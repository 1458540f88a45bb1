"""Text models in real vLLM on a CPU: the learner's log-probs, before and after a weight update."""

import asyncio
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.chat.conversation import Conversation
from agents.chat.types import TokenSequence
from agents.engines.base import Engine
from agents.engines.config import EngineConfig
from agents.engines.vllm import VLLMEngine
from agents.models.load import LoadedModel, wrap
from agents.models.tiny import build

if importlib.util.find_spec("vllm") is None:  # importing it takes seconds
    pytest.skip("vllm is not installed", allow_module_level=True)

pytestmark = [pytest.mark.vllm, pytest.mark.slow]


async def play(model: LoadedModel, engine: Engine, games: int, history: int, temperature: float) -> list[TokenSequence]:
    """Ragged games of three turns, each at its own pace."""

    async def game(number: int) -> Conversation:
        conversation = Conversation(model.chat, history)
        for turn in range(3):
            conversation.ask("go " * (number % 7), f"Play. {'go ' * number}", None)
            prompt = conversation.prompt(number * 7 + turn, 5 + number % 4)
            conversation.answer(await engine.generate(prompt, temperature))
        return conversation

    return [sequence for one in await asyncio.gather(*map(game, range(games))) for sequence in one.sequences()]


def difference(model: LoadedModel, sequences: list[TokenSequence], temperature: float) -> float:
    """The largest one between the log-probs of engine and learner."""
    with torch.no_grad():
        policy_logprobs, _ = model.vlm(sequences, temperature)
    engine_logprobs = np.concatenate([sequence.engine_logprobs[sequence.loss_mask] for sequence in sequences])
    assert len(engine_logprobs) > 100
    assert not np.isin(np.concatenate([s.tokens[s.loss_mask] for s in sequences]), model.chat.forbidden).any()
    return float(np.abs(policy_logprobs.numpy() - engine_logprobs).max())


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_engine_and_learner_agree_before_and_after_an_update(family: str, tmp_path: Path) -> None:
    model = wrap(*build(3, family))
    model.save(tmp_path)

    async def agree() -> None:
        engine = await VLLMEngine.start(str(tmp_path), EngineConfig("vllm", max_context=1024))
        try:
            assert difference(model, await play(model, engine, 11, -1, 1.0), 1.0) < 1e-4
            assert difference(model, await play(model, engine, 11, 1, 0.6), 0.6) < 1e-4
            generator = torch.Generator().manual_seed(5)
            with torch.no_grad():
                for weight in model.vlm.model.parameters():
                    weight += 0.02 * torch.randn(weight.shape, generator=generator)
            assert difference(model, await play(model, engine, 11, -1, 1.0), 1.0) > 0.1
            await engine.load_weights(model.vlm.model.named_parameters(), 1)
            sequences = await play(model, engine, 11, -1, 1.0)
            assert difference(model, sequences, 1.0) < 1e-4
            assert all((sequence.policy_version[sequence.loss_mask] == 1).all() for sequence in sequences)
        finally:
            await engine.close()

    asyncio.run(agree())
