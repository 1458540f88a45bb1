"""reasoning-gym's tasks: the same everywhere, right answers right and wrong ones wrong, nothing run as code."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from envs.questions.worker import OverTime
from envs.reasoning import env as gym
from envs.reasoning.env import DEFAULT_TASKS, ReasoningEnv, _worker, task_names
from envs.reasoning.items import EXACT, FORMS, is_sound
from envs.task.splits import TEST_FIRST, VALIDATION_FIRST

MIX = [name for names in DEFAULT_TASKS.values() for name in names]


def play(env: ReasoningEnv, seed: int) -> tuple[str, str]:
    question, info = env.reset(seed=seed)
    assert info["text"] == question and info["score"] == 0 and not info["success"]
    return question, env.expert_action()


@pytest.mark.slow
@pytest.mark.parametrize("task", MIX)
def test_every_default_task_is_asked_and_scored(task: str) -> None:
    env, again = ReasoningEnv([task]), ReasoningEnv({task: 2})
    seen = set()
    for seed in range(3):
        question, answer = play(env, seed)
        assert env.reset()[0] != question or task in ("aiw",)  # goes on from the seed
        assert play(env, seed) == (question, answer) == play(again, seed)
        assert env.observation_space.contains(question) and env.action_space.contains(answer)
        assert len(question) < 3000 and 0 < len(answer) < 150
        assert env.step(f" {answer}\n")[1:4] == (1.0, True, False)
        assert env.step(answer)[4] | {"kind": task, "score": 1.0, "success": True} == env.step(answer)[4]
        for wrong in (
            "no idea",
            "",
            f"not {answer}",
            f"{answer} or 12345",
            f"{answer} or {answer}",
            "(" * 50,
            "9" * 20_000,
        ):
            _, reward, terminated, _, info = env.step(wrong)
            assert (reward, terminated, info["success"]) == (0.0, True, False) and 0 <= info["score"] < 1, wrong
        seen.add(question)
    assert len(seen) == 3


@pytest.mark.slow
@pytest.mark.parametrize("difficulty", [0.0, 0.5, 1.0])
def test_every_default_task_has_difficulty_levels(difficulty: float) -> None:
    for task in MIX:
        env = ReasoningEnv([task], difficulty=difficulty)
        question, answer = play(env, 7)
        assert env.step(answer)[1] == 1.0
        assert len(question) < gym.LONGEST_QUESTION and len(answer) < gym.LONGEST_ANSWER


@pytest.mark.slow
def test_difficulty_changes_what_is_asked() -> None:
    lengths = [
        sum(len(play(ReasoningEnv(["chain_sum"], difficulty), seed)[0]) for seed in range(20))
        for difficulty in (0.0, 0.5, 1.0)
    ]
    assert lengths[0] < lengths[1] < lengths[2]


@pytest.mark.slow
def test_weights_decide_how_often_a_task_comes() -> None:
    env = ReasoningEnv({"gcd": 3, "lcm": 1})
    env.reset(seed=0)
    drawn = [env.reset()[1]["kind"] for _ in range(400)]
    assert set(drawn) == {"gcd", "lcm"}
    assert 260 <= drawn.count("gcd") <= 340  # 300 expected, standard deviation 8.7
    mix = ReasoningEnv().tasks
    for names in DEFAULT_TASKS.values():  # each kind weighs the same
        assert sum(mix[name] for name in names) == pytest.approx(1)


def test_item_of_a_known_seed_stays_the_same() -> None:
    """Fails when another version of reasoning-gym, or of ours, asks other questions under the same seed."""
    env = ReasoningEnv(["chain_sum"])
    assert play(env, 0) == (KNOWN_QUESTION, KNOWN_ANSWER)


KNOWN_QUESTION = "State the final answer to the following arithmetic problem: 661 + 416 ="
KNOWN_ANSWER = "1077"


def test_splits_never_share_a_question() -> None:
    env = ReasoningEnv(["coin_flip", "n_queens"], difficulty=0.0)  # about 150 distinct questions
    asked = [
        {env.reset(seed=first + number)[0] for number in range(150)} for first in (0, VALIDATION_FIRST, TEST_FIRST)
    ]
    assert not asked[0] & asked[1] and not asked[0] & asked[2] and not asked[1] & asked[2]
    assert play(env, TEST_FIRST) == play(env, TEST_FIRST)


def test_all_tasks_are_known_and_some_have_no_expert() -> None:
    assert len(task_names()) == 105 and {*MIX, *FORMS, *EXACT} <= set(task_names())
    env = ReasoningEnv(["rush_hour"])
    env.reset(seed=0)
    with pytest.raises(ValueError, match="rush_hour has no reference answer"):
        env.expert_action()


@pytest.mark.parametrize("task", sorted({*FORMS, *EXACT}))
def test_no_scorer_runs_the_players_text(task: str, tmp_path: Path) -> None:
    env = ReasoningEnv([task])
    env.reset(seed=0)
    for code in (
        f"__import__('pathlib').Path('{tmp_path}/was_run').touch()",
        f"[__import__('pathlib').Path('{tmp_path}/was_run').touch()]",
        "().__class__.__bases__[0].__subclasses__()",
        "x.func",
        "9**9**9",
        "exit()",
    ):
        assert env.step(code)[1] == 0.0
    assert not (tmp_path / "was_run").exists()


def test_a_fraction_may_be_written_in_its_own_way() -> None:
    env = ReasoningEnv(["fraction_simplification"])
    env.reset(seed=0)
    over, under = re.findall("[0-9]+", env.expert_action())
    for right in (f"{over}/{under}", rf"$\frac{{{over}}}{{{under}}}$", rf"\dfrac{{{over}}}{{{under}}}"):
        assert env.step(right)[1] == 1.0, right
    for wrong in (f"{2 * int(over)}/{2 * int(under)}", f"{under}/{over}", f"{over}/{under} or 1/2"):
        assert env.step(wrong)[1] == 0.0, wrong


def test_puzzle24_takes_only_the_numbers_it_gave() -> None:
    env = ReasoningEnv(["puzzle24"])
    env.reset(seed=0)
    assert env.step(env.expert_action())[1] == 1.0
    assert env.step("6*4*1*1")[1] == 0.0
    assert env.step(f"({env.expert_action()})")[1] == 1.0  # scored, not compared


@pytest.mark.slow
def test_a_scorer_that_hangs_is_a_wrong_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    env = ReasoningEnv(["gcd"])
    env.reset(seed=0)
    answer = env.expert_action()
    monkeypatch.setattr(gym, "SCORE_SECONDS", 0.0)
    assert env.step(answer)[1] == 0.0  # no time at all
    monkeypatch.undo()
    assert env.step(answer)[1] == 1.0
    with pytest.raises(OverTime):
        _worker.ask(["item", "sokoban", 0.0, 1], 0.5)  # goes on for ever


@pytest.mark.slow
def test_the_items_do_not_depend_on_the_hash_seed_of_the_process() -> None:
    program = (
        "from envs.reasoning.env import ReasoningEnv\n"
        "env = ReasoningEnv(['polynomial_multiplication'])\n"
        "print([env.reset(seed=seed)[1]['text'] for seed in range(4)])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "123"
    }
    assert len(said) == 1


@pytest.mark.parametrize(
    ("kwargs", "problem"),
    [
        ({"tasks": ["gdc"]}, "unknown reasoning-gym task 'gdc'; did you mean 'gcd'?"),
        ({"tasks": []}, "tasks must be names, or names with weights"),
        ({"tasks": "gcd"}, "tasks must be names, or names with weights, got 'gcd'"),
        ({"tasks": {"gcd": 0}}, "the weight of gcd must be a number above 0, got 0"),
        ({"tasks": {"gcd": True}}, "the weight of gcd must be a number above 0, got True"),
        ({"difficulty": 1.5}, "difficulty must be from 0 to 1, or None, got 1.5"),
    ],
)
def test_wrong_arguments_are_one_line(kwargs: dict, problem: str) -> None:
    with pytest.raises(ValueError) as error:
        ReasoningEnv(**kwargs)
    assert problem in str(error.value)


@pytest.mark.slow
def test_family_items_with_a_wrong_reference_answer_are_dropped() -> None:
    """reasoning-gym expects "mother-in-law" for the daughter-in-law in 31 of these 200 items, first with seed 2."""
    items = [_worker.ask(["item", "family_relationships", None, seed], 20) for seed in range(200)]
    assert not any(item["answer"].endswith("-in-law") for item in items)
    assert "What is Rain to Olivia?" not in items[2]["question"]
    assert len({item["question"] for item in items}) == 200
    assert _worker.ask(["score", "family_relationships", None, 2, items[2]["answer"]], 20) == 1
    dataset = SimpleNamespace(config=SimpleNamespace(male_names=["James"]))
    for person, answer, sound in (
        ("James", "nephew", True),
        ("James", "niece", False),
        ("Mary", "nephew", False),
        ("Mary", "niece", True),
        ("Mary", "aunt", True),
        ("James", "father-in-law", False),
    ):
        entry = {"answer": answer, "metadata": {"person1": person}}
        assert is_sound("family_relationships", dataset, entry) == sound
        assert is_sound("gcd", dataset, entry)


def test_arithmetic_items_with_a_rounded_division_are_dropped() -> None:
    """reasoning-gym divides with `//`: it expects 532 for 542 + -9 + -438 / 648038, which is not a whole number."""
    assert "953 * -340" not in _worker.ask(["item", "basic_arithmetic", None, 116], 20)["question"]
    for expression, answer, sound in (
        ("6 / 4 + 1", "2", False),
        ("-(6 / 3) - -1 * 2", "0", True),
        ("7 / 2", "3", False),
    ):
        entry = {"answer": answer, "metadata": {"expression": expression}}
        assert is_sound("basic_arithmetic", None, entry) == sound
