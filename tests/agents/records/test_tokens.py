"""Replies by token, and the likely answers of a turn."""

import math

import numpy as np
import pytest

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.chat.types import Completion, Distributions
from agents.episodes.episode import Episode, Start, Turn
from agents.models.load import load_chat
from agents.records.tokens import pieces, token_records
from envs.task.reply import Reply
from envs.task.task import Observation

ACTIONS = ["left", "right", "top", "top_left", "top_right", "shot"]


@pytest.fixture(scope="module")
def chat() -> Chat:
    return load_chat("tiny")


def played(chat: Chat, words: str, answer: str, others: dict[str, dict[str, float]]) -> Episode:
    """An episode of one turn. `others`: token of the reply → other tokens and their probabilities, as texts."""
    ids = chat.reply(words)
    logprobs = np.full(len(ids), math.log(0.5), np.float32)
    top = np.tile(ids[:, None], (1, 3))
    chances = np.full((len(ids), 3), -30.0, np.float32)
    for place, token in enumerate(ids.tolist()):
        for column, (text, chance) in enumerate(others.get(chat.text(np.array([token])), {}).items()):
            top[place, column] = chat.reply(text)[0]
            chances[place, column] = math.log(chance)
    seen = Distributions(np.arange(len(ids), dtype=np.float32) / np.float32(8), top, chances)
    talk = Conversation(chat, 0)
    talk.ask("Play.", "Play.", None)
    talk.answer(Completion(ids, logprobs, True, np.zeros(len(ids), np.int32), distributions=seen))
    reply = Reply("go", answer, (0,))
    turn = Turn(Observation(None, ""), "", words, reply, 0.0, "", len(ids), distributions=seen)
    return Episode(Start(0, 0), [turn], sequences=tuple(talk.sequences()))


def test_pieces_join_to_the_reply(chat: Chat) -> None:
    for words in ("<think>run</think><answer>right</answer>", "größer ✓ 漢字 🙂\n two  spaces", ""):
        ids = chat.reply(words).tolist()
        found = pieces(chat, ids)
        assert "".join(found) == words and len(found) == len(ids)
        assert found[-1] == ""  # the end token
        assert not any("\ufffd" in piece for piece in found)  # a character's bytes are shown with its last one


def test_a_reply_by_token(chat: Chat) -> None:
    episode = played(chat, "<think>run</think><answer>right</answer>", "right", {})
    (found,) = token_records(episode, chat, ACTIONS)
    assert found.tokens == ("<think>", "run", "</think>", "<answer>", "right", "</answer>", "")
    assert found.logprobs == (round(math.log(0.5), 4),) * 7
    assert found.entropies == (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75)
    assert found.answers == (("right", 0.25),)  # "right" and its end, each with 1/2


def test_other_answers_differ_in_any_token_of_the_answer(chat: Chat) -> None:
    """The answer 12 has two tokens: another first token is another answer, and another second one is 17."""
    words = "<think>run</think><answer>12</answer>"
    assert [chat.text(np.array([token])) for token in chat.reply(words).tolist()][4:6] == ["1", "2"]
    others = {"1": {"3": 0.25, "5": 0.03125}, "2": {"7": 0.125}, "</answer>": {"0": 0.375}}
    (found,) = token_records(played(chat, words, "12", others), chat, ["12", "17", "34", "50", "51", "120"])
    assert found.answers == (
        ("12", 0.125),  # 1/2 for each token and for the end
        ("34", 0.25),
        ("120", 0.0938),  # 3/8 in place of the end
        ("17", 0.0625),
        ("5…", 0.0312),  # 50 or 51
    )


def test_answers_with_which_no_action_begins_are_left_out(chat: Chat) -> None:
    others = {"right": {"<think>": 0.25, "run": 0.125, "left": 0.0625}}
    (found,) = token_records(played(chat, "<think>go</think><answer>right</answer>", "right", others), chat, ACTIONS)
    assert [name for name, _ in found.answers] == ["right", "left"]
    (free,) = token_records(played(chat, "<think>go</think><answer>right</answer>", "right", others), chat, [])
    assert ("run…", 0.125) in free.answers  # a free answer may begin with anything


def test_tokens_are_left_out_where_they_are_not_those_of_the_reply(chat: Chat) -> None:
    episode = played(chat, "<think>run</think><answer>right</answer>", "right", {})
    other = Turn(Observation(None, ""), "", "the teacher's", Reply("", "", ()), 0.0, "")
    episode.turns = [other]
    assert token_records(episode, chat, ACTIONS)[0].tokens == ()
    assert token_records(episode, None, ACTIONS)[0].tokens == ()
