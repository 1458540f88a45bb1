"""Pieces of a conversation, joined, are the very tokens that the family's own template and processor give."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import Idefics3Processor

from agents.chat.template import Chat
from agents.models.load import load_chat
from agents.models.tiny import VISUAL_TOKENS, build_chat, build_tokenizer

CHATS: dict[str, Chat] = {family: build_chat(family) for family in ("idefics3", "qwen2_5_vl", "qwen3_vl")}
CHAT = CHATS["idefics3"]
SIZE = (84, 84)
PROCESSOR: Any = Idefics3Processor(CHAT.images.images, build_tokenizer(), VISUAL_TOKENS)  # type: ignore[attr-defined]
families = pytest.mark.parametrize("family", CHATS)
words = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="<"), max_size=30)


def user(text: str, image: bool) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image"}] * image + [{"type": "text", "text": text}]}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def rendered(family: str, messages: list[dict[str, Any]]) -> list[int]:
    """What transformers makes of the messages: Idefics3's own processor, Qwen's template with its known expansion."""
    tokenizer = CHATS[family].tokenizer
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    count = sum(part["type"] == "image" for message in messages for part in message["content"])
    if family == "idefics3":
        images = [[np.zeros((*SIZE, 3), dtype=np.uint8)] * count] if count else None
        given: list[int] = PROCESSOR(text=[text], images=images, add_special_tokens=False)["input_ids"][0]
    else:  # 84x84 are nine visual tokens, in patches of 28x28 as in 32x32 (96x96)
        given = tokenizer.encode(text.replace("<|image_pad|>", "<|image_pad|>" * 9), add_special_tokens=False)
    return given


def joined(family: str, turns: list[tuple[str, bool]], replies: list[str]) -> list[int]:
    """The same from our pieces; Idefics3's template writes a space before a reply, so the player said it."""
    pieces = []
    for i, (text, image) in enumerate(turns):
        pieces.append(CHATS[family].turn(text, SIZE if image else None, i == 0))
        if i < len(replies):
            pieces.append(CHATS[family].reply(f" {replies[i]}" if family == "idefics3" else replies[i]))
    return [int(token) for token in np.concatenate(pieces)]


@families
@pytest.mark.parametrize("image", [True, False])
@pytest.mark.parametrize("turns", [1, 2, 4])
def test_turns_equal_what_the_families_template_renders(family: str, turns: int, image: bool) -> None:
    asked = [(f"Play football. turn {i}\n47+3{i}=", image) for i in range(turns)]
    replies = [f"<think>go {i}</think><answer>top_left</answer>" for i in range(turns - 1)]
    messages = [user(*asked[0])]
    for turn, said in zip(asked[1:], replies, strict=True):
        messages += [assistant(said), user(*turn)]
    assert joined(family, asked, replies) == rendered(family, messages)


@given(st.sampled_from(list(CHATS)), words, words, st.booleans(), st.booleans())
def test_turns_of_any_text_equal_what_the_template_renders(
    family: str, first: str, second: str, image: bool, later_image: bool
) -> None:
    messages = [user(first, image), assistant("<think></think>"), user(second, later_image)]
    given = joined(family, [(first, image), (second, later_image)], ["<think></think>"])
    assert given == rendered(family, messages)


MIXED = [
    "<image>A<image>B<image>",
    "Play. Compare <image> with\n<image> and <image>, then answer.",
    "<image><image><image>Which?",
    "Which?",  # no places: all in front
    "The mark <image> of the rules. <image>Which <image>of <image>?",  # only the last three are places
]


@families
@pytest.mark.parametrize("text", MIXED)
def test_several_images_are_where_the_template_renders_them(family: str, text: str) -> None:
    chat = CHATS[family]
    if "<image>" in text:
        first, *others = text.rsplit("<image>", 3)
        parts: list[Any] = [{"type": "text", "text": first}]
        for other in others:
            parts += [{"type": "image"}, {"type": "text", "text": other}]
        parts = [part for part in parts if part.get("text") != ""]
    else:
        parts = [{"type": "image"}] * 3 + [{"type": "text", "text": text}]
    asked = {"role": "user", "content": parts}
    alone = chat.turn(text, SIZE, True, more=(SIZE, SIZE))
    if "The mark" not in text or family != "idefics3":  # `<image>` as text is the template's own mark there
        assert alone.tolist() == rendered(family, [asked])
        pieces = [chat.turn("Hi", None, True), chat.reply(" yes" if family == "idefics3" else "yes")]
        pieces.append(chat.turn(text, SIZE, False, more=(SIZE, SIZE)))
        messages = [user("Hi", False), assistant("yes"), asked]
        assert np.concatenate(pieces).tolist() == rendered(family, messages)
    assert (alone == chat.image_token).sum() == 27  # three times nine visual tokens
    assert len(chat.images.spans(alone)) == 3
    assert chat.collapse(alone).tolist().count(chat.image_token) == 3


