"""Twins: answers against an independent calculation, splits by content, pictures, and a partial teacher."""

import re
from typing import Any

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import envs
from envs.task.transcript import accuracy, without_work
from envs.twins.env import TwinsEnv

assert envs  # registers the ids
TEST = 2**30 + 2**29


def made(**kwargs: Any) -> TwinsEnv:
    env = gymnasium.make("kickoff/Twins-v0", **kwargs).unwrapped
    assert isinstance(env, TwinsEnv)
    return env


def shown(env: TwinsEnv, seed: int) -> str:
    return str(env.reset(seed=seed)[1]["text"])


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_answer_of_a_chain_equals_python_modulo_seven(steps: int) -> None:
    env = made(steps=steps)
    for seed in range(200):
        text = shown(env, seed)
        assert re.fullmatch(rf"[0-6]([+-][0-6]){{{steps}}}", text)
        assert env.expert_action() == str(eval(text) % 7)
        assert env.step(env.expert_action())[1] == 1.0


def test_answer_of_a_path_equals_a_walk_on_the_torus() -> None:
    env = made(kind="path", steps=6)
    moves = {"R": (0, 1), "L": (0, -1), "D": (1, 0), "U": (-1, 0)}
    for seed in range(200):
        text = shown(env, seed)
        start, arrows = text[0], text[1:]
        place = np.array(divmod(int(start), 3)) + np.sum([moves[arrow] for arrow in arrows], axis=0)
        row, column = place % 3
        assert env.expert_action() == str(3 * row + column)


def test_answer_of_a_majority_is_the_only_most_frequent_digit() -> None:
    env = made(kind="majority")
    answers = []
    for seed in range(300):
        text = shown(env, seed)
        counts = sorted((text.count(digit), digit) for digit in "123")
        assert len(text) == 9 and counts[-1][0] > counts[-2][0]
        assert env.expert_action() == counts[-1][1]
        answers.append(env.expert_action())
    assert min(answers.count(digit) for digit in "123") > 70  # a third each


def test_letters_follow_a_latin_square_for_each_sign() -> None:
    env = made(kind="letters", steps=1)
    table: dict[tuple[str, str, str], str] = {}
    for seed in range(2000):
        for first in (0, 2**30, TEST):
            left, sign, right = list(shown(env, first + seed))
            table[left, sign, right] = env.expert_action()
    assert len(table) == 98  # all facts occur, over the splits
    for sign in "*/":
        for one in "abcdefg":
            assert len({table[one, sign, other] for other in "abcdefg"}) == 7
            assert len({table[other, sign, one] for other in "abcdefg"}) == 7


