"""Transcripts in a reply's thinking: work is left out, and every symbol is compared with the truth."""

import gymnasium
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.episodes.task_check import check_task
from configs.errors import UserError
from envs.reasoning.arithmetic import column_addition
from envs.task.config import TaskConfig
from envs.task.task import Task
from envs.task.transcript import accuracy, units, without_work


@pytest.mark.parametrize(
    ("thinking", "transcript"),
    [
        ("3+5=1-2=6", "3+5-2"),
        ("7 L=6 R=7", "7 L R"),
        ("2 3 w8: up 4 3", "2 3 w8"),
        ("231 =111 321 =222", "231  321 "),
        ("", ""),
    ],
)
def test_without_work_leaves_the_transcript(thinking: str, transcript: str) -> None:
    assert without_work(thinking) == transcript


@pytest.mark.parametrize(
    ("thinking", "truth", "expected"),
    [
        ("3+5=1-2=6", "3+5-2", 1.0),
        ("3+4=0-2=5", "3+5-2", 0.8),
        ("3+5", "3+5-2", 0.6),
        ("3+5-2-2", "3+5-2", 5 / 7),
        ("7 L=6 R=7", "7LR", 1.0),
        ("2 13 w8: up", "2 13 w8", 1.0),
        ("2 31 w8: up", "2 13 w8", 2 / 3),
        ("", "3+5-2", 0.0),
        ("", "", 0.0),
    ],
)
def test_accuracy_counts_right_units(thinking: str, truth: str, expected: float) -> None:
    assert accuracy(thinking, truth) == pytest.approx(expected)


def test_units_pair_what_was_stated_with_the_truth() -> None:
    assert units("3+4=0-2", "3+5-2") == [("3", "3"), ("+", "+"), ("4", "5"), ("-", "-"), ("2", "2")]
    assert units("40 :180-40=140", "40 65") == [("40", "40"), ("", "65")]
    assert units("40 65 9", "40 65") == [("40", "40"), ("65", "65"), ("9", "")]


@given(st.text("0123456789+-", min_size=1, max_size=12), st.data())
def test_accuracy_is_one_for_the_truth_with_any_work_and_less_for_another_symbol(
    truth: str, data: st.DataObject
) -> None:
    assert accuracy(f"{truth}=4", truth) == 1.0
    place = data.draw(st.integers(0, len(truth) - 1))
    other = data.draw(st.sampled_from("0123456789+-").filter(lambda symbol: symbol != truth[place]))
    assert accuracy(truth[:place] + other + truth[place + 1 :], truth) == pytest.approx(1 - 1 / len(truth))


def task(**settings: object) -> Task:
    return Task("sums", TaskConfig(**({"id": "kickoff/Arithmetic-v0", "image": False, "caption": True} | settings)))  # type: ignore[arg-type]


def test_task_without_transcripts_has_no_accuracy() -> None:
    assert task(think="word").transcript(gymnasium.make("kickoff/Twins-v0")) is None


def test_task_gives_the_transcript_of_the_current_state() -> None:
    twins = Task("twins", TaskConfig(id="kickoff/Twins-v0", think="work"))
    env = twins.make()
    truth = str(env.reset(seed=1)[1]["text"])
    assert twins.transcript(env) == truth


def test_task_whose_expert_writes_no_transcript_says_so() -> None:
    sums = task(think="transcript")
    env = sums.make()
    env.reset(seed=0)
    with pytest.raises(
        ValueError, match=r"^task sums: think=transcript needs expert_thought\('transcript'\) of kickoff/Arithmetic-v0$"
    ):
        sums.expert_thought(env, "transcript")


@pytest.mark.parametrize("settings", [{"think": "transcript"}, {"think": "work", "transcript_reward": 0.1}])
def test_task_without_transcripts_is_refused_before_a_run(settings: dict[str, object]) -> None:
    problem = "task sums: think=transcript needs expert_thought('transcript') of kickoff/Arithmetic-v0"
    with pytest.raises(UserError) as error:
        check_task("sums", task(**settings).config, None)
    assert str(error.value) == problem


def test_task_whose_expert_writes_no_work_is_refused_before_a_run() -> None:
    problem = "task sums: think=work needs expert_thought('work') of kickoff/Questions-v0"
    with pytest.raises(UserError) as error:
        check_task("sums", task(id="kickoff/Questions-v0", think="work").config, None)
    assert str(error.value) == problem


def test_work_on_a_question_without_a_picture_has_no_transcript() -> None:
    sums = task(think="work")
    check_task("sums", sums.config, None)
    env = sums.make()
    question, _ = env.reset(seed=1)
    left, right = map(int, question.rstrip("=").split("+"))
    assert sums.expert_thought(env, "work") == column_addition(left, right)
    assert sums.transcript(env) is None


def test_reward_for_transcripts_needs_transcripts() -> None:
    with pytest.raises(ValueError, match="transcript_reward needs think=transcript or think=work, got think=word"):
        task(think="word", transcript_reward=0.1)


def test_rules_describe_the_form_of_thinking() -> None:
    settings = {"think": "work", "rules": True, "rules_text": "Add."}
    told = task(**settings, image=True, transcript_text="Such as 3+5=1.")
    assert "In <think>, write what you see, and your work. Such as 3+5=1." in told._instructions
    assert task(**settings, image=False)._instructions[2] == "In <think>, write your work."
    assert task(rules=True, rules_text="Add.")._instructions[1] == "Add."
