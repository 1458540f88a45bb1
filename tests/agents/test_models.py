"""A saved model is a folder that plain transformers loads; anything else is refused in one line."""

import json
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoProcessor, BertConfig, BertModel

from agents.models import LoadedModel, load_model, tiny_folder, wrap
from agents.tiny import build

MODEL: LoadedModel = wrap(*build(seed=3))
MESSAGES = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Play football."}]}]
FRAME = np.random.default_rng(0).integers(0, 256, (84, 84, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "mine"
    MODEL.save(folder)
    return folder


@torch.no_grad()
def our_logits(model: LoadedModel) -> torch.Tensor:
    """Of the last position, as the engine computes them: our tokens, our pixels, one image features call."""
    tokens = torch.from_numpy(model.chat.turn("Play football.", True, True)[None]).long()
    logits: torch.Tensor = model.vlm.model.lm_head(model.vlm.hidden(tokens, [[FRAME]])[:, -1])
    return logits


def test_transformers_loads_what_is_saved(saved: Path) -> None:
    model = AutoModelForImageTextToText.from_pretrained(saved, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(saved)
    text = processor.apply_chat_template(MESSAGES, add_generation_prompt=True, tokenize=False)
    inputs = processor(text=[text], images=[[FRAME]], return_tensors="pt", add_special_tokens=False)
    with torch.no_grad():
        logits = model(**inputs).logits[:, -1]
    torch.testing.assert_close(logits, our_logits(MODEL), atol=1e-4, rtol=0)
    reply = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    assert reply.shape[1] <= inputs["input_ids"].shape[1] + 4


def test_we_load_it_too(saved: Path) -> None:
    again = load_model(str(saved))
    assert torch.equal(our_logits(again), our_logits(MODEL))
    weights, loaded = MODEL.vlm.model.state_dict(), again.vlm.model.state_dict()
    assert weights.keys() == loaded.keys()
    assert all(torch.equal(weights[name], loaded[name]) for name in weights)
    assert again.chat.forbidden == MODEL.chat.forbidden
    assert not again.vlm.model.training


def test_tiny_is_in_the_package() -> None:
    one, two = load_model("tiny"), load_model(str(tiny_folder()))
    assert torch.equal(our_logits(one), our_logits(two))
    assert one.vlm.model.dtype == torch.float32


def refusal(path: Path) -> str:
    with pytest.raises(ValueError) as caught:
        load_model(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(path), "PATH")


def test_what_is_no_model(tmp_path: Path, saved: Path) -> None:
    gone = "model folder 'PATH' does not exist; give a folder that transformers can load, or 'tiny'"
    assert refusal(tmp_path / "gone") == gone
    assert refusal(saved / "config.json") == gone
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty") == "'PATH' is not a model folder: it has no config.json"


def test_another_family(tmp_path: Path) -> None:
    config = BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    BertModel(config).save_pretrained(tmp_path)
    assert refusal(tmp_path) == "'PATH' holds a model of type 'bert'; known: idefics3"
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "football"}))
    assert "'PATH'" in refusal(tmp_path)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", [None, b"", b"not a model", b"[]"])
def test_a_damaged_folder(file: str, content: bytes | None, saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    (tmp_path / file).unlink()
    if content is None and file == "config.json":
        assert refusal(tmp_path) == "'PATH' is not a model folder: it has no config.json"
        return
    if content is not None:
        (tmp_path / file).write_bytes(content)
    assert refusal(tmp_path).startswith("'PATH' cannot be loaded as a model: ")


def test_missing_weights_are_not_made_up(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("model.connector.modality_projection.proj.weight")
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert refusal(tmp_path) == (
        "'PATH' cannot be loaded as a model: 1 weights are missing, as model.connector.modality_projection.proj.weight"
    )


def test_a_full_disk(tmp_path: Path) -> None:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, usual[1]))  # no file may grow over 1 MB
    try:
        with pytest.raises(OSError, match=f"^cannot save the model in {tmp_path}: .*File too large"):
            MODEL.save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_weights_of_another_shape(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["intermediate_size"] = 96
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert refusal(tmp_path).startswith("'PATH' cannot be loaded as a model: ")
