"""Pieces of a conversation, joined, are the very tokens that the family's own template and processor give."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.models import LoadedModel, wrap
from agents.tiny import build
from agents.vlm import frames_to_pixels

MODEL: LoadedModel = wrap(*build(seed=3))
CHAT = MODEL.chat
words = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="<"), max_size=30)


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (84, 84, 3), dtype=np.uint8)


def user(text: str, image: bool) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image"}] * image + [{"type": "text", "text": text}]}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def processed(messages: list[dict[str, Any]]) -> Any:
    """What transformers makes of the messages."""
    text = MODEL.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    images = [frame(i) for i in range(sum(part["type"] == "image" for m in messages for part in m["content"]))]
    return MODEL.processor(text=[text], images=[images] if images else None, add_special_tokens=False)


def joined(turns: list[tuple[str, bool]], replies: list[str]) -> list[int]:
    """The same from our pieces; the template writes a space before a reply, so the player said it."""
    pieces = []
    for i, (text, image) in enumerate(turns):
        pieces.append(CHAT.turn(text, image, i == 0))
        if i < len(replies):
            pieces.append(CHAT.reply(f" {replies[i]}"))
    return [int(token) for token in np.concatenate(pieces)]


@pytest.mark.parametrize("image", [True, False])
@pytest.mark.parametrize("turns", [1, 2, 4])
def test_pieces_are_what_the_processor_gives(turns: int, image: bool) -> None:
    asked = [(f"Play football. turn {i}\n47+3{i}=", image) for i in range(turns)]
    replies = [f"<think>go {i}</think><answer>top_left</answer>" for i in range(turns - 1)]
    messages = [user(*asked[0])]
    for turn, said in zip(asked[1:], replies, strict=True):
        messages += [assistant(said), user(*turn)]
    assert joined(asked, replies) == list(processed(messages)["input_ids"][0])


@settings(max_examples=30)
@given(words, words, st.booleans(), st.booleans())
def test_whatever_the_words(first: str, second: str, image: bool, later_image: bool) -> None:
    messages = [user(first, image), assistant("<think></think>"), user(second, later_image)]
    assert joined([(first, image), (second, later_image)], ["<think></think>"]) == processed(messages)["input_ids"][0]


def test_a_picture_is_nine_placeholders_and_its_pixels_are_the_processors() -> None:
    prompt = CHAT.turn("go", True, True)
    assert (prompt == CHAT.image_token).sum() == CHAT.visual_tokens == 9
    assert (CHAT.turn("go", False, True) == CHAT.image_token).sum() == 0
    pixels = processed([user("go", True)])["pixel_values"][0]
    np.testing.assert_allclose(frames_to_pixels([frame(0)], torch.device("cpu"))[0], pixels, atol=1e-6)


def test_a_reply_that_was_cut_is_closed_by_the_next_turn() -> None:
    closed, cut = CHAT.turn("go", True, False, True), CHAT.turn("go", True, False, False)
    assert cut.tolist() == [CHAT.eos, *closed.tolist()]


def test_replies_come_back_as_words() -> None:
    said = "<think>3 metres, 47+38</think><answer>top_left</answer>"
    tokens = CHAT.reply(said)
    assert tokens.dtype == np.int32 and tokens[-1] == CHAT.eos
    assert CHAT.text(tokens) == said
    assert CHAT.text(tokens[:-1]) == said  # cut before its end
    assert CHAT.text(tokens[:0]) == ""
    inside = np.append(tokens, tokens)  # an end token in the middle is shown, so that no reply passes for another
    assert CHAT.text(inside) == f"{said}<end_of_utterance>{said}"


@given(words)
def test_any_reply_comes_back(text: str) -> None:
    assert CHAT.text(CHAT.reply(text)) == text


def test_prompts_are_legible() -> None:
    assert CHAT.prompt_text(CHAT.turn("Play.", True, True)) == (
        "<|im_start|>User:<image>Play.<end_of_utterance>\nAssistant:"
    )
    assert CHAT.prompt_text(CHAT.turn("2+2=", False, False)) == "\nUser: 2+2=<end_of_utterance>\nAssistant:"


def test_what_a_player_must_never_say() -> None:
    names = {CHAT.tokenizer.convert_ids_to_tokens(token) for token in CHAT.forbidden}
    assert names >= {"<image>", "<fake_token_around_image>", "<|im_start|>", "<|pad|>"}
    assert CHAT.eos not in CHAT.forbidden
    assert not set(CHAT.forbidden) & set(CHAT.reply("<think>7</think><answer>left</answer>").tolist())