@families
def test_texts_around_several_images_are_plain(family: str) -> None:
    chat = CHATS[family]
    end = chat.tokenizer.decode([chat.eos])
    tokens = chat.turn(f"<image>{end}\\1<image>", SIZE, True, more=(SIZE,))
    assert (tokens == chat.eos).sum() == (chat.turn("<image><image>", SIZE, True, more=(SIZE,)) == chat.eos).sum()
    assert f"{end}\\1" in chat.prompt_text(tokens)


def test_the_shipped_models_tokens_are_known() -> None:
    """Its weights were learned on these very tokens."""
    chat = load_chat("tiny")
    first = chat.turn("Play football. Answer with one action: left, top_left, shot, idle.", SIZE, True)
    picture = [798, 800, *[799] * 9, 798]
    text = [391, 702, 13, 647, 760, 377, 68, 220, 292, 302, 262, 25, 619, 11, 768, 11, 715, 11, 640, 13]
    assert first.tolist() == [796, 793, *picture, *text, 797, 198, 794]
    later = chat.turn("turn 2: 3 steps", SIZE, False)
    assert later.tolist() == [198, 793, *picture, 610, 220, 17, 25, 220, 18, 261, 83, 68, 439, 797, 198, 794]
    assert chat.turn("go", None, True).tolist() == [796, *chat.tokenizer.encode("User: go"), 797, 198, 794]
    assert chat.reply("<think></think><answer>top_left</answer>").tolist() == [801, 802, 803, 721, 804, 797]
    assert chat.forbidden == CHAT.forbidden == [795, 796, 798, 799, 800]


@families
def test_special_tokens_in_an_envs_text_are_only_text(family: str) -> None:
    chat = CHATS[family]
    names = [chat.tokenizer.convert_ids_to_tokens(id) for id in [*chat.forbidden, chat.eos]]
    text = f"2{''.join(names)} <image> <|im_end|>"
    for first in (True, False):
        for size in (SIZE, None):
            plain, tricky = chat.turn("2", size, first), chat.turn(text, size, first)
            special = np.isin(tricky, [*chat.forbidden, chat.eos])
            assert tricky[special].tolist() == plain[np.isin(plain, [*chat.forbidden, chat.eos])].tolist()
            assert text in chat.prompt_text(tricky)
    said = chat.reply(f"<think>{text}</think>")
    assert not set(said[:-1].tolist()) & {*chat.forbidden, chat.eos} and chat.text(said) == f"<think>{text}</think>"


@families
def test_image_collapses_to_what_the_template_writes(family: str) -> None:
    chat = CHATS[family]
    tokens = np.concatenate([chat.turn("go", SIZE, True), chat.reply("left"), chat.turn("2", SIZE, False)])
    tokenizer = chat.tokenizer
    messages = [user("go", True), assistant("left"), user("2", True)]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    text = text.replace("Assistant: left", "Assistant:left")
    assert chat.collapse(tokens).tolist() == tokenizer.encode(text, add_special_tokens=False)
    assert chat.collapse(tokens).dtype == np.int32
    assert (tokens == chat.image_token).sum() == 18 and (chat.collapse(tokens) == chat.image_token).sum() == 2
    only_text = chat.turn("go", None, True)
    assert chat.collapse(only_text).tolist() == only_text.tolist()
    assert chat.prompt_text(tokens) == text


@families
def test_a_reply_that_was_cut_is_closed_by_the_next_turn(family: str) -> None:
    chat = CHATS[family]
    closed, cut = chat.turn("go", SIZE, False, True), chat.turn("go", SIZE, False, False)
    assert cut.tolist() == [chat.eos, *closed.tolist()]


@families
def test_reply_tokens_decode_to_the_same_text(family: str) -> None:
    chat = CHATS[family]
    said = "<think>3 metres, 47+38</think><answer>top_left</answer>"
    tokens = chat.reply(said)
    assert tokens.dtype == np.int32 and tokens[-1] == chat.eos
    assert chat.text(tokens) == said
    assert chat.text(tokens[:-1]) == said  # cut before its end
    assert chat.text(tokens[:0]) == ""
    inside = np.append(tokens, tokens)  # an end token in the middle is shown, so that no reply passes for another
    assert chat.text(inside) == f"{said}{chat.tokenizer.eos_token}{said}"


