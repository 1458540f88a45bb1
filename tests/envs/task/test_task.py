"""A Task words what is shown, and reads replies without ever guessing."""

import hashlib
from dataclasses import replace
from typing import Any, cast

import gymnasium
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import envs  # noqa: F401  (registers the ids)
from configs.errors import UserError
from envs.task.config import TaskConfig, load_task
from envs.task.task import Observation, Outcome, Task, state_hash
from envs.texts import FreeText

ACTIONS: list[Any] = ["idle", "left", "top_left", "shot"]
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
def test_parse_never_guesses_an_action(text: str) -> None:
    assert not GAME.parse(text).valid


def test_actions_have_names_both_ways() -> None:
    assert [GAME.action_name(i) for i in range(4)] == ACTIONS
    assert GAME.parse(reply("", GAME.action_name(np.int64(2)))).actions == (2,)
    assert QUIZ.action_name("17") == "17"


# -- words ---------------------------------------------------------------------------------------------------------


def test_prompt_holds_what_the_settings_turn_on() -> None:
    shown = Observation(None, "you have the ball")
    config = TaskConfig(instructions="Score.", rules_text="left: run left")
    assert Task("t", config).words(shown, first=True) == "Score.\nyou have the ball"
    assert Task("t", config).words(shown, first=False) == "you have the ball"
    assert not Task("t", config).tells_form
    config.rules = True
    form = "Reply in the form <think>reasoning</think><answer>{}</answer>"
    said = f"Score.\nleft: run left\n{form.format('answer')}\nyou have the ball"
    assert Task("t", config).words(shown, first=True) == said and Task("t", config).tells_form
    named: list[tuple[list[Any], str]] = [
        (["left", "right", ""], "right"),
        ([["left", "right"], ["jump", ""]], "right+jump"),
    ]
    for actions, answer in named:
        told = Task("t", TaskConfig(instructions="Go.", actions=actions, rules=True)).words(shown, first=True)
        assert told == f"Go.\n{form.format(answer)}\nyou have the ball"
    config.instructions = "Score: <answer>left</answer>"
    assert Task("t", config).words(shown, first=True) == f"{config.instructions}\nleft: run left\nyou have the ball"
    assert Task("t", TaskConfig(instructions=config.instructions)).tells_form
    assert Task("t", config).words(Observation(None, ""), first=False) == ""


def football(**levers: Any) -> Observation:
    kwargs = {"image_size": [32, 48], "scenario": "academy_empty_goal"}
    task = Task("f", TaskConfig(id="kickoff/Football-v0", kwargs=kwargs, actions=[str(i) for i in range(19)], **levers))
    env = task.make()
    observation, info = env.reset(seed=1)
    seen = task.observe(env, observation, info)
    if seen.image is not None:
        np.testing.assert_array_equal(seen.image, observation)
    assert seen.text in ("", info["text"])
    return seen


def test_image_and_caption_can_be_turned_on_and_off() -> None:
    assert [part is None for part in (football().image, football(image=False, caption=True).image)] == [False, True]
    assert football().text == ""
    assert football(caption=True).text == football(image=False, caption=True).text != ""
    picture = football(caption=True).image
    assert picture is not None and picture.shape == (32, 48, 3) and picture.dtype == np.uint8


def test_image_comes_from_render_unless_the_observation_is_one() -> None:
    task = Task("cart", TaskConfig(id="CartPole-v1", actions=["left", "right"], caption=True))
    env = task.make()
    observation, info = env.reset(seed=1)
    seen = task.observe(env, observation, info)
    assert seen.image is not None and seen.image.shape == (400, 600, 3) and seen.image.min() < 255
    assert seen.text == str(observation)  # an env without words of its own
    env.step(0)
    assert not np.array_equal(cast(Any, task.observe(env, observation, info).image), seen.image)
    env.close()


# -- levers --------------------------------------------------------------------------------------------------------

PLAN = Task("plan", TaskConfig(id="CartPole-v1", actions=["left", "right"], actions_per_reply=3))
PARTS = Task("parts", TaskConfig(id="test/Buttons-v0", actions=[["low", "high"], ["a", "b", "c"]], actions_per_reply=2))


