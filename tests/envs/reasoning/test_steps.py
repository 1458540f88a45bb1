"""Steps of reasoning-gym items: values by hand, and every step true."""

import pytest

from envs.reasoning.env import ReasoningEnv
from envs.reasoning.items import EXPLAINED
from envs.reasoning.steps import STEPS, backward, calculation, coins, letters


@pytest.mark.parametrize(
    ("expression", "answer", "steps"),
    [
        ("5 - -4", "9", "5--4=9"),
        ("2 + 3 * 4", "14", "3*4=12 2+12=14"),
        ("8 - 3 + 1", "6", "8-3=5 5+1=6"),
        ("-( 2 - -7 )", "-9", "2--7=9 -(9)=-9"),
        ("-( -( 608 / 76 ) ) / 8", "1", "608/76=8 8/8=1"),
        ("7 / 2 * 4", "14", "7/2=7/2 7/2*4=14"),
        ("12 * 34", "408", "12*30=360 12*4=48 360+48=408"),
        ("12 * -30", "-360", "12*-30=-360"),
        ("12 * -34", "-408", "12*-30=-360 12*-4=-48 -360-48=-408"),
        ("( 5 )", "5", "(5)=5"),
    ],
)
def test_calculations_by_hand(expression: str, answer: str, steps: str) -> None:
    assert calculation({"expression": expression, "answer": answer}) == steps


def test_other_steps_by_hand() -> None:
    assert letters({"target_letter": "i", "span": ["Is", "this", "a", "trip"]}) == "1+1+0+1=3"
    flips = {"num_trials": 3, "k_heads": 2}
    assert coins(flips | {"problem_type": "exact", "answer": "0.375"}) == "3/8=0.375"
    assert coins(flips | {"problem_type": "at_least", "answer": "0.5"}) == "3+1=4 4/8=0.5"
    assert backward({"word": "sun"}) == "s u n=n u s"


def test_tasks_with_steps_include_their_metadata() -> None:
    assert set(STEPS) == EXPLAINED


@pytest.mark.parametrize("difficulty", [0.0, None])
def test_every_step_is_true_and_the_last_gives_the_answer(difficulty: float | None) -> None:
    env = ReasoningEnv(list(STEPS), difficulty)
    for seed in range(60):
        env.reset(seed=seed)
        steps, answer = env.expert_thought("work"), env.expert_action()
        assert env.expert_thought() == ""  # the usual form has no steps
        if env.question.kind == "spell_backward":
            assert steps.split("=")[1].replace(" ", "") == answer
            continue
        for step in steps.split():
            left, right = step.split("=")
            assert eval(left) == pytest.approx(eval(right)), steps
        assert steps.rsplit("=", 1)[1] == answer


def test_work_needs_steps_of_all_tasks() -> None:
    env = ReasoningEnv(["chain_sum", "gcd"])
    env.reset(seed=0)
    assert env.expert_thought() == ""
    for form in ("work", "transcript"):
        with pytest.raises(KeyError, match=form):
            env.expert_thought(form)
