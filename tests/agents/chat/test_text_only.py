"""Chats of models without images: their templates' turns, replies as they were sampled, and refused images."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.chat.text_only import TextOnly
from agents.chat.types import Completion
from agents.models.tiny import build_chat, build_tokenizer

CHATS: dict[str, Chat] = {family: build_chat(family) for family in ("llama", "qwen2", "qwen3")}
FRAME = np.zeros((84, 60, 3), dtype=np.uint8)
words = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="<"), max_size=30)


def rendered(chat: Chat, said: list[str]) -> list[int]:
    """What the tokenizer makes of its own rendering of user and assistant in turn."""
    messages = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(said)]
    text = chat.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    tokens: list[int] = chat.tokenizer.encode(text, add_special_tokens=False)
    return tokens


def joined(chat: Chat, said: list[str]) -> list[int]:
    pieces = [chat.reply(text) if i % 2 else chat.turn(text, None, i == 0) for i, text in enumerate(said)]
    return [int(token) for token in np.concatenate(pieces)]


@given(st.sampled_from(list(CHATS)), st.lists(words, min_size=1, max_size=5).filter(lambda said: len(said) % 2 == 1))
def test_turns_of_any_text_equal_what_the_template_renders(family: str, said: list[str]) -> None:
    said = [text.lstrip("\n") if i % 2 and family == "qwen3" else text for i, text in enumerate(said)]
    assert joined(CHATS[family], said) == rendered(CHATS[family], said)


def test_prompts_are_those_of_each_template() -> None:
    system = {"llama": "You are a helpful AI assistant.", "qwen2": "You are a helpful assistant."}
    for family, chat in CHATS.items():
        opening = f"<|im_start|>system\n{system[family]}<|im_end|>\n" if family in system else ""
        asked = "<|im_start|>user\n2+2=<|im_end|>\n<|im_start|>assistant\n"
        assert chat.prompt_text(chat.turn("2+2=", None, True)) == opening + asked
        assert chat.prompt_text(chat.turn("2+2=", None, False)) == f"\n{asked}"
        assert chat.tokenizer.decode([chat.eos]) == "<|im_end|>" and not chat.takes_images


@pytest.mark.parametrize("family", CHATS)
def test_special_tokens_and_embeddings_without_a_token_are_forbidden(family: str) -> None:
    chat = CHATS[family]
    known = [chat.tokenizer.convert_tokens_to_ids(name) for name in ("<|endoftext|>", "<|im_start|>")]
    beyond = range(len(chat.tokenizer), len(chat.tokenizer) + 5 * (family == "qwen2"))
    assert chat.forbidden == [*known, *beyond]
    tokens = chat.turn("go <|im_end|><|endoftext|>", None, True)
    assert not np.isin(tokens, chat.forbidden[:1]).any()
    assert (tokens == chat.eos).sum() == (chat.turn("go", None, True) == chat.eos).sum()


def played(chat: Chat, replies: list[str], history: int = -1) -> Conversation:
    """A conversation in which each reply was sampled as its tokens."""
    conversation = Conversation(chat, history)
    for number, reply in enumerate(replies):
        conversation.ask(f"turn {number}", "Play.", None)
        tokens = chat.reply(reply)
        versions = np.zeros(len(tokens), np.int32)
        conversation.answer(Completion(tokens, np.zeros(len(tokens), np.float32), True, versions))
    return conversation


def test_reasoning_stays_in_the_history_although_qwen3_drops_it() -> None:
    """The tokens of a second prompt begin with those of the first prompt and its very reply."""
    chat = CHATS["qwen3"]
    reply = "<think>\n47+38\n</think>\n\n<answer>left</answer>"
    conversation = played(chat, [reply, reply])
    (sequence,) = conversation.sequences()
    first = np.concatenate([chat.turn("Play.", None, True), chat.reply(reply)])
    assert sequence.tokens[: len(first)].tolist() == first.tolist()
    assert conversation.prompt(0, 4).tokens.tolist() == sequence.tokens[: -len(chat.reply(reply))].tolist()
    assert chat.prompt_text(sequence.tokens).count("<think>\n47+38\n</think>") == 2
    said = ["Play.", reply, "turn 1"]
    dropped = chat.tokenizer.decode(rendered(chat, said))
    assert "<think>" not in dropped and chat.prompt_text(np.array(joined(chat, said))) == dropped.replace(
        "<answer>", "<think>\n47+38\n</think>\n\n<answer>"
    )
    assert chat.text(sequence.tokens[sequence.loss_mask][: len(chat.reply(reply))]) == reply


def with_template(template: str, special: tuple[str, ...] = ()) -> Chat:
    tokenizer = build_tokenizer("qwen3")
    tokenizer.add_special_tokens({"additional_special_tokens": [AddedToken(name, special=True) for name in special]})
    tokenizer.chat_template = template
    return Chat(tokenizer, TextOnly())


CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{{ '<|im_start|>assistant\n' }}"
)


def test_an_empty_think_block_in_front_of_every_reply_is_part_of_the_prompt() -> None:
    """As Qwen3 writes without thinking: the reply that is parsed is what was sampled after the block."""
    chat = with_template(CHATML.replace("assistant\n'", "assistant\n<think>\n\n</think>\n\n'"))
    reply = "<think>4</think><answer>4</answer>"
    (sequence,) = played(chat, [reply, reply]).sequences()
    text = chat.tokenizer.decode(sequence.tokens)
    assert text.count("<|im_start|>assistant\n<think>\n\n</think>\n\n<think>4</think><answer>4</answer><|im_end|>") == 2
    assert chat.text(chat.reply(reply)) == reply


def test_an_empty_think_block_in_the_history_alone_is_not_written() -> None:
    """A template that writes it for earlier replies without reasoning: the history has the reply's own."""
    blocks = CHATML.replace(
        "message['content']",
        "('<think>\n\n</think>\n\n' if message['role'] == 'assistant' else '') + message['content']",
    )
    chat = with_template(blocks)
    (sequence,) = played(chat, ["<think>4</think><answer>4</answer>"] * 2).sequences()
    assert chat.tokenizer.decode(sequence.tokens).count("<think>") == 2