class Buttons(gymnasium.Env[Any, Any]):
    """Two buttons at once; the reward is their numbers, the observation a picture and a mission."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self, difficulty: float = 0.0, side: int = 20, render_mode: str | None = None) -> None:
        self.render_mode, self.side, self.difficulty = render_mode, side, difficulty
        self.action_space = gymnasium.spaces.MultiDiscrete([2, 3])
        picture = gymnasium.spaces.Box(0, 255, (side, side, 3), np.uint8)
        self.observation_space = gymnasium.spaces.Dict({"image": picture, "mission": FreeText(20)})

    def _see(self) -> dict[str, Any]:
        return {"image": np.full((self.side, self.side, 3), 7, np.uint8), "mission": f"press {self.difficulty}"}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self._see(), {}

    def step(self, action: Any) -> Any:
        assert isinstance(action, np.ndarray) and self.action_space.contains(action)
        self.steps += 1
        return self._see(), 10.0 * action[0] + action[1], self.steps == 3, False, {}

    def render(self) -> Any:
        return np.full((40, 10, 3), 200, np.uint8)


class Blind(Buttons):
    """The same without pictures."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__()
        self.action_space = gymnasium.spaces.Discrete(1)
        self.observation_space = gymnasium.spaces.Discrete(1)


gymnasium.register("test/Buttons-v0", cast(Any, Buttons))
gymnasium.register("test/Blind-v0", cast(Any, Blind))


def test_a_reply_may_hold_several_actions() -> None:
    assert PLAN.parse(reply("", "left, right,left")).actions == (0, 1, 0)
    assert PLAN.parse(reply("", "right")).actions == (1,)
    assert PLAN.parse(reply("", "left,left,left,left")).problem == "4 actions, at most 3 are allowed"
    assert PLAN.parse(reply("", "left,,left")).problem == "no action is named ''"
    assert PLAN.parse(reply("", "left right")).problem == "no action is named 'left right'"


def test_actions_beyond_the_limit_may_be_dropped() -> None:
    cut = Task("plan", replace(PLAN.config, cut_answers=True))
    assert cut.parse(reply("", "left,right,left,left,up")).actions == (0, 1, 0)
    assert cut.parse(reply("", "left,up,left,left")).problem == "no action is named 'up'"
    assert Task("one", replace(cut.config, actions_per_reply=1)).parse(reply("", "right, left")).actions == (1,)
    plan = Task("sokoban_plan", load_task("sokoban_global_13x13_5"))
    assert len(plan.parse(reply("", ", ".join(["up"] * 51))).actions) == 50  # as MageBench plays it


def test_an_action_may_have_several_parts() -> None:
    assert PARTS.parse(reply("", "high+c, low + a")).actions == ((1, 2), (0, 0))
    assert PARTS.action_name(np.array([1, 2])) == "high+c"
    for answer in ("high", "c+high", "high+c+a", "high+d", "+"):
        assert PARTS.parse(reply("", answer)).problem == f"no action is named {answer!r}"


def test_an_empty_name_leaves_an_action_out() -> None:
    task = Task("lander", TaskConfig(id="test/Buttons-v0", actions=[["", "high"], ["a", "", "c"]]))
    task.make().close()
    assert task.parse(reply("", "high+c")).actions == ((1, 2),)
    assert task.parse(reply("", "high+")).problem == "no action is named 'high+'"
    assert Task("cart", TaskConfig(actions=["", "right"])).parse(reply("", "")).actions == ()


class Hears(gymnasium.Env[Any, str]):
    """Repeats an action of text as feedback."""

    observation_space = gymnasium.spaces.Text(10)
    action_space = gymnasium.spaces.Text(100)

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        return "", 1.0, False, False, {"feedback": f"heard {action}."}


def test_an_env_with_text_actions_gets_all_actions_of_a_reply_as_one_text() -> None:
    for actions, answer in ((["up", "down"], "up, down"), ([["up"], ["fast", "slow"]], "up+slow, up+fast")):
        task = Task("t", TaskConfig("x", actions=actions, actions_per_reply=2))  # type: ignore[arg-type]
        outcome = task.play(Hears(), task.parse(reply("", answer)))
        assert (outcome.reward, outcome.feedback) == (1.0, f"heard {answer}.")
        assert not task.parse(reply("", "left")).valid
    task = Task("t", TaskConfig("x"))
    assert task.play(Hears(), task.parse(reply("", "up"))).feedback == "up: heard up."


def test_actions_are_played_until_the_episode_ends() -> None:
    env = PARTS.make()
    env.reset(seed=0)
    outcome = PARTS.play(env, PARTS.parse(reply("", "high+c, low+b")))
    assert (outcome.reward, outcome.terminated) == (12.0 + 1.0, False)
    assert outcome.feedback == "high+c: reward 12. low+b: reward 1."
    outcome = PARTS.play(env, PARTS.parse(reply("", "low+b, high+c")))  # the third step of three ends it
    assert (outcome.reward, outcome.terminated, outcome.feedback) == (1.0, True, "low+b: reward 1.")


