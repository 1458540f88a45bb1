"""On a GPU, shared prompts and the transformers engine give the numbers of a CPU."""

import asyncio
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from agents.chat.conversation import Conversation
from agents.chat.types import Completion, Prompt, TokenSequence
from agents.engines.config import EngineConfig
from agents.engines.transformers import TransformersEngine
from agents.models.load import LoadedModel, wrap
from agents.models.prefix import ragged, share
from agents.models.tiny import build

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"),
]
FAMILIES = ["idefics3", "qwen2_5_vl", "qwen3_vl", "llama", "qwen3"]


@pytest.fixture(autouse=True)
def _exact_convolutions() -> Iterator[None]:
    """Without TF32, which rounds the patches of images."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def loaded(family: str, device: str, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A tiny model with its weights in `dtype`; buffers, such as the frequencies of RoPE, stay in float32."""
    model = wrap(*build(3, family))
    model.vlm.to(device)
    for parameter in model.vlm.parameters():
        parameter.data = parameter.data.to(dtype)
    return model


def groups(model: LoadedModel) -> list[TokenSequence]:
    """Three groups of five players that share their first prompt; one group sees no image, nor does a text model."""
    rng = np.random.default_rng(0)
    played: list[TokenSequence] = []
    for group in range(3):
        frame = None if group == 2 or not model.chat.takes_images else rng.integers(0, 256, (84, 84, 3), dtype=np.uint8)
        for player in range(5):
            talk = Conversation(model.chat, -1)
            for turn in range(2):
                talk.ask("go " * (player + 1), "play " * (group + 1), frame if turn == 0 else None)
                count = int(rng.integers(3, 12))
                tokens = rng.integers(0, 200, count).astype(np.int32)
                talk.answer(Completion(tokens, np.zeros(count, np.float32), False, np.zeros(count, np.int32)))
            played += talk.sequences()
    return played


def alone(model: LoadedModel, played: Sequence[TokenSequence]) -> Tensor:
    with torch.no_grad():
        return torch.cat([model.vlm([one], 1.0)[0] for one in played]).float().cpu()


def gradient(logprobs: Tensor, model: LoadedModel) -> Tensor:
    """The gradient of a weighted sum of log-probs to all parameters, as one float32 vector on the CPU."""
    weight = torch.from_numpy(np.random.default_rng(1).normal(size=len(logprobs)).astype(np.float32))
    parameters = [parameter for parameter in model.vlm.parameters() if parameter.requires_grad]
    parts = torch.autograd.grad((logprobs.float() * weight.to(logprobs.device)).sum(), parameters, allow_unused=True)
    return torch.cat(
        [
            (torch.zeros_like(parameter) if part is None else part).float().cpu().reshape(-1)
            for part, parameter in zip(parts, parameters, strict=True)
        ]
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_shared_prompts_in_float32_equal_each_sequence_alone_on_the_cpu(family: str) -> None:
    cpu, gpu = loaded(family, "cpu"), loaded(family, "cuda")
    played = groups(cpu)
    logprobs, _ = gpu.vlm(played, 1.0)
    torch.testing.assert_close(logprobs.detach().cpu(), alone(cpu, played), atol=1e-3, rtol=0)
    slopes, expected = gradient(logprobs, gpu), gradient(cpu.vlm(played, 1.0)[0], cpu)
    torch.testing.assert_close(slopes, expected, atol=1e-3 * float(expected.abs().max()), rtol=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
def test_shared_prompts_in_bfloat16_are_one_ragged_call_as_exact_as_each_sequence_alone(family: str) -> None:
    cpu, gpu = loaded(family, "cpu"), loaded(family, "cuda", torch.bfloat16)
    played = groups(cpu)
    layout = ragged(share(played), gpu.vlm.device)
    assert layout is not None and layout.keys.is_cuda and len(layout.keys) > int(layout.query_bounds[-1])
    exact = alone(cpu, played)
    logprobs, _ = gpu.vlm(played, 1.0)
    rounding = (alone(gpu, played) - exact).abs().mean()
    assert (logprobs.detach().float().cpu() - exact).abs().mean() < 1.5 * rounding + 1e-3
    slopes, expected = gradient(logprobs, gpu), gradient(cpu.vlm(played, 1.0)[0], cpu)
    assert torch.nn.functional.cosine_similarity(slopes, expected, dim=0) > 0.98


def prompts_of(model: LoadedModel) -> list[Prompt]:
    prompts = []
    for number in range(9):
        talk = Conversation(model.chat, 0)
        frame = np.random.default_rng(number).integers(0, 256, (84, 84, 3), dtype=np.uint8)
        talk.ask("go", f"Play. {'go ' * number}", frame if number % 3 and model.chat.takes_images else None)
        prompts.append(talk.prompt(number, 5 + number % 4))
    return prompts


def sequences_of(model: LoadedModel, replies: Sequence[Completion]) -> list[TokenSequence]:
    played: list[TokenSequence] = []
    for number, reply in enumerate(replies):
        talk = Conversation(model.chat, 0)
        frame = np.random.default_rng(number).integers(0, 256, (84, 84, 3), dtype=np.uint8)
        talk.ask("go", f"Play. {'go ' * number}", frame if number % 3 and model.chat.takes_images else None)
        talk.answer(reply)
        played += talk.sequences()
    return played


@pytest.mark.parametrize("family", FAMILIES)
def test_transformers_engine_agrees_with_the_learner_and_sleeps_off_the_device(family: str) -> None:
    model = loaded(family, "cuda")
    engine = TransformersEngine(model.vlm, model.chat.eos, EngineConfig(max_batch=4))
    prompts = prompts_of(model)

    async def play() -> tuple[list[Completion], list[Completion]]:
        first = await asyncio.gather(*(engine.generate(prompt, 1.0) for prompt in prompts))
        await engine.sleep()
        assert model.vlm.device.type == "cpu"
        await engine.wake()
        assert model.vlm.device.type == "cuda"
        return first, await asyncio.gather(*(engine.generate(prompt, 1.0) for prompt in prompts))

    first, again = asyncio.run(play())
    assert [reply.tokens.tolist() for reply in first] == [reply.tokens.tolist() for reply in again]
    played = sequences_of(model, first)
    with torch.no_grad():
        learner, _ = model.vlm(played, 1.0)
    engine_logprobs = np.concatenate([one.engine_logprobs[one.loss_mask] for one in played])
    np.testing.assert_allclose(learner.cpu().numpy(), engine_logprobs, atol=1e-3)
