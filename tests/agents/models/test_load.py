"""A saved model is a folder that plain transformers loads; anything else is refused in one line."""

import json
import resource
import shutil
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    BertConfig,
    BertModel,
    Idefics3Processor,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from agents.chat.conversation import Conversation
from agents.chat.types import Completion, TokenSequence
from agents.models.load import LoadedModel, load_chat, load_model, load_skeleton, tiny_folder, wrap
from agents.models.tiny import build

IMAGES = ("idefics3", "qwen2_5_vl", "qwen3_vl")
FAMILIES = (*IMAGES, "llama", "qwen2", "qwen3")
MODELS: dict[str, LoadedModel] = {family: wrap(*build(seed=3, family=family)) for family in FAMILIES}
MESSAGES = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Play football."}]}]
TEXT = [{"role": "user", "content": "Play football."}]
FRAME = np.random.default_rng(0).integers(0, 256, (84, 84, 3), dtype=np.uint8)
families = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each family's model, saved."""
    base = tmp_path_factory.mktemp("models")
    for family, model in MODELS.items():
        model.save(base / family)
    return {family: base / family for family in FAMILIES}


@pytest.fixture
def saved(folders: dict[str, Path]) -> Path:
    return folders["idefics3"]


def replied(model: LoadedModel, frame: np.ndarray = FRAME) -> TokenSequence:
    """One turn, with a picture unless the model reads text only, and its reply."""
    conversation = Conversation(model.chat, 0)
    conversation.ask("Play football.", "Play football.", frame if model.chat.takes_images else None)
    said = model.chat.reply("<think></think><answer>left</answer>")
    versions = np.zeros(len(said), dtype=np.int32)
    conversation.answer(Completion(said, np.zeros(len(said), dtype=np.float32), True, versions))
    return conversation.sequences()[0]


@torch.no_grad()
def our_logprobs(model: LoadedModel) -> torch.Tensor:
    """Of the reply's tokens, as the learner computes them."""
    logprobs: torch.Tensor = model.vlm([replied(model)], 1.0)[0]
    return logprobs