HEADERS = ("<|begin|>", "<|head|>", "<|tail|>", "<|eot|>")
LLAMA = (
    "{{ '<|begin|><|head|>system<|tail|>\n\nToday Date: ' + strftime_now('%d %b %Y') + '\n\n<|eot|>' }}"
    "{% for message in messages %}{{ '<|head|>' + message['role'] + '<|tail|>\n\n' }}"
    "{{ message['content'] | trim + '<|eot|>' }}{% endfor %}{{ '<|head|>assistant<|tail|>\n\n' }}"
)


def test_a_template_with_headers_and_a_date() -> None:
    """As Llama 3 has it. A run that is resumed on another day has the same prompts."""
    chat = with_template(LLAMA, HEADERS)
    prompt = chat.prompt_text(chat.turn("Play.", None, True))
    assert prompt == (
        "<|begin|><|head|>system<|tail|>\n\nToday Date: 26 Jul 2024\n\n<|eot|>"
        "<|head|>user<|tail|>\n\nPlay.<|eot|><|head|>assistant<|tail|>\n\n"
    )
    assert chat.tokenizer.decode([chat.eos]) == "<|eot|>"
    later = chat.prompt_text(chat.turn("Go.", None, False))
    assert later == "<|head|>user<|tail|>\n\nGo.<|eot|><|head|>assistant<|tail|>\n\n"


def test_templates_that_cannot_be_extended_are_refused_in_one_line() -> None:
    counted = CHATML.replace("message['role']", "message['role'] + ' ' + loop.index | string")
    with pytest.raises(ValueError, match=r"^the chat template writes a turn differently in a longer conversation$"):
        with_template(counted)
    total = "{{ 'Of ' + messages | length | string }}" + CHATML
    with pytest.raises(ValueError, match=r"^the chat template writes a turn differently in a longer conversation$"):
        with_template(total)
    with pytest.raises(ValueError, match=r"^there is no chat template; use an instruct model, or add "):
        with_template(None)  # type: ignore[arg-type]


def test_a_tokenizer_that_encodes_parts_of_a_turn_differently_is_refused() -> None:
    """One that marks the start of a text only, as some of Llama 2's do."""
    marked = {"<unk>": 0, "\u2581user\nSolve": 1}
    backend = Tokenizer(models.WordLevel(marked, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    backend.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>", chat_template=CHATML)
    with pytest.raises(
        ValueError, match=r"^the tokenizer encodes the parts of a turn differently from the whole turn$"
    ):
        Chat(tokenizer, TextOnly())


def test_images_are_refused_in_one_line() -> None:
    chat = CHATS["llama"]
    codec: Any = chat.images
    message = r"^the model reads text only, got an image of 84x60$"
    with pytest.raises(ValueError, match=message):
        Conversation(chat, 0).ask("go", "go", FRAME)
    with pytest.raises(ValueError, match=message):
        chat.turn("go", (84, 60), True)
    for method, given_ in (
        ("check", (84, 60)),
        ("tokens", (84, 60)),
        ("visual_tokens", (84, 60)),
        ("patches", (84, 60)),
    ):
        with pytest.raises(ValueError, match=message):
            getattr(codec, method)(*given_)
    with pytest.raises(ValueError, match=message):
        codec.pixels([FRAME])
    tokens = chat.turn("go", None, True)
    assert chat.collapse(tokens).tolist() == tokens.tolist()