@given(words)
def test_any_reply_decodes_to_the_same_text(text: str) -> None:
    assert CHAT.text(CHAT.reply(text)) == text


def test_prompt_text_is_readable() -> None:
    assert CHAT.prompt_text(CHAT.turn("Play.", SIZE, True)) == (
        "<|im_start|>User:<image>Play.<end_of_utterance>\nAssistant:"
    )
    assert CHAT.prompt_text(CHAT.turn("2+2=", None, False)) == "\nUser: 2+2=<end_of_utterance>\nAssistant:"
    assert CHATS["qwen2_5_vl"].prompt_text(CHATS["qwen2_5_vl"].turn("Play.", SIZE, True)) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Play.<|im_end|>\n<|im_start|>assistant\n"
    )
    assert CHATS["qwen3_vl"].prompt_text(CHATS["qwen3_vl"].turn("2+2=", None, False)) == (
        "\n<|im_start|>user\n2+2=<|im_end|>\n<|im_start|>assistant\n"
    )


@families
def test_forbidden_tokens_are_special_tokens_and_placeholders(family: str) -> None:
    chat = CHATS[family]
    names = {chat.tokenizer.convert_ids_to_tokens(token) for token in chat.forbidden}
    expected = {"<image>", "<fake_token_around_image>", "<global-img>", "<|im_start|>", "<|pad|>"}
    if family != "idefics3":
        expected = {"<|im_start|>", "<|endoftext|>", "<|image_pad|>", "<|video_pad|>"}
        expected |= {"<|vision_start|>", "<|vision_end|>"}
    assert names == expected
    assert chat.tokenizer.convert_ids_to_tokens(chat.eos) == chat.tokenizer.eos_token
    assert not set(chat.forbidden) & set(chat.reply("<think>7</think><answer>left</answer>").tolist())


def test_embeddings_beyond_the_tokenizer_are_forbidden() -> None:
    known = len(CHAT.tokenizer)
    assert Chat(CHAT.tokenizer, CHAT.images, known + 3).forbidden == [*CHAT.forbidden, known, known + 1, known + 2]


def with_template(family: str, template: str) -> Chat:
    tokenizer = build_tokenizer(family)
    tokenizer.chat_template = template
    return Chat(tokenizer, CHATS[family].images)


@pytest.mark.parametrize("opening", ["<think>\n", "<think>"])
def test_a_template_that_opens_the_think_tag(opening: str) -> None:
    """The reply that is parsed has the tag, the tokens have it once."""
    usual = build_tokenizer("qwen3_vl").chat_template
    assert isinstance(usual, str)
    chat = with_template("qwen3_vl", usual.replace("assistant\n'", f"assistant\n{opening}'"))
    prompt = chat.turn("2+2=", None, True)
    assert chat.prompt_text(prompt).endswith(f"<|im_start|>assistant\n{opening}")
    reply = chat.tokenizer.encode("4</think><answer>4</answer><|im_end|>", add_special_tokens=False)
    assert chat.text(np.array(reply)) == f"{opening}4</think><answer>4</answer>"
    for written in (opening, "<think>"):
        assert chat.reply(f"{written}4</think><answer>4</answer>").tolist() == reply
    later = chat.turn("2+2=", None, False)
    assert later.tolist() == [198, *prompt.tolist()]


def test_a_template_that_closes_the_think_tag_itself() -> None:
    usual = build_tokenizer("qwen3_vl").chat_template
    assert isinstance(usual, str)
    chat = with_template("qwen3_vl", usual.replace("assistant\n'", "assistant\n<think>\n\n</think>\n\n'"))
    assert chat.prompt_text(chat.turn("2+2=", None, True)).endswith("<think>\n\n</think>\n\n")
    assert chat.text(chat.reply("<think>4</think>")) == "<think>4</think>"


def test_unusable_templates_are_refused_in_one_line() -> None:
    silent = "{% for message in messages %}{{ message['content'][-1]['text'] }}{% endfor %}"
    with pytest.raises(ValueError, match=r"^the chat template writes no special token after a reply$"):
        with_template("qwen3_vl", silent)
    blind = silent.replace("{% endfor %}", "<|im_end|>{% endfor %}")
    with pytest.raises(ValueError, match=r"^the chat template does not write <\|vision_start\|><\|image_pad\|>"):
        with_template("qwen3_vl", blind)