@families
def test_transformers_loads_what_is_saved(family: str, folders: dict[str, Path]) -> None:
    """Without a line of ours: its tokens, its pixels, its forward pass, and our log-probs."""
    folder = folders[family]
    auto = AutoModelForImageTextToText if family in IMAGES else AutoModelForCausalLM
    model: Any = auto.from_pretrained(folder, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    messages = MESSAGES if family in IMAGES else TEXT
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    if family == "idefics3":
        if version("transformers") < "5.18":  # its AutoProcessor needs torchvision for Idefics3
            images = Idefics3ImageProcessorPil.from_pretrained(folder)
            processor: Any = Idefics3Processor(images, tokenizer, image_seq_len=9)
        else:
            processor = AutoProcessor.from_pretrained(folder)
        inputs = processor(text=[text], images=[[FRAME]], return_tensors="pt")
    elif family not in IMAGES:
        inputs = tokenizer([text], return_tensors="pt", add_special_tokens=False)
    else:  # the whole processor needs torchvision, for videos
        text = text.replace("<|image_pad|>", "<|image_pad|>" * 9)
        inputs = Qwen2VLImageProcessorPil.from_pretrained(folder)([FRAME], return_tensors="pt")
        inputs |= tokenizer([text], return_tensors="pt", add_special_tokens=False)
    ours = replied(MODELS[family])
    said = torch.from_numpy(ours.tokens[ours.loss_mask]).long()
    tokens = torch.cat([inputs.pop("input_ids"), said[None]], dim=1)
    assert tokens[0].tolist() == ours.tokens.tolist()
    inputs["attention_mask"] = torch.ones_like(tokens)
    if family.endswith("_vl"):
        inputs["mm_token_type_ids"] = (tokens == model.config.image_token_id).int()
    with torch.no_grad():
        logits = model(input_ids=tokens, **inputs).logits[0, -len(said) - 1 : -1]
    logits[:, MODELS[family].chat.forbidden] = -torch.inf
    theirs = logits.log_softmax(-1).gather(-1, said[:, None])[:, 0]
    torch.testing.assert_close(theirs, our_logprobs(MODELS[family]), atol=1e-4, rtol=0)


@families
def test_load_model_of_a_saved_folder_equals_the_saved_model(
    family: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    model, again = MODELS[family], load_model(str(folders[family]))
    assert torch.equal(our_logprobs(again), our_logprobs(model))
    weights, loaded = model.vlm.model.state_dict(), again.vlm.model.state_dict()
    assert weights.keys() == loaded.keys()
    assert all(torch.equal(weights[name], loaded[name]) for name in weights)
    assert again.chat.forbidden == model.chat.forbidden
    assert not again.vlm.model.training
    again.save(tmp_path / "twice")
    kept = {file.name for file in folders[family].iterdir()} - {"config.json", "tokenizer_config.json"}
    kept -= {"tokenizer.json"} if family == "qwen2" else set()  # transformers reads it with the rules of Qwen2's own
    for name in kept:  # the first two say where they were read, and in which type
        assert (tmp_path / "twice" / name).read_bytes() == (folders[family] / name).read_bytes(), name


@families
def test_a_chat_needs_no_weights(family: str, folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders[family], tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors"))
    ours, theirs = MODELS[family].chat, load_chat(str(tmp_path))
    size = (84, 84) if family in IMAGES else None
    assert theirs.turn("go", size, True).tolist() == ours.turn("go", size, True).tolist()
    assert (theirs.eos, theirs.pad, theirs.forbidden) == (ours.eos, ours.pad, ours.forbidden)


def test_load_chat_reads_the_older_template_file(folders: dict[str, Path], tmp_path: Path) -> None:
    """As Qwen2.5-VL's folder on the hub has it: for the processor, beside another for the tokenizer."""
    shutil.copytree(folders["qwen2_5_vl"], tmp_path, dirs_exist_ok=True)
    usual = (tmp_path / "chat_template.jinja").read_text()
    (tmp_path / "chat_template.jinja").unlink()
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": usual.replace("helpful", "quick")}))
    model = load_model(str(tmp_path))
    assert "You are a quick assistant." in model.chat.prompt_text(model.chat.turn("go", None, True))
    model.save(tmp_path / "again")
    assert (tmp_path / "again" / "chat_template.jinja").read_text() == usual.replace("helpful", "quick")


def test_tiny_is_in_the_package() -> None:
    one, two = load_model("tiny"), load_model(str(tiny_folder()))
    assert torch.equal(our_logprobs(one), our_logprobs(two))
    assert one.vlm.model.dtype == torch.float32


def test_hub_name_without_a_network_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    said = refusal(Path("nobody/nothing"))
    assert said.startswith("'PATH' is not a folder, and cannot be loaded from the Hugging Face hub: ")


@pytest.mark.parametrize("whole", [True, False])
def test_hub_name_in_the_cache_needs_no_network(monkeypatch: pytest.MonkeyPatch, saved: Path, whole: bool) -> None:
    """The hub's cache is read first; a download that was cut is not taken for a model."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with TemporaryDirectory() as cache:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", cache)
        store = Path(cache) / "models--nobody--nothing"
        shutil.copytree(saved, store / "snapshots" / "0123456789abcdef0123456789abcdef01234567")
        (store / "refs").mkdir()
        (store / "refs" / "main").write_text("0123456789abcdef0123456789abcdef01234567")
        if whole:
            assert torch.equal(our_logprobs(load_model("nobody/nothing")), our_logprobs(MODELS["idefics3"]))
        else:
            next(store.glob("snapshots/*/model.safetensors")).unlink()
            assert refusal(Path("nobody/nothing")).endswith("some of its weights are missing or not safetensors")


def refusal(path: Path) -> str:
    with pytest.raises(ValueError) as caught:
        load_model(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(path), "PATH")


def test_load_model_of_anything_else_is_one_line(tmp_path: Path, saved: Path) -> None:
    gone = "model folder 'PATH' does not exist; give a folder that transformers can load, or 'tiny'"
    assert refusal(tmp_path / "gone") == gone
    assert refusal(saved / "config.json") == gone
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty") == "'PATH' is not a model folder: it has no config.json"


def test_load_model_of_an_unknown_family_is_one_line(tmp_path: Path) -> None:
    config = BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    BertModel(config).save_pretrained(tmp_path)
    known = "idefics3, smolvlm, qwen2_5_vl, qwen3_vl, llama, qwen2, qwen3"
    assert refusal(tmp_path) == f"'PATH' holds a model of type 'bert'; known: {known}"
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "football"}))
    assert "'PATH'" in refusal(tmp_path)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", [None, b"", b"not a model", b"[]"])
def test_load_model_of_a_damaged_folder_is_one_line(
    file: str, content: bytes | None, saved: Path, tmp_path: Path
) -> None:
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
        "'PATH' cannot be loaded as a model: 1 weights are missing, "
        "such as model.connector.modality_projection.proj.weight"
    )


def test_save_on_a_full_disk_is_one_line(tmp_path: Path) -> None:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, usual[1]))  # no file may grow over 1 MB
    try:
        with pytest.raises(OSError, match=f"^cannot save the model in {tmp_path}: .*File too large"):
            MODELS["idefics3"].save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_load_model_with_weights_of_another_shape_is_one_line(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["intermediate_size"] = 96
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert refusal(tmp_path).startswith("'PATH' cannot be loaded as a model: ")


@pytest.mark.parametrize("family", ["idefics3", "smolvlm"])
@pytest.mark.parametrize("size", [(84, 168), (60, 50), (20, 200)])
def test_a_model_that_splits_images_into_tiles(family: str, size: tuple[int, int], tmp_path: Path) -> None:
    """As SmolVLM does: our log-probs are those of transformers' own processor and forward pass."""
    MODELS["idefics3"].save(tmp_path)
    images = Idefics3ImageProcessorPil(size={"longest_edge": 168}, max_image_size={"longest_edge": 84})
    whole: Any = Idefics3Processor(images, MODELS["idefics3"].chat.tokenizer, image_seq_len=9)
    whole.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | {"model_type": family}
    config["vision_config"]["model_type"] = f"{family}_vision"
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = load_model(str(tmp_path))
    assert model.vlm.model.config.model_type == family
    frame = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    sequence = replied(model, frame)
    text = "<|im_start|>User:<image>Play football.<end_of_utterance>\nAssistant:"
    inputs = whole(text=[text], images=[[frame]], return_tensors="pt", add_special_tokens=False)
    said = torch.from_numpy(sequence.tokens[sequence.loss_mask]).long()
    tokens = torch.cat([inputs.pop("input_ids"), said[None]], dim=1)
    assert tokens[0].tolist() == sequence.tokens.tolist()
    inputs["attention_mask"] = torch.ones_like(tokens)
    with torch.no_grad():
        logits = model.vlm.model(input_ids=tokens, **inputs).logits[0, -len(said) - 1 : -1]
        ours = model.vlm([sequence], 1.0)[0]
    logits[:, model.chat.forbidden] = -torch.inf
    torch.testing.assert_close(logits.log_softmax(-1).gather(-1, said[:, None])[:, 0], ours, atol=1e-4, rtol=0)


def test_load_skeleton_has_the_shapes_of_the_model_and_no_weights() -> None:
    skeleton, whole = load_skeleton("tiny"), load_model("tiny")
    shapes = [{name: p.shape for name, p in one.vlm.named_parameters()} for one in (skeleton, whole)]
    assert shapes[0] == shapes[1]
    assert all(tensor.is_meta for tensor in (*skeleton.vlm.parameters(), *skeleton.vlm.buffers()))
    assert skeleton.chat.forbidden == whole.chat.forbidden
    with pytest.raises(ValueError, match="does not exist"):
        load_skeleton("no/such/folder")
