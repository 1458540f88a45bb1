"""The embedded model: built from a seed, small, with a vocabulary that fits the game."""

import hashlib
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agents.models.load import tiny_folder
from agents.models.tiny import (
    IMAGE_SIZE,
    QWEN_SPECIAL,
    SPECIAL,
    TAGS,
    VISUAL_TOKENS,
    build,
    build_processor,
    build_tokenizer,
)
from training.config.compose import load

TOKENIZER = build_tokenizer()


def weights(seed: int) -> dict[str, torch.Tensor]:
    return dict(build(seed)[0].state_dict())


def test_the_same_seed_gives_the_same_weights() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = weights(5)
    assert torch.equal(torch.get_rng_state(), before)  # the caller's generator is left alone
    torch.manual_seed(2)
    two = weights(5)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    other = weights(6)
    assert not torch.equal(one["lm_head.weight"], other["lm_head.weight"])


def test_models_of_each_family_are_tiny() -> None:
    model, processor = build()
    count = sum(parameter.numel() for parameter in model.parameters())
    assert 0.9e6 < count < 1.3e6
    assert model.lm_head.weight is model.model.text_model.embed_tokens.weight  # tied: counted and saved once
    assert model.lm_head.weight.shape == (len(processor.tokenizer), 128)
    assert (IMAGE_SIZE, VISUAL_TOKENS) == (84, 9)
    # The start decides whether a model of this size learns: std 0.08, not transformers' 0.02.
    assert 0.075 < model.model.text_model.layers[0].self_attn.q_proj.weight.std().item() < 0.085


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_qwen_models_are_as_small(family: str) -> None:
    one, processor = build(seed=5, family=family)
    two = build(seed=5, family=family)[0].state_dict()
    assert all(torch.equal(weight, two[name]) for name, weight in one.state_dict().items())
    assert one.config.model_type == family
    assert 0.9e6 < sum(parameter.numel() for parameter in one.parameters()) < 1.4e6
    assert one.lm_head.weight is one.model.language_model.embed_tokens.weight
    assert len(processor.tokenizer) == len(build_processor().tokenizer) + len(QWEN_SPECIAL) - len(SPECIAL)
    spread = one.model.language_model.layers[0].self_attn.q_proj.weight.std().item()
    assert 0.075 < spread < 0.085 and 0.07 < one.model.visual.blocks[0].attn.qkv.weight.std().item() < 0.09
    for name in QWEN_SPECIAL:
        assert len(processor.tokenizer.encode(name, add_special_tokens=False)) == 1


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def test_the_shipped_files_are_small_and_hold_no_code() -> None:
    assert size(tiny_folder()) < 10e6
    assert {file.suffix for file in tiny_folder().iterdir()} <= {".json", ".jinja", ".safetensors"}


def test_the_shipped_tokenizer_is_the_one_that_is_built(tmp_path: Path) -> None:
    build_processor().save(tmp_path)
    for name in ("tokenizer.json", "chat_template.jinja", "processor_config.json"):
        digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for folder in (tmp_path, tiny_folder())]
        assert digests[0] == digests[1], name


def ids(text: str) -> list[int]:
    encoded: list[int] = TOKENIZER.encode(text, add_special_tokens=False)
    return encoded


@pytest.mark.parametrize("word", [*SPECIAL, *TAGS, *"0123456789", *load([]).tasks["football"].actions])
def test_format_tags_and_actions_are_one_token_each(word: str) -> None:
    assert len(ids(word)) == 1
    assert TOKENIZER.decode(ids(word)) == word


def test_replies_are_short() -> None:
    assert len(ids("<think></think><answer>top_right</answer>")) == 5
    assert [TOKENIZER.decode([token]) for token in ids("47+38=85")] == list("47+38=85")


@given(st.text().filter(lambda text: not any(word in text for word in SPECIAL)))
def test_any_text_decodes_to_itself(text: str) -> None:
    decoded = TOKENIZER.decode(ids(text), skip_special_tokens=False, clean_up_tokenization_spaces=False)
    assert decoded == text
