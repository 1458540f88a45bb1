"""A frame's tokens, cost and pixels are what the family's own processor makes of it, whatever its size."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Idefics3Processor

from agents.chat.images import Idefics3Images, QwenImages, check_pixels
from agents.models.load import image_processor, make_chat
from agents.models.tiny import build_config, build_processor, build_tokenizer

sides = st.integers(1, 300)
QWEN = ("qwen2_5_vl", "qwen3_vl")


def frame(h: int, w: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)


def tiled(longest: int = 112, tile: int = 28, split: bool = True) -> tuple[Idefics3Images, Any]:
    """A small SmolVLM's images, and the real processor of that family."""
    tokenizer = build_tokenizer()
    images = image_processor("idefics3")(
        size={"longest_edge": longest}, max_image_size={"longest_edge": tile}, do_image_splitting=split
    )
    whole: Any = Idefics3Processor(images, tokenizer, image_seq_len=(tile // 14 // 2) ** 2)
    return Idefics3Images(images, tokenizer, build_config(tokenizer)), whole


def qwen(family: str, **limits: int) -> QwenImages:
    processor = build_processor(family)
    processor.images.size.update(limits) if isinstance(processor.images.size, dict) else None
    images = make_chat(build_config(processor.tokenizer, family), processor).images
    assert isinstance(images, QwenImages)
    return images


TILED, SPLITTING = tiled()
WHOLE, SHRINKING = tiled(split=False)
UNEVEN, UNEVEN_PROCESSOR = tiled(longest=100)


def test_check_pixels_refuses_an_image_above_the_limit() -> None:
    image = frame(448, 672)
    check_pixels([image], 0)
    check_pixels([image], 448 * 672)
    with pytest.raises(
        ValueError, match=r"^an image of 448x672 pixels exceeds engine.vllm.max_pixels=200704; raise it"
    ):
        check_pixels([image[:1], image], 448 * 448)


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.sampled_from([(TILED, SPLITTING), (WHOLE, SHRINKING), (UNEVEN, UNEVEN_PROCESSOR)]))
def test_tiles_equal_those_of_the_processor(h: int, w: int, family: tuple[Idefics3Images, Any]) -> None:
    images, processor = family
    arguments = {"add_special_tokens": False, "input_data_format": "channels_last", "return_tensors": "np"}
    given = processor(text=["<image>"], images=[[frame(h, w)]], **arguments)
    tokens = images.tokens(h, w)
    assert tokens.tolist() == given["input_ids"][0].tolist()
    assert (tokens == images.image_token).sum() == images.visual_tokens(h, w)
    pixels = images.pixels([frame(h, w)])["pixel_values"]
    np.testing.assert_array_equal(pixels[:, 0], given["pixel_values"][0])
    assert images.patches(h, w) == len(pixels) * (28 // 14) ** 2


def test_tiles_of_several_frames_follow_each_other() -> None:
    frames = [frame(50, 90, 1), frame(28, 28, 2), frame(90, 50, 3)]
    one_by_one = [TILED.pixels([one])["pixel_values"] for one in frames]
    together = TILED.pixels(frames)["pixel_values"]
    assert [len(pixels) for pixels in one_by_one] == [TILED.tiles(*one.shape[:2]) for one in frames] == [13, 17, 13]
    np.testing.assert_array_equal(together, np.concatenate(one_by_one))


def test_check_of_a_single_size_model_refuses_other_sizes() -> None:
    processor = build_processor()
    images = make_chat(build_config(processor.tokenizer), processor).images
    frames = [frame(84, 84, seed) for seed in range(3)]
    expected = processor.images([[one] for one in frames], return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(images.pixels(frames)["pixel_values"], expected, atol=1e-6)
    assert (images.visual_tokens(84, 84), images.patches(84, 84)) == (9, 36)
    for wrong in ((84, 83), (168, 168), (1, 1)):
        with pytest.raises(ValueError) as caught:
            images.fit(frame(*wrong))
        size = f"{wrong[0]}x{wrong[1]}"
        assert str(caught.value) == f"the model needs images of 84x84, got {size}; write env.image_size=[84,84]"


@pytest.mark.parametrize("family", QWEN)
def test_qwen_pixels_equal_those_of_the_processor(family: str) -> None:
    images = qwen(family)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(1, 400), st.integers(1, 400))
    def check(h: int, w: int) -> None:
        if max(h, w) > 200 * min(h, w):
            with pytest.raises(ValueError, match=f"does not accept images of {h}x{w}"):
                images.check(h, w)
            return
        shown = frame(h, w)
        expected = images.images([shown], input_data_format="channels_last", return_tensors="np")
        given = images.pixels([shown])
        np.testing.assert_allclose(given["pixel_values"], expected["pixel_values"], atol=1e-5)
        assert given["image_grid_thw"].tolist() == expected["image_grid_thw"].tolist()
        assert images.patches(h, w) == len(expected["pixel_values"]) == 4 * images.visual_tokens(h, w)
        tokens = images.tokens(h, w)
        assert (tokens == images.image_token).sum() == images.visual_tokens(h, w) == len(tokens) - 2
        fitted = images.fit(shown)  # what vLLM is given: nothing is left to be resized
        assert images.size(*fitted.shape[:2]) == fitted.shape[:2] == images.size(h, w)
        np.testing.assert_array_equal(images.pixels([fitted])["pixel_values"], given["pixel_values"])

    check()


@pytest.mark.parametrize("family", QWEN)
def test_qwen_pixels_of_frames_of_several_sizes_are_joined(family: str) -> None:
    images = qwen(family)
    frames = [frame(84, 84, 1), frame(84, 84, 2), frame(60, 140, 3), frame(84, 84, 4)]
    expected, given = images.images(frames, return_tensors="np"), images.pixels(frames)
    np.testing.assert_allclose(given["pixel_values"], expected["pixel_values"], atol=1e-5)
    assert given["image_grid_thw"].tolist() == expected["image_grid_thw"].tolist()


def test_qwen_sizes_are_whole_visual_tokens_within_limits() -> None:
    """Whole visual tokens (28 or 32 pixels), and not more than 64 of them for the tiny ones."""
    old, new = qwen("qwen2_5_vl"), qwen("qwen3_vl")
    assert (old.size(84, 84), new.size(84, 84)) == ((84, 84), (96, 96))
    assert (old.visual_tokens(84, 84), new.visual_tokens(84, 84)) == (9, 9)
    assert (old.size(1000, 1000), new.size(1000, 1000)) == ((224, 224), (256, 256))
    assert old.size(3, 3) == (28, 28)
    shown = frame(84, 84)
    assert old.fit(shown) is shown and new.fit(shown).shape == (96, 96, 3)


@pytest.mark.parametrize("images", [TILED, WHOLE, qwen("qwen2_5_vl")])
def test_spans_find_every_image(images: Any) -> None:
    text = np.array([1, 2, 3], dtype=np.int32)
    sizes = [(30, 90), (28, 28), (50, 50)]
    pieces, expected, past = [text], [], 3
    for size in sizes:
        picture = images.tokens(*size)
        expected.append((past, past + len(picture)))
        past += len(picture) + 3
        pieces += [picture, text]
    assert images.spans(np.concatenate(pieces)) == expected
    assert images.spans(text) == []
