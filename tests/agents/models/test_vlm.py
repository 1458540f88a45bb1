"""One packed pass gives what transformers' own model gives for each sequence alone, in every family."""

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from agents.chat.conversation import Conversation
from agents.chat.types import Completion, TokenSequence
from agents.models.load import LoadedModel, wrap
from agents.models.tiny import build

IMAGES = ["idefics3", "qwen2_5_vl", "qwen3_vl"]
FAMILIES = [*IMAGES, "llama", "qwen2", "qwen3"]
SIZES = [(84, 84), (56, 140), (112, 28)]  # of frames, where the family takes any


@lru_cache
def loaded(family: str) -> LoadedModel:
    return wrap(*build(3, family))


@lru_cache
def plain(family: str) -> Any:
    """The same weights in transformers' own hands."""
    return build(3, family)[0]


def frame(seed: int, size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def sequences(family: str) -> list[TokenSequence]:
    """Two turns each: without images, with one, with two of unlike sizes, with one that others show too.

    A text model's have no images.
    """
    model, rng = loaded(family), np.random.default_rng(5)
    played = []
    for game in range(7):
        conversation = Conversation(model.chat, -1)
        for turn in range(2):
            size = SIZES[(game + turn) % 3] if family != "idefics3" else SIZES[0]
            shown = [None, frame(1, SIZES[0]), frame(10 * game + turn, size)][(game + turn * (game > 2)) % 3]
            shown = shown if family in IMAGES else None
            conversation.ask("go " * game, f"Play. {'go ' * (game % 4)}", shown)
            tokens = rng.integers(0, 200, rng.integers(1, 9)).astype(np.int32)
            count = len(tokens)
            conversation.answer(Completion(tokens, np.zeros(count, np.float32), False, np.zeros(count, np.int32)))
        played += conversation.sequences()
    return played


def alone(family: str, sequence: TokenSequence, temperature: float) -> tuple[Tensor, Tensor]:
    """Log-probs and entropy of one sequence by transformers' own forward pass and the plain formula."""
    chat, model = loaded(family).chat, plain(family)
    tokens = torch.from_numpy(sequence.tokens.astype(np.int64))
    inputs: dict[str, Tensor] = {}
    if sequence.images:
        inputs = chat.images.pixels(sequence.images)
        if family == "idefics3":
            inputs["pixel_values"] = inputs["pixel_values"].transpose(0, 1)  # [1, images, 3, H, W]
    if family.endswith("_vl"):
        inputs["mm_token_type_ids"] = (tokens == chat.image_token).int()[None]
    logits = model(input_ids=tokens[None], use_cache=False, **inputs).logits[0].float()
    logits[:, chat.forbidden] = float("-inf")
    distribution = torch.log_softmax(logits / temperature, -1)
    trained = torch.from_numpy(np.flatnonzero(sequence.loss_mask))
    chosen = distribution[trained - 1]
    entropy = -(chosen.exp() * chosen.clamp(min=-1e9)).sum(-1)
    return chosen.gather(-1, tokens[trained, None])[:, 0], entropy


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_logprobs_equal_those_of_each_sequence_alone(family: str) -> None:
    played = sequences(family)
    assert {len(sequence.images) for sequence in played} == ({0, 1, 2} if family in IMAGES else {0})
    with torch.no_grad():
        expected = [alone(family, sequence, 0.7) for sequence in played]
        logprobs, entropy = loaded(family).vlm(played, 0.7)
    assert len(logprobs) == sum(int(sequence.loss_mask.sum()) for sequence in played)
    torch.testing.assert_close(logprobs, torch.cat([part[0] for part in expected]), atol=1e-5, rtol=0)
    torch.testing.assert_close(entropy, torch.cat([part[1] for part in expected]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_gradients_equal_those_of_each_sequence_alone(family: str) -> None:
    played, packed, other = sequences(family), loaded(family).vlm, plain(family)
    names, parameters = zip(*packed.model.named_parameters(), strict=True)
    got = torch.autograd.grad(packed(played, 1.0)[0].sum(), parameters, allow_unused=True)
    total = torch.stack([alone(family, sequence, 1.0)[0].sum() for sequence in played]).sum()
    expected = torch.autograd.grad(total, list(other.parameters()), allow_unused=True)
    largest = max(float(gradient.abs().max()) for gradient in expected if gradient is not None)
    for name, ours, theirs in zip(names, got, expected, strict=True):
        assert (ours is None) == (theirs is None), name
        if ours is not None and theirs is not None:
            torch.testing.assert_close(ours, theirs, atol=1e-5 * largest, rtol=1e-4, msg=name)


@pytest.mark.parametrize("family", IMAGES)
def test_packed_logprobs_without_images_equal_those_of_each_sequence_alone(family: str) -> None:
    played = [sequence for sequence in sequences(family) if not sequence.images]
    with torch.no_grad():
        logprobs, _ = loaded(family).vlm(played, 1.0)
        expected = torch.cat([alone(family, sequence, 1.0)[0] for sequence in played])
    torch.testing.assert_close(logprobs, expected, atol=1e-5, rtol=0)


def test_a_frame_is_seen_once_however_often_it_is_shown() -> None:
    vlm = loaded("qwen3_vl").vlm
    played = [sequence for sequence in sequences("qwen3_vl") if sequence.images]
    packed = vlm.pack([*played, *played])
    distinct = {
        name: image for sequence in played for name, image in zip(sequence.image_ids, sequence.images, strict=True)
    }
    assert len(distinct) < sum(len(sequence.images) for sequence in played)
    seen: list[int] = []
    hook = vlm.model.model.visual.patch_embed.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    vlm.pack([*played, *played])
    hook.remove()
    assert seen == [sum(vlm.chat.images.patches(*image.shape[:2]) for image in distinct.values())]
    assert packed.features is not None
    assert len(packed.features.tokens) == len(packed.placeholders)


def test_images_that_do_not_fit_their_placeholders_are_refused() -> None:
    sequence = next(sequence for sequence in sequences("qwen2_5_vl") if len(sequence.images) == 2)
    wrong = TokenSequence(**{**sequence.__dict__, "images": sequence.images[:1], "image_ids": sequence.image_ids[:1]})
    with pytest.raises(ValueError, match=r"1 images have .* visual tokens, but .* placeholders"):
        loaded("qwen2_5_vl").vlm([wrong], 1.0)


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3"])
def test_layers_are_found_through_lora(family: str) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    from agents.models import families

    model = wrap(*build(3, family))
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"])
    inject_adapter_in_model(config, model.vlm.model)
    played = sequences(family)
    with torch.no_grad():
        torch.testing.assert_close(model.vlm(played, 1.0)[0], loaded(family).vlm(played, 1.0)[0])
    assert len(families.layers(model.vlm.model)) == model.vlm.model.config.get_text_config().num_hidden_layers
    inside = {id(module) for part in families.vision(model.vlm.model) for module in part.modules()}
    assert all(id(layer) in inside for layer in families.vision_layers(model.vlm.model))
    assert any("lora_A" in name for name, _ in families.layers(model.vlm.model)[0].named_parameters())


@pytest.mark.parametrize("family", ["qwen3_vl", "qwen2"])
def test_checkpointed_layers_give_the_same_gradients(family: str) -> None:
    from torch.utils.checkpoint import checkpoint

    from agents.models import families

    played = sequences(family)
    model = wrap(*build(3, family)).vlm
    parameters = list(model.model.parameters())
    expected = torch.autograd.grad(model(played, 1.0)[0].sum(), parameters, allow_unused=True)
    for layer in families.layers(model.model):
        forward = layer.forward
        layer.forward = lambda *args, forward=forward, **kw: checkpoint(forward, *args, use_reentrant=False, **kw)
    got = torch.autograd.grad(model(played, 1.0)[0].sum(), parameters, allow_unused=True)
    for ours, theirs in zip(got, expected, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("family", FAMILIES)
def test_half_precision_is_close_to_float32(family: str) -> None:
    played = sequences(family)
    half = wrap(build(3, family)[0].bfloat16(), build(3, family)[1]).vlm
    with torch.no_grad():
        low, entropy = half(played, 1.0)
        high, _ = loaded(family).vlm(played, 1.0)
    assert low.dtype == entropy.dtype == torch.float32
    assert float((low - high).abs().mean()) < 0.05
