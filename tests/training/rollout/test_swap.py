"""Swapped demonstrations: another turn's reply after a turn's own context, without learning its transcript."""

import numpy as np
import pytest

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.chat.types import TokenSequence
from agents.models.tiny import build_chat
from agents.policies.demonstrations import completion
from training.rollout.swap import after_transcript, same_prompt, swapped


@pytest.fixture(scope="module")
def chat() -> Chat:
    return build_chat()


def turn(chat: Chat, text: str, reply: str, shade: int) -> TokenSequence:
    conversation = Conversation(chat, history=0)
    conversation.ask(text, text, np.full((84, 84, 3), shade, np.uint8))
    conversation.answer(completion(chat, reply))
    return conversation.last_sequence()


@pytest.mark.parametrize(
    ("reply", "learned"),
    [
        ("<think>3+5=1-2=6</think><answer>6</answer>", "=1=6</think><answer>6</answer>"),
        ("<think>-@/$.:left up</think><answer>left</answer>", ":left up</think><answer>left</answer>"),
        ("<think>3+5</think><answer>1</answer>", "</think><answer>1</answer>"),
        ("<think></think><answer>1</answer>", "</think><answer>1</answer>"),
    ],
)
def test_only_work_and_answer_are_learned(chat: Chat, reply: str, learned: str) -> None:
    tokens = chat.reply(reply)
    mask = after_transcript(tokens, chat)
    assert chat.text(tokens[mask]) == learned
    assert mask[-1]  # the end token


def test_swapped_joins_a_context_with_another_reply(chat: Chat) -> None:
    one = turn(chat, "Solve", "<think>1+1=2</think><answer>2</answer>", 10)
    other = turn(chat, "Solve", "<think>3+5=1</think><answer>1</answer>", 200)
    joined = swapped(one, other, chat)
    sequence = joined.sequence
    start = int(np.flatnonzero(one.loss_mask)[0])
    assert sequence.tokens[:start].tolist() == one.tokens[:start].tolist()
    assert chat.text(sequence.tokens[start:]) == "<think>3+5=1</think><answer>1</answer>"
    assert chat.text(sequence.tokens[sequence.loss_mask]) == "=1</think><answer>1</answer>"
    assert (joined.advantages == sequence.loss_mask).all()
    assert sequence.image_ids == one.image_ids != other.image_ids
    assert len({len(part) for part in (sequence.tokens, sequence.turn, sequence.policy_version)}) == 1


def test_only_turns_with_the_same_text_are_swapped(chat: Chat) -> None:
    hearts = turn(chat, "How many hearts?", "<think>heart 2</think><answer>2</answer>", 10)
    stars = turn(chat, "How many stars?", "<think>heart 2</think><answer>0</answer>", 10)
    other = turn(chat, "How many hearts?", "<think>heart 3 star 1</think><answer>3</answer>", 200)
    assert same_prompt(hearts, other) and not same_prompt(hearts, stars)
