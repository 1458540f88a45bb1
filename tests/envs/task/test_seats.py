"""Settings of tasks with seats."""

from dataclasses import replace

import pytest

from envs.task.config import TaskConfig, load_task
from envs.task.task import Task

TICTACTOE = load_task("tictactoe")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seats": []}, "needs the names of its seats"),
        ({"seats": ["one", "one"]}, "at least two different names"),
        ({"seat_text": {"crss": "x"}}, "unknown seat_text 'crss'; did you mean 'cross'?"),
        ({"actions_per_reply": 2}, "actions_per_reply=1"),
        ({"on_invalid": "skip"}, "on_invalid=end"),
        ({"opponent": "idle"}, "opponent must be random, expert or expert:P"),
        ({"id": "FrozenLake-v1"}, "seats need a PettingZoo environment"),
        ({"expert": "nothing"}, "expert must be an import path"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_one_line(changes: dict, line: str) -> None:
    with pytest.raises(ValueError, match=line) as caught:
        replace(TICTACTOE, **changes)
    assert "\n" not in str(caught.value)


def test_settings_of_matches_need_seats() -> None:
    with pytest.raises(ValueError, match="reward=result needs a match"):
        TaskConfig(id="FrozenLake-v1", actions=["a"], reward="result")
    with pytest.raises(ValueError, match="reply_seconds limits the replies in a match"):
        TaskConfig(id="FrozenLake-v1", actions=["a"], reply_seconds=1.0)


@pytest.mark.parametrize(("name", "answers"), [("tictactoe", "123456789"), ("connect_four", "1234567")])
def test_answers_are_single_tokens_of_the_tiny_model_in_reading_order(name: str, answers: str) -> None:
    from agents.models.load import load_chat

    chat = load_chat("tiny")
    assert sorted(load_task(name).actions) == sorted(answers)
    for answer in answers:
        assert len(chat.reply(f"<think></think><answer>{answer}</answer>")) == 6


def test_square_of_an_answer_is_where_the_picture_shows_it() -> None:
    task = Task("tictactoe", TICTACTOE)
    for answer in range(1, 10):
        env, other = task.make_seats()
        env.unwrapped.match.reset(0)  # type: ignore[attr-defined]
        before = task.observe(env, *env.reset(seed=0))
        reply = task.parse(f"<think></think><answer>{answer}</answer>")
        env.unwrapped.match.choose("cross", reply.actions[0])  # type: ignore[attr-defined]
        after = task.observe(other, *other.reset(seed=0))
        assert before.image is not None and after.image is not None
        changed = (before.image != after.image).any(axis=2)
        thirds = changed.reshape(3, 28, 3, 28).sum(axis=(1, 3))
        assert int(thirds.argmax()) == answer - 1
        assert after.text == "Play circle" and before.text == "Play cross"


def test_text_of_the_board_fits_the_picture() -> None:
    task = Task("tictactoe", TICTACTOE)
    env, other = task.make_seats()
    env.unwrapped.match.reset(0)  # type: ignore[attr-defined]
    env.unwrapped.match.choose("cross", task.parse("<think></think><answer>3</answer>").actions[0])  # type: ignore[attr-defined]
    assert other.reset(seed=0)[1]["text"] == "..o\n...\n..."


def test_illegal_action_is_an_invalid_reply_with_a_reason() -> None:
    task = Task("tictactoe", TICTACTOE)
    env = task.make()
    env.reset(seed=0)
    reply = task.parse("<think></think><answer>5</answer>")
    assert task.legal(env, reply) is reply
    env.step(reply.actions[0])
    illegal = task.legal(env, reply)
    assert (illegal.valid, illegal.problem) == (False, "5 is not legal now")
