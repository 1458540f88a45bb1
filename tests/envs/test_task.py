"""A Task words what is shown, and reads replies without ever guessing."""

import gymnasium
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import envs  # noqa: F401  (registers the ids)
from envs.task import Observation, Task
from envs.task_config import TaskConfig

ACTIONS = ["idle", "left", "top_left", "shot"]
GAME = Task("game", TaskConfig(id="kickoff/Football-v0", actions=ACTIONS))
QUIZ = Task("quiz", TaskConfig(id="kickoff/Arithmetic-v0", image=False, caption=True))
TAGS = ("<think>", "</think>", "<answer>", "</answer>")

texts = st.text(max_size=40) | st.text(alphabet="<>/thinkaswer \n", max_size=40)
prose = texts.filter(lambda text: not any(tag in text for tag in TAGS))
gaps = st.text(alphabet=" \t\r\n", max_size=3)


def reply(thinking: str, answer: str) -> str:
    return f"<think>{thinking}</think><answer>{answer}</answer>"


# -- replies -------------------------------------------------------------------------------------------------------


@given(prose, st.sampled_from(ACTIONS), gaps, gaps, gaps)
def test_a_well_formed_reply_is_read_back(thinking: str, action: str, before: str, between: str, after: str) -> None:
    read = GAME.parse(f"{before}<think>{thinking}</think>{between}<answer>{before}{action}{after}</answer>{after}")
    assert read.valid
    assert read.thinking == thinking.strip()
    assert read.answer == action
    assert read.actions == (ACTIONS.index(action),)
    assert read.problem == ""


@given(prose, prose)
def test_a_free_text_answer_is_read_back(thinking: str, answer: str) -> None:
    read = QUIZ.parse(reply(thinking, answer))
    assert read.thinking == thinking.strip()
    assert read.answer == answer.strip()
    assert read.actions == ((answer.strip(),) if answer.strip() else ())
    assert read.problem == ("" if answer.strip() else "an empty answer")


@given(prose, prose)
def test_only_names_of_actions_are_actions(thinking: str, answer: str) -> None:
    assume(answer.strip() not in ACTIONS)
    read = GAME.parse(reply(thinking, answer))
    assert not read.valid and read.actions == ()
    assert read.problem == f"no action is named {answer.strip()!r}"


@given(prose, prose, st.sampled_from(TAGS), prose, st.integers(0, 1))
def test_a_further_tag_spoils_a_reply(thinking: str, answer: str, tag: str, more: str, where: int) -> None:
    spoilt = reply(thinking + tag + more, answer) if where else reply(thinking, answer + tag + more)
    for task in (GAME, QUIZ):
        read = task.parse(spoilt)
        assert not read.valid and read.problem


@given(prose.filter(lambda text: text.strip() != ""), st.integers(0, 2))
def test_text_outside_the_tags_spoils_a_reply(text: str, where: int) -> None:
    spoilt = [
        f"{text}{reply('a', 'left')}",
        f"<think>a</think>{text}<answer>left</answer>",
        f"{reply('a', 'left')}{text}",
    ]
    for task in (GAME, QUIZ):
        assert task.parse(spoilt[where]).problem == "not of the form <think>…</think><answer>…</answer>"


@given(st.lists(st.sampled_from([*TAGS, "left", " ", "\n", "<", "answer>", "x"]), max_size=12).map("".join) | st.text())
def test_any_reply_is_read_or_refused_with_a_reason(text: str) -> None:
    for task in (GAME, QUIZ):
        read = task.parse(text)
        assert read.valid == (read.problem == "")
        well_formed = [text.count(tag) for tag in TAGS] == [1, 1, 1, 1]
        assert not read.valid or well_formed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "left",
        "<answer>left</answer>",
        "<think>a</think>",
        "<think>a</think><answer>left",
        "<think>a</think>left</answer>",
        "<answer>left</answer><think>a</think>",
        "<think>a<answer>left</answer></think>",
        "<think>a<think>b</think></think><answer>left</answer>",
        "<think>a</think><answer>left</answer><answer>left</answer>",
        "<think>a</think><answer>left</answer><think>a</think><answer>left</answer>",
        "<think>a</think><answer></answer>",
        "<think>a</think><answer>Left</answer>",
        "<think>a</think><answer>top left</answer>",
        "<think>a</think><answer>left, shot</answer>",
        "<think>a</think><answer>1</answer>",
        "<THINK>a</THINK><ANSWER>left</ANSWER>",
        "<think >a</think><answer>left</answer>",
        "<think>a</think><answer>left</answer>.",
        "<think>a</think><answer>left</answer><end_of_utterance>",
    ],
)
def test_never_a_guess(text: str) -> None:
    assert not GAME.parse(text).valid


def test_actions_have_names_both_ways() -> None:
    assert [GAME.action_name(i) for i in range(4)] == ACTIONS
    assert GAME.parse(reply("", GAME.action_name(np.int64(2)))).actions == (2,)
    assert QUIZ.action_name("17") == "17"


