"""Texts and images are found in the observations of any server, or named by their paths."""

from typing import Any

import numpy as np
import pytest

from envs.openenv.reading import LONGEST_TEXT, images_of, lookup, text_of
from envs.openenv.session import ServerError
from tests.envs.openenv.server_fixture import base64_of, picture

ONE, TWO = picture(seed=1), picture(seed=2)
PNG, OTHER = base64_of(ONE), base64_of(TWO)


def url(data: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        ({"text": "a", "message": "b"}, "a"),
        ({"text": "", "message": "b"}, "b"),
        ({"echoed_message": "hi", "length": 2, "metadata": {"x": 1}, "done": False}, "echoed_message: hi\nlength: 2"),
        ({"position": [0, 1], "legal_actions": [2]}, "position: [0, 1]\nlegal_actions: [2]"),
        ({"messages": [{"role": "user", "content": "a"}, {"content": [{"type": "text", "text": "b"}]}]}, "a\nb"),
        ({"messages": [], "prompt": "p"}, "p"),
        ({"prompt": "p", "image": PNG}, "p"),
        ({"image": PNG, "score": 3}, "score: 3"),
        ({"screen": [0] * 12, "screen_shape": [2, 2, 3], "lives": 1}, "screen_shape: [2, 2, 3]\nlives: 1"),
        ({"text": "a \ud800"}, "a ?"),
        ({}, ""),
    ],
)
def test_the_text_is_found_by_its_name_or_is_everything_else(observation: dict[str, Any], expected: str) -> None:
    assert text_of(observation) == expected


def test_texts_are_named_by_their_paths() -> None:
    observation = {"text": "a", "prompt": "p", "messages": [{"content": "m"}], "n": 3}
    assert text_of(observation, ["prompt", "messages.0.content"]) == "p\nm"
    assert text_of(observation, ["none"]) == text_of(observation, ["missing"]) == ""
    assert len(text_of({"text": "x" * (LONGEST_TEXT + 5)})) == LONGEST_TEXT
    assert lookup(observation, "messages.1.content") is lookup(observation, "text.a") is None


@pytest.mark.parametrize(
    "observation",
    [
        {"image": PNG},
        {"image": f"data:image/png;base64,{PNG}"},
        {"image": {"type": "image", "mime": "image/png", "data": PNG}, "content": [{"type": "text", "text": "a"}]},
        {"content": [url(PNG), {"type": "text", "text": "a"}], "image": PNG},
        {"content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}]},
        {"content": [{"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}]},
        {"messages": [{"content": [url(PNG)]}]},
        {"deep": {"view": {"camera": PNG}}},
        {"screenshot": ONE.tolist()},
        {"screen": ONE.ravel().tolist(), "screen_shape": list(ONE.shape)},
        {"anything": np.dstack([ONE, np.zeros(ONE.shape[:2], np.uint8)]).tolist()},
        {"first": "no image", "second": PNG, "third": OTHER},
    ],
)
def test_an_image_is_found_in_every_form(observation: dict[str, Any]) -> None:
    (found,) = images_of(observation)
    assert found.dtype == np.uint8 and np.array_equal(found, ONE)


def test_several_images_keep_their_order() -> None:
    found = images_of({"image": PNG, "content": [url(OTHER), {"type": "text", "text": "and"}, url(PNG)]})
    assert len(found) == 2 and np.array_equal(found[0], TWO) and np.array_equal(found[1], ONE)


@pytest.mark.parametrize(
    "observation",
    [
        {"text": "iVBORw0KGgo is how a PNG file begins in base64, and this is a sentence"},
        {"board": [[0, 1], [1, 0]]},
        {"board": [[[0, 1, 2]] * 8] * 8},
        {"grid": [[0.5] * 20] * 20, "ram": [1] * 128, "ram_shape": [128]},
        {"image": None, "images": []},
        {"image": "https://example.org/a.png"},
    ],
)
def test_what_is_no_image_is_not_taken_for_one(observation: dict[str, Any]) -> None:
    assert images_of(observation) == []


def test_a_named_field_may_be_small_grey_or_second() -> None:
    grey = [[0, 255], [9, 1]]
    (found,) = images_of({"image": PNG, "board": grey}, "board")
    assert np.array_equal(found, np.repeat(np.array(grey, np.uint8)[..., None], 3, axis=2))
    (found,) = images_of({"image": PNG, "views": [{"data": OTHER}]}, "views.0.data")
    assert np.array_equal(found, TWO)


@pytest.mark.parametrize(
    ("observation", "field", "problem"),
    [
        ({"image": PNG[:100]}, "", "a broken image: the image is broken: "),
        ({"image": "data:image/png;base64,?"}, "", "a broken image: not valid base64"),
        ({"image": "data:image/png;base64,aGVsbG8="}, "", "a broken image: the image format is none of PNG"),
        ({"screen": [1, 2, 3], "screen_shape": [2, 2, 3]}, "", "a broken image: cannot reshape"),
        ({"screen": [[[300] * 3] * 16] * 16}, "", "a broken image: an image must be uint8 from 0 to 255"),
        ({"screen": [[[0] * 3] * 16] * 16 + [[1]]}, "", "a broken image: "),
        ({"image": PNG}, "screen", "no image in the field 'screen' (env.kwargs.image_field)"),
    ],
)
def test_a_broken_image_is_one_line(observation: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(ServerError) as raised:
        images_of(observation, field)
    assert str(raised.value).startswith(problem) and "\n" not in str(raised.value)