@pytest.mark.parametrize(
    ("rule", "terminated", "total", "succeeded"),
    [
        ("info", True, 5.0, False),
        ("terminated", True, 0.0, True),
        ("terminated", False, 9.0, False),
        ("return >= 1", False, 1.0, True),
        ("return > 1", False, 1.0, False),
        ("return>=-2.5", False, -2.5, True),
    ],
)
def test_success_rules(rule: str, terminated: bool, total: float, succeeded: bool) -> None:
    outcome = Outcome(None, {}, 0.0, terminated, not terminated, "")
    assert Task("t", TaskConfig(success=rule)).succeeded(outcome, total) == succeeded


def buttons(**settings: Any) -> tuple[Task, Observation]:
    actions: list[Any] = [["low", "high"], ["a", "b", "c"]]
    task = Task("b", TaskConfig(id="test/Buttons-v0", actions=actions, text_from="mission", **settings))
    env = task.make()
    return task, task.observe(env, *env.reset(seed=0), "You pressed.")


def test_image_from_selects_observation_or_render() -> None:
    def picture(**settings: Any) -> tuple[tuple[int, ...], int]:
        image = buttons(**settings)[1].image
        assert image is not None
        return image.shape, int(image[image.shape[0] // 2, image.shape[1] // 2, 0])

    assert picture() == ((20, 20, 3), 7)
    assert picture(image_from="render") == ((40, 10, 3), 200)
    assert picture(kwargs={"side": 8}) == ((40, 10, 3), 200)  # 8 pixels a side are some grid's code
    assert picture(kwargs={"side": 8}, image_from="observation") == ((8, 8, 3), 7)
    assert picture(image_from="render", image_size=(84, 84)) == ((84, 84, 3), 200)
    fitted = buttons(image_from="render", image_size=(84, 84))[1].image
    assert fitted is not None and fitted[:, :31].max() == 0  # 40x10 becomes 84x21, between bars of 31 and 32
    assert fitted[:, 31:52].min() == 200


def test_prompt_holds_mission_difficulty_and_feedback() -> None:
    task, seen = buttons(difficulty=0.5)
    assert (seen.text, seen.feedback) == ("press 0.5", "")
    assert task.words(seen, first=False) == "press 0.5"
    task, seen = buttons(feedback=True, instructions="Press.")
    assert task.words(seen, first=True) == "Press.\nYou pressed.\npress 0.0"
    assert task.words(seen, first=False) == "You pressed.\npress 0.0"


# -- what is refused -----------------------------------------------------------------------------------------------

REFUSED = {
    "max_turns=0: a whole number of at least 1 is expected": {"max_turns": 0},
    "max_reply_tokens=0: a whole number of at least 1 is expected": {"max_reply_tokens": 0},
    "history=-2: a whole number of at least -1 is expected": {"history": -2},
    "the model would get no observation; set image=true or caption=true": {"image": False},
    "on_invalid=stop: one of end, skip is expected": {"on_invalid": "stop"},
    "reward must be success, return, process, result or an import path module:name, got 'score'": {"reward": "score"},
    "image_from=camera: one of auto, observation, render is expected": {"image_from": "camera"},
    "actions_per_reply=0: a whole number of at least 1 is expected": {"actions_per_reply": 0},
    "actions_per_reply needs action names (actions: [...])": {"actions_per_reply": 3},
    "difficulty=1.5: a number from 0 to 1 or null is expected": {"difficulty": 1.5},
    "image_size=(0, 84): a list [a whole number of at least 1, a whole number of at least 1] or null is expected": {
        "image_size": (0, 84)
    },
    "success must be info, terminated or a bound such as 'return >= 1', got 'return = 1'": {"success": "return = 1"},
    "an action name must not contain < > , + or surrounding spaces, got 'a,b'": {"actions": ["a,b"]},
    "actions must offer at least one action, got ['', '']": {"actions": ["", ""]},
    "actions must be unique, got ['a', 'a']": {"actions": [["b"], ["a", "a"]]},
    "actions must be names, or a list of names for each part, got ['a', ['b']]": {"actions": ["a", ["b"]]},
}


@pytest.mark.parametrize("message", REFUSED)
def test_task_config_refuses_impossible_settings(message: str) -> None:
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


def test_task_refuses_envs_that_do_not_fit() -> None:
    assert "does not accept these kwargs" in refusal(id="kickoff/Arithmetic-v0", kwargs={"digit": 2})
    assert "'digit'" in refusal(id="kickoff/Arithmetic-v0", kwargs={"digit": 2})
    assert refusal(id="kickoff/Arithmetic-v0", kwargs={"digits": 0}) == "digits must be from 1 to 12, got 0"
    assert refusal(id="CartPole-v1", actions=["left"]) == "task mine: 1 action names do not fit Discrete(2)"
    assert refusal(id="CartPole-v1") == "task mine: Discrete(2) needs action names (actions: [...])"
    assert refusal(id="test/Blind-v0", actions=["a"]) == (
        "task mine: test/Blind-v0 renders no images; set image=false caption=true"
    )
    assert refusal(id="FrozenLake-v1", kwargs={"map_name": "5x5"}, actions=["a"]).startswith(
        "FrozenLake-v1 does not work with these kwargs: KeyError("
    )
    assert refusal(id="test/Buttons-v0", actions=["a", "b"]) == (
        "task mine: 2 action names do not fit MultiDiscrete([2 3])"
    )
    assert refusal(id="test/Buttons-v0", actions=[["a"], ["b"]]) == (
        "task mine: 1 and 1 action names do not fit MultiDiscrete([2 3])"
    )
    assert "image_from=observation needs uint8 [H, W, 3]" in refusal(
        id="CartPole-v1", actions=["left", "right"], image_from="observation"
    )
    for names in ([], ["left", "right"]):
        line = refusal(id="Pendulum-v1", actions=names)
        assert line.startswith("task mine: a reply cannot name an action of Box(")
        assert line.endswith("; wrap the env so that its actions are Discrete, MultiDiscrete or Text")
    assert refusal(id="test/Buttons-v0", actions=[["a", "b"], ["c", "d", "e"]], text_from="misson") == (
        "task mine: unknown text_from 'misson'; did you mean 'mission'? Known: image, mission"
    )
    line = refusal(id="CartPole-v1", actions=["left", "right"], text_from="mission")
    assert line.startswith("task mine: text_from=mission needs a Dict observation, this env gives Box(")


def test_each_make_is_a_fresh_env() -> None:
    task = Task("a", TaskConfig(id="kickoff/Arithmetic-v0", image=False, caption=True, kwargs={"digits": 3}))
    one, two = task.make(), task.make()
    assert isinstance(one, gymnasium.Env) and one.unwrapped is not two.unwrapped
    question, _ = one.reset(seed=5)
    assert len(question) == len("123+456=")


def test_text_rendering_becomes_an_image() -> None:
    task = Task("sums", TaskConfig(id="kickoff/Arithmetic-v0", image_size=(84, 84)))
    env = task.make()
    seen = task.observe(env, *env.reset(seed=5))
    assert seen.image is not None and seen.image.shape == (84, 84, 3) and seen.image.std() > 5
    assert seen.text == ""


def test_a_film_of_an_env_whose_render_is_the_picture() -> None:
    kwargs = {"scenario": "academy_empty_goal", "observation": "text", "render_size": [64, 96]}
    task = Task("f", TaskConfig(id="kickoff/Football-v0", kwargs=kwargs, actions=[str(i) for i in range(19)]))
    env = task.make("rgb_array_list")
    seen = task.observe(env, *env.reset(seed=1))
    task.play(env, task.parse(reply("", "5")))
    assert seen.image is not None and seen.image.shape == (64, 96, 3)
    film: Any = env.render()
    assert len(film) == 2 and np.array_equal(film[0], seen.image)


# -- what other people's envs return -------------------------------------------------------------------------------


class Plain(gymnasium.Env[Any, Any]):
    """One step, with values to choose. The image is the observation."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Discrete(1)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.reward: Any = 1.0
        self.picture: Any = np.zeros((20, 20, 3), np.uint8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return 0, {"points": np.float32(0.5)}

    def step(self, action: Any) -> Any:
        return 0, self.reward, np.bool_(True), np.bool_(False), {"points": np.int64(3)}

    def render(self) -> Any:
        return self.picture


gymnasium.register("test/Plain-v0", cast(Any, Plain), disable_env_checker=True)
PLAIN = Task("plain", TaskConfig(id="test/Plain-v0", actions=["a", "b"], success="terminated", score="points"))


@pytest.mark.parametrize("reward", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0), np.array([2.0])])
def test_numpy_values_become_python_values(reward: Any) -> None:
    env = PLAIN.make()
    _, info = env.reset(seed=0)
    assert PLAIN.score(info) == 0.5
    cast(Any, env.unwrapped).reward = reward
    outcome = PLAIN.play(env, PLAIN.parse(reply("", "a")))
    assert [type(value) for value in outcome[2:5]] == [float, bool, bool] and outcome.reward == 2.0
    assert PLAIN.succeeded(outcome, 0.0) is True and PLAIN.score(outcome.info) == 3.0
    assert outcome.feedback == "a: reward 2."


@pytest.mark.parametrize("reward", [float("nan"), np.float32("inf"), None, "1", [1.0, 2.0]])
def test_a_reward_that_is_no_finite_number_is_one_line(reward: Any) -> None:
    env = PLAIN.make()
    env.reset(seed=0)
    cast(Any, env.unwrapped).reward = reward
    with pytest.raises(UserError) as caught:
        PLAIN.play(env, PLAIN.parse(reply("", "a")))
    line = f"task plain: test/Plain-v0 gave the reward {reward!r}; it must be a finite number"
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("picture", "problem"),
    [
        (np.full((20, 20, 3), 0.5, np.float32), "uint8 from 0 to 255, got float32; scale and convert it in the env"),
        (np.ones((20, 20, 3), np.bool_), "uint8 from 0 to 255, got bool; scale and convert it in the env"),
        (np.full((20, 20, 3), 256), "uint8 from 0 to 255, got 256 to 256"),
        (np.zeros((20, 20), np.uint8), "uint8 [H, W, 3], got shape (20, 20)"),
        (np.zeros((20, 20, 4), np.uint8), "uint8 [H, W, 3], got shape (20, 20, 4)"),
        ([np.zeros((20, 20, 3), np.uint8)], "uint8 [H, W, 3], got shape (1, 20, 20, 3)"),
        (None, "uint8 [H, W, 3], got NoneType"),
    ],
    ids=["float", "bool", "large", "grey", "alpha", "list", "none"],
)
def test_an_image_that_is_not_uint8_rgb_is_one_line(picture: Any, problem: str) -> None:
    env = PLAIN.make()
    cast(Any, env.unwrapped).picture = picture
    with pytest.raises(UserError) as caught:
        PLAIN.observe(env, *env.unwrapped.reset())
    assert str(caught.value) == f"task plain: test/Plain-v0: an image must be {problem}"


def test_whole_numbers_of_another_dtype_are_an_image() -> None:
    env = PLAIN.make()
    cast(Any, env.unwrapped).picture = np.full((20, 20, 3), 255, np.int64)
    seen = PLAIN.observe(env, *env.unwrapped.reset()).image
    assert seen is not None and seen.dtype == np.uint8 and seen.min() == 255


FRAME = np.zeros((84, 84, 3), np.uint8)
OTHER = FRAME.copy()
OTHER[40, 40] = 1


def objects(*values: Any) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: {"image": x, "text": "go"},
        lambda x: {"deep": {"image": x}},
        lambda x: (x, 1),
        lambda x: [0, (x,)],
        lambda x: objects(x, None),
    ],
)
def test_state_hash_sees_every_element_of_nested_arrays(wrap: Any) -> None:
    one, other = state_hash(wrap(FRAME), {}), state_hash(wrap(OTHER), {})
    assert one == state_hash(wrap(FRAME.copy()), {}) != other
    assert state_hash(None, {"state_hash": wrap(FRAME)}) != state_hash(None, {"state_hash": wrap(OTHER)})


def test_state_hash_of_containers_sees_dtype_shape_keys_and_borders() -> None:
    a, b = np.zeros(4, np.uint8), np.zeros(2, np.uint8)
    states: list[Any] = [{"x": a}, {"y": a}, {"x": a.astype(np.int8)}, {"x": a.reshape(2, 2)}, {"x": b.view(np.int16)}]
    states += [(a, b), (b, a), [a, b], ((a, b),), {"x": a, "y": 1}, {"x": a, "y": "1"}, {"x": a, "y": np.int64(1)}]
    assert len({state_hash(state, {}) for state in states}) == len(states)
    assert state_hash({"x": a, "y": b}, {}) == state_hash({"y": b, "x": a}, {})


def test_state_hash_of_plain_values_and_arrays_is_that_of_older_records() -> None:
    """BLAKE2b of an array's bytes, and of another value's repr."""
    for value, content in ((FRAME, FRAME.tobytes()), (7, b"7"), ((1, "a"), b"(1, 'a')"), ("go", b"'go'")):
        assert state_hash(value, {}) == hashlib.blake2b(content, digest_size=16).hexdigest()
    assert state_hash(FRAME, {"state_hash": "abc"}) == "abc" and state_hash(FRAME, {"state_hash": 5}) == "5"
