"""Tiny Qwen models in real vLLM, which needs torchvision for them: games, images of several sizes, a weight update."""

import asyncio
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.chat.conversation import Conversation
from agents.chat.types import TokenSequence
from agents.engines.config import EngineConfig, VLLMConfig
from agents.engines.vllm import VLLMEngine
from agents.models.load import LoadedModel, best_device, wrap
from agents.models.tiny import build

if importlib.util.find_spec("vllm") is None or importlib.util.find_spec("torchvision") is None:
    pytest.skip("vllm or torchvision is not installed", allow_module_level=True)

SIZES = ((84, 84), (112, 168), (56, 140))
CONFIG = EngineConfig(
    "vllm", max_context=1024, vllm=VLLMConfig(dtype="float32", gpu_memory=0.3, cpu_cache_gb=0.2, max_pixels=128 * 160)
)


async def play(model: LoadedModel, engine: VLLMEngine) -> list[TokenSequence]:
    """Six games of two turns and unlike lengths; every third is without images."""

    async def game(number: int) -> Conversation:
        conversation = Conversation(model.chat, -1)
        for turn in range(2):
            shape = (*SIZES[(number + turn) % 3], 3)
            frame = np.random.default_rng(10 * number + turn).integers(0, 256, shape, dtype=np.uint8)
            conversation.ask("go " * number, f"Play. {'go ' * number}", frame if number % 3 else None)
            prompt = conversation.prompt(number * 7 + turn, 5 + number % 4)
            conversation.answer(await engine.generate(prompt, 1.0))
        return conversation

    games = await asyncio.gather(*(game(number) for number in range(6)))
    return [sequence for one in games for sequence in one.sequences()]


def difference(model: LoadedModel, sequences: Sequence[TokenSequence]) -> float:
    """The largest one between the log-probs of engine and learner."""
    with torch.no_grad():
        policy_logprobs, _ = model.vlm(sequences, 1.0)
    engine_logprobs = np.concatenate([sequence.engine_logprobs[sequence.loss_mask] for sequence in sequences])
    assert len(engine_logprobs) > 20
    return float(np.abs(policy_logprobs.cpu().numpy() - engine_logprobs).max())


@pytest.mark.vllm
@pytest.mark.timeout(600)
@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_qwen_engine_and_learner_agree_before_and_after_an_update(family: str, tmp_path: Path) -> None:
    model = wrap(*build(3, family))
    model.save(tmp_path)
    model.vlm.to(best_device())

    async def run() -> None:
        engine = await VLLMEngine.start(str(tmp_path), CONFIG)
        try:
            assert difference(model, await play(model, engine)) < 1e-4
            generator = torch.Generator().manual_seed(5)
            with torch.no_grad():
                for weight in model.vlm.model.parameters():
                    weight += 0.02 * torch.randn(weight.shape, generator=generator).to(weight.device)
            assert difference(model, await play(model, engine)) > 0.1  # old weights
            await engine.load_weights(model.vlm.model.named_parameters(), 1)
            assert difference(model, await play(model, engine)) < 1e-4
            large = Conversation(model.chat, 0)
            large.ask("go", "go", np.zeros((224, 224, 3), dtype=np.uint8))
            with pytest.raises(ValueError, match=r"224x224 pixels exceeds engine.vllm.max_pixels=20480"):
                await engine.generate(large.prompt(0, 1), 1.0)
        finally:
            await engine.close()

    asyncio.run(run())