def test_no_symbol_alone_tells_the_answer_of_a_chain() -> None:
    """Given any one operand, every answer is equally likely over all items."""
    items = [(a, s, b, t, c) for a in range(7) for s in (1, -1) for b in range(7) for t in (1, -1) for c in range(7)]
    for place in (0, 2, 4):
        for value in range(7):
            answers = [(i[0] + i[1] * i[2] + i[3] * i[4]) % 7 for i in items if i[place] == value]
            assert {answers.count(answer) for answer in range(7)} == {len(answers) // 7}


@pytest.mark.parametrize("kwargs", [{}, {"kind": "path", "steps": 4}, {"kind": "majority"}, {"kind": "letters"}])
def test_splits_share_no_item(kwargs: dict[str, Any]) -> None:
    env = made(**kwargs)
    train, validation, test = ({shown(env, first + i) for i in range(1500)} for first in (0, 2**30, TEST))
    assert not train & validation and not train & test and not validation & test
    assert min(map(len, (train, validation, test))) > 80


def test_seed_selects_item_and_picture() -> None:
    env = made()
    one, other = env.reset(seed=5), env.reset(seed=5)
    assert one[1] == other[1] and np.array_equal(one[0]["image"], other[0]["image"])
    again = {shown(env, 5), *(str(env.reset()[1]["text"]) for _ in range(20))}
    assert len(again) > 15  # resets without a seed continue


def test_items_limits_training_and_not_the_held_out_splits() -> None:
    few, more = made(items=12), made(items=30)
    trained = {shown(few, seed) for seed in range(300)}
    assert len(trained) == 12 and trained < {shown(more, seed) for seed in range(900)}
    assert len({shown(few, TEST + seed) for seed in range(300)}) > 100


@pytest.mark.parametrize("kind", ["chain", "path", "majority", "letters"])
def test_work_contains_the_whole_transcript(kind: str) -> None:
    env = made(kind=kind, steps=3)
    for seed in range(50):
        truth = shown(env, seed)
        assert env.expert_thought("transcript") == truth
        assert accuracy(env.expert_thought("work"), truth) == 1.0
        assert "".join(without_work(env.expert_thought("work")).split()) == truth
        assert env.expert_thought("word") == kind


def test_work_of_an_item_by_hand() -> None:
    env = made()
    seed = next(seed for seed in range(10_000) if shown(env, seed) == "5+6+4")
    env.reset(seed=seed)
    assert (env.expert_thought("work"), env.expert_action()) == ("5+6=4+4=1", "1")


def test_dialect_shares_no_token_with_the_digits() -> None:
    env, plain = made(dialect=True), made()
    for seed in range(50):
        env.reset(seed=seed)
        plain.reset(seed=seed)
        work = env.expert_thought("work")
        assert re.fullmatch(r"[A-G]([pm][A-G]=[A-G]){2}", work)
        back = str.maketrans("ABCDEFGpm", "0123456+-")
        assert work.translate(back) == plain.expert_thought("work")
        assert env.step(env.expert_action())[1] == 1.0
        plain.reset(seed=seed)
        assert env.picture().tobytes() == plain.picture().tobytes()


def test_teacher_with_half_of_the_facts_is_right_about_three_times_in_eight() -> None:
    env = made(knows=0.5)
    right = []
    for seed in range(2000):
        truth = eval(shown(env, seed)) % 7
        right.append(env.expert_action() == str(truth))
    assert 0.28 < np.mean(right) < 0.48  # two facts at about 0.52 each, and one guess in seven
    assert all(made(knows=1).reset(seed=seed)[1]["text"] == shown(env, seed) for seed in range(20))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(0, 1))
def test_picture_has_ink_near_the_cell_of_every_symbol(seed: int, difficulty: float) -> None:
    env = made(difficulty=0.3 * difficulty)
    truth = shown(env, seed)
    picture = env.picture()
    assert picture.shape == (84, 84, 3) and picture.dtype == np.uint8
    dark = picture.mean(axis=2) < 128
    for cell in range(9):
        row, column = divmod(cell, 3)
        inside = dark[28 * row + 7 : 28 * row + 21, 28 * column + 7 : 28 * column + 21].any()
        assert inside == (cell < len(truth))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"kind": "chian"}, "unknown kind 'chian'; did you mean 'chain'?"),
        ({"steps": 5}, "steps must be from 1 to 4 for kind chain, got 5"),
        ({"kind": "path", "steps": 9}, "steps must be from 1 to 8 for kind path, got 9"),
        ({"difficulty": 1.5}, "difficulty must be from 0 to 1, got 1.5"),
        ({"knows": -1}, "knows must be from 0 to 1, got -1"),
        ({"items": 0}, "items must be a number from 1, or None, got 0"),
        ({"kind": "path", "knows": 0.5}, "knows must be 1 for kind path, which has no table of facts, got 0.5"),
        ({"kind": "path", "dialect": True}, "dialect needs kind chain, got path"),
    ],
)
def test_wrong_arguments_are_refused_with_one_line(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        TwinsEnv(**kwargs)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_more_items_than_exist_are_refused() -> None:
    env = TwinsEnv(steps=1, items=500)
    with pytest.raises(ValueError, match=r"^items must be at most about \d+ for kind chain with 1 steps, got 500$"):
        env.reset(seed=0)