# -- words ---------------------------------------------------------------------------------------------------------


def test_words_hold_what_the_levers_say() -> None:
    shown = Observation(None, "you have the ball")
    config = TaskConfig(instructions="Score.", rules_text="left: run left")
    assert Task("t", config).words(shown, first=True) == "Score.\nyou have the ball"
    assert Task("t", config).words(shown, first=False) == "you have the ball"
    config.rules = True
    assert Task("t", config).words(shown, first=True) == "Score.\nleft: run left\nyou have the ball"
    assert Task("t", config).words(Observation(None, ""), first=False) == ""


def football(**levers: bool) -> Observation:
    kwargs = {"image_size": [32, 48], "scenario": "academy_empty_goal"}
    task = Task("f", TaskConfig(id="kickoff/Football-v0", kwargs=kwargs, actions=[str(i) for i in range(19)], **levers))
    env = task.make()
    observation, info = env.reset(seed=1)
    seen = task.observe(env, observation, info)
    if seen.image is not None:
        np.testing.assert_array_equal(seen.image, observation)
    assert seen.text in ("", info["text"])
    return seen


def test_image_and_caption_are_levers() -> None:
    assert [part is None for part in (football().image, football(image=False, caption=True).image)] == [False, True]
    assert football().text == ""
    assert football(caption=True).text == football(image=False, caption=True).text != ""
    picture = football(caption=True).image
    assert picture is not None and picture.shape == (32, 48, 3) and picture.dtype == np.uint8


def test_where_the_observation_is_no_image_render_is() -> None:
    task = Task("cart", TaskConfig(id="CartPole-v1", actions=["left", "right"], caption=True))
    env = task.make()
    observation, info = env.reset(seed=1)
    seen = task.observe(env, observation, info)
    assert seen.image is not None and seen.image.shape == (400, 600, 3) and seen.image.min() < 255
    assert seen.text == str(observation)  # an env without words of its own
    env.step(0)
    assert (task.observe(env, observation, info).image != seen.image).any()
    env.close()


# -- what is refused -----------------------------------------------------------------------------------------------

REFUSED = {
    "max_turns must be at least 1, got 0": {"max_turns": 0},
    "max_reply_tokens must be at least 1, got 0": {"max_reply_tokens": 0},
    "history must be -1 (all turns), 0 or more, got -2": {"history": -2},
    "the player would see nothing: set image=true or caption=true": {"image": False},
    "on_invalid must be one of end, skip, got 'stop'": {"on_invalid": "stop"},
    "reward must be one of success, return, got 'score'": {"reward": "score"},
}


@pytest.mark.parametrize("message", REFUSED)
def test_impossible_settings(message: str) -> None:
    with pytest.raises(ValueError) as caught:
        TaskConfig(**REFUSED[message])  # type: ignore[arg-type]
    assert str(caught.value) == message


def refusal(**settings: object) -> str:
    with pytest.raises(ValueError) as caught:
        Task("mine", TaskConfig(**settings)).make()  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unknown_id_is_suggested() -> None:
    assert refusal(id="kickoff/Footbal-v0").startswith(
        "unknown env id 'kickoff/Footbal-v0'; did you mean 'kickoff/Football-v0'?"
    )
    assert refusal(id="").startswith("unknown env id ''")


def test_envs_that_do_not_fit() -> None:
    assert "does not take these kwargs" in refusal(id="kickoff/Arithmetic-v0", kwargs={"digit": 2})
    assert "'digit'" in refusal(id="kickoff/Arithmetic-v0", kwargs={"digit": 2})
    assert refusal(id="kickoff/Arithmetic-v0", kwargs={"digits": 0}) == "digits must be from 1 to 12, got 0"
    assert refusal(id="CartPole-v1", actions=["left"]) == "task mine: 1 action names do not fit Discrete(2)"
    assert refusal(id="CartPole-v1") == "task mine: Discrete(2) needs action names (actions: [...])"
    assert (
        refusal(id="kickoff/Arithmetic-v0", actions=["yes", "no"], image=False, caption=True)
        == "task mine: 2 action names do not fit free text"
    )
    assert refusal(id="kickoff/Arithmetic-v0") == (
        "task mine: kickoff/Arithmetic-v0 has no pictures: set image=false caption=true"
    )
    assert refusal(id="Pendulum-v1", actions=["left", "right"]).startswith("task mine: 2 action names do not fit Box")


def test_each_make_is_a_fresh_env() -> None:
    task = Task("a", TaskConfig(id="kickoff/Arithmetic-v0", image=False, caption=True, kwargs={"digits": 3}))
    one, two = task.make(), task.make()
    assert isinstance(one, gymnasium.Env) and one.unwrapped is not two.unwrapped
    question, _ = one.reset(seed=5)
    assert len(question) == len("123+456=")
