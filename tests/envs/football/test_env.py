"""`kickoff/Football-v0` as a Gymnasium env."""

import re
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import envs  # noqa: F401
from envs.football.engine.match import BALL_RADIUS, HALF_LENGTH, Action
from envs.football.env import FootballEnv
from envs.football.scenarios import SCENARIOS

SMALL: dict[str, Any] = {"image_size": (48, 64)}
WITH_KEEPER = "academy_run_to_score_with_keeper"


@pytest.mark.parametrize("observation", ["pixels", "text"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_env_passes_gymnasiums_checker(scenario: str, observation: str) -> None:
    env = gymnasium.make("kickoff/Football-v0", scenario=scenario, observation=observation, **SMALL)
    check_env(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("mode", ["rgb_array", "rgb_array_list"])
def test_render_modes_pass_gymnasiums_checker(mode: str) -> None:
    env = gymnasium.make("kickoff/Football-v0", render_mode=mode, **SMALL)
    check_env(env.unwrapped, skip_render_check=True)


def test_the_same_seed_and_actions_give_the_same_episode() -> None:
    def hashes(seed: int) -> list[str]:
        env = FootballEnv(WITH_KEEPER, observation="text", frame_skip=3)
        found = [env.reset(seed=seed)[1]["state_hash"]]
        for action in (5, 13, 4, 5, 5, 12, 0):
            found.append(env.step(action)[4]["state_hash"])
        return found

    assert hashes(1) == hashes(1)
    assert len(set(hashes(1))) == 8
    assert hashes(1)[0] != hashes(2)[0]


def test_frames_have_the_requested_size_and_change() -> None:
    env = FootballEnv(image_size=(84, 96), camera="ball")
    first, info = env.reset(seed=0)
    assert first.shape == (84, 96, 3) and first.dtype == np.uint8
    assert env.observation_space.contains(first)
    second = env.step(Action.RIGHT)[0]
    assert (first != second).any()
    assert info["success"] is False and info["legal_actions"] == list(range(19)) and info["score"] == (0, 0)


def test_caption_describes_the_state() -> None:
    env = FootballEnv("academy_3_vs_1_with_keeper", observation="text", start_noise=0.0)
    text, info = env.reset(seed=0)
    assert text == info["text"]
    # 0.6 · 54.4 = 32.64, 0.62 · 54.4 = 33.73, 0.7 · 54.4 = 38.08, 0.2 · 83.6 = 16.72, 0.75 · 54.4 = 40.8
    assert text == (
        "you (32.6, 0.0) facing right 0 deg, 0.0 m/s; ball (33.7, 0.0) free; goal x 54.4, y -3.7 to 3.7; "
        "keeper (54.4, 0.0); opponents (40.8, 0.0); mates (38.1, 16.7) (38.1, -16.7)"
    )
    for _ in range(5):
        text = env.step(Action.TOP_RIGHT)[0]
    text = env.step(Action.SPRINT)[0]
    assert re.match(r"you \(3[345]\.\d, -\d\.\d\) facing top right -45 deg, \d\.\d m/s, sprint on; ball .* yours", text)


@pytest.mark.parametrize("skip", [1, 4])
def test_a_list_of_frames_has_one_for_every_step(skip: int) -> None:
    env = FootballEnv(render_mode="rgb_array_list", render_size=(60, 90), frame_skip=skip, **SMALL)
    env.reset(seed=0)
    for _ in range(3):
        env.step(Action.RIGHT)
    frames = env.render()
    assert len(frames) == 1 + 3 * skip  # the start, then every 0.1 s
    assert frames[0].shape == (60, 90, 3)
    assert env.render() == []  # handed out once


def test_frame_skip_is_the_same_as_single_steps() -> None:
    skipping = FootballEnv(WITH_KEEPER, observation="text", frame_skip=5)
    single = FootballEnv(WITH_KEEPER, observation="text")
    skipping.reset(seed=4)
    single.reset(seed=4)
    for action in (Action.RIGHT, Action.SPRINT, Action.TOP_RIGHT, Action.SHOT):
        held = skipping.step(action)[4]["state_hash"]
        for step in range(5):
            pressed = Action.IDLE if action == Action.SHOT and step else action  # a held kick is not repeated
            last = single.step(pressed)[4]["state_hash"]
        assert held == last


def put(env: FootballEnv, x: float) -> None:
    """The controlled player has the ball at (x, 0), x in GRF's units."""
    m = env.matches[0]
    m["position"][0, 1] = (x * HALF_LENGTH - 0.65, 0.0)
    m["ball_owned_team"], m["ball_owned_player"] = 0, 1
    m["ball"] = (x * HALF_LENGTH, 0.0, BALL_RADIUS)


def test_checkpoint_rewards_are_paid_once_each() -> None:
    env = FootballEnv("academy_empty_goal", observation="text", start_noise=0.0, rewards="scoring,checkpoints")
    env.reset(seed=0)
    put(env, 0.5)
    # d = 0.5: the k-th is at 0.99 - 0.0889 k, so k = 0 … 5 (0.99 - 0.4444 = 0.5456; k = 6 would need d <= 0.4567).
    assert env.step(Action.IDLE)[1] == pytest.approx(0.6)
    assert env.step(Action.IDLE)[1] == 0.0  # once an episode
    put(env, 0.3)
    assert env.step(Action.IDLE)[1] == 0.0
    put(env, 0.75)
    assert env.step(Action.IDLE)[1] == pytest.approx(0.3)  # d = 0.25: k = 6, 7, 8 (0.99 - 0.7111 = 0.2789)
    env.matches[0]["ball_owned_team"] = -1
    env.matches[0]["wait"][0, 1] = 1.0
    env.matches[0]["ball"] = (HALF_LENGTH - 1.0, 0.0, BALL_RADIUS)
    env.matches[0]["ball_velocity"] = (20.0, 0.0, 0.0)
    _, reward, terminated, _, info = env.step(Action.IDLE)
    assert reward == pytest.approx(1.1)  # the goal, and the last 0.1
    assert terminated and info["success"] and info["score"] == (1, 0)


def test_several_players_act_and_are_paid_each() -> None:
    env = FootballEnv("academy_3_vs_1_with_keeper", "raw", control=2, rewards="scoring,checkpoints", start_noise=0.0)
    (first, second), info = env.reset(seed=0)
    assert env.action_space == gymnasium.spaces.MultiDiscrete([19, 19])
    assert first["active"] != second["active"] and info["rewards"].tolist() == [0, 0]
    m = env.matches[0]
    holder = int(m["slot"][0, 1])
    m["position"][0, holder] = (0.5 * HALF_LENGTH - 0.65, 0.0)
    m["ball_owned_team"], m["ball_owned_player"] = 0, holder
    m["ball"] = (0.5 * HALF_LENGTH, 0.0, BALL_RADIUS)
    _, reward, _, _, info = env.step(np.array([Action.TOP, Action.IDLE]))
    # the second slot has the ball at d = 0.5: six checkpoints; the env's reward is the mean of both
    assert info["rewards"] == pytest.approx([0.0, 0.6]) and reward == pytest.approx(0.3)
    assert env.matches[0]["sticky"][0, 0, 2] == 1 and not env.matches[0]["sticky"][0, 1].any()


def test_right_players_act_in_their_own_eyes() -> None:
    env = FootballEnv("academy_run_to_score", "raw", control=(0, 1), start_noise=0.0)
    seen, _ = env.reset(seed=0)
    assert env.action_space == gymnasium.spaces.Discrete(19)
    before = seen["left_team"][seen["active"]][1]
    for _ in range(5):
        seen = env.step(Action.TOP)[0]
    assert seen["sticky_actions"].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert seen["left_team"][seen["active"]][1] < before  # up, as he sees it
    assert env.matches[0]["sticky"][1, 0].tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0, 0]  # down, as the screen shows it


def test_both_sides_can_be_played() -> None:
    env = FootballEnv("academy_3_vs_1_with_keeper", "simple115v2", control=(2, 1))
    seen, info = env.reset(seed=0)
    assert seen.shape == (3, 115) and env.action_space.shape == (3,)
    assert seen[0, :2] == pytest.approx(-seen[2, 44:46])  # the left keeper, as both sides see him
    env.matches[0]["ball"] = (HALF_LENGTH - 0.5, 0.0, BALL_RADIUS)
    env.matches[0]["ball_owned_team"] = -1
    env.matches[0]["position"][1, 0] = (0.0, 30.0)
    env.matches[0]["ball_velocity"] = (20.0, 0.0, 0.0)
    _, reward, _, _, info = env.step(np.zeros(3, int))
    assert reward == 1.0 and info["rewards"].tolist() == [1.0, 1.0, -1.0]


def test_a_direction_given_once_more_runs_on_for_ten_steps() -> None:
    env = FootballEnv("academy_empty_goal", "text", hold_until_changed=True, render_mode="rgb_array_list")
    env.reset(seed=0)
    lasts = [env.step(action)[4]["steps_left"] for action in (Action.RIGHT, Action.RIGHT, Action.TOP, Action.SPRINT)]
    assert lasts == [399, 389, 388, 387]
    assert len(env.render()) == 1 + 13
    env.step(Action.TOP)
    env.matches[0]["position"][0, 1] = (20.0, -34.5)  # 2 / 3 m from the side line: it would be over in three steps
    env.matches[0]["ball"] = (20.0, -34.5, BALL_RADIUS)
    env.matches[0]["velocity"][0, 1] = (0.0, -7.0)
    assert env.step(Action.TOP)[4]["steps_left"] == 385


def test_the_time_limit_truncates() -> None:
    env = FootballEnv("academy_empty_goal", observation="text", frame_skip=5)
    env.reset(seed=0)
    for turn in range(80):
        _, reward, terminated, truncated, info = env.step(Action.IDLE)
        assert reward == 0.0 and not terminated and truncated == (turn == 79)  # 400 steps of 0.1 s, 5 a turn
    assert info["steps_left"] == 0 and not info["success"]


def test_success_in_a_whole_game_is_to_have_won_it() -> None:
    env = FootballEnv("5_vs_5", "text")
    env.reset(seed=0)
    env.matches[0]["score"] = 2, 1
    env.ledgers[0]["score"] = 2, 1
    _, reward, terminated, truncated, info = env.step(Action.IDLE)
    assert not info["success"] and not terminated and not truncated and reward == 0.0
    env.matches[0]["steps_left"] = 1
    _, _, terminated, truncated, info = env.step(Action.IDLE)
    assert info["success"] and truncated and not terminated
    env.matches[0]["score"] = env.ledgers[0]["score"] = 2, 2
    assert not env.step(Action.IDLE)[4]["success"]


def test_feedback_is_about_the_last_decision() -> None:
    env = FootballEnv("academy_empty_goal_close", "text", frame_skip=3)
    _, info = env.reset(seed=0)
    assert info["feedback"] == ""
    assert env.step(Action.RIGHT)[4]["feedback"] == ""
    env.matches[0]["ball_owned_team"] = -1
    env.matches[0]["wait"][0, 1] = 1.0
    env.matches[0]["ball"] = (HALF_LENGTH - 1.0, 0.0, BALL_RADIUS)
    env.matches[0]["ball_velocity"] = (20.0, 0.0, 0.0)
    assert env.step(Action.IDLE)[4]["feedback"] == "Goal for your team."


def test_every_player_reads_his_own_words() -> None:
    env = FootballEnv("academy_3_vs_1_with_keeper", "text", control=(2, 1), start_noise=0.0)
    words, info = env.reset(seed=0)
    assert len(set(words)) == 3 and info["text"] == words[0]
    # the right team's back, at (0.75, 0) for the left, sees himself at -0.75 · 54.4 = -40.8
    assert words[2].startswith("you (-40.8, ")


@pytest.mark.parametrize(
    ("scenario", "given", "right"),
    [("breakaway", None, 0.6), ("breakaway", 0.4, 0.4), ("11_vs_11_easy_stochastic", None, 0.05)],
)
def test_difficulty_is_the_scenario_s_unless_it_is_given(scenario: str, given: float | None, right: float) -> None:
    env = FootballEnv(scenario, "text", difficulty=given)
    env.reset(seed=0)
    assert env.matches[0]["difficulty"].tolist() == [1.0, right]


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        (
            {"scenario": "academy_empty_goall"},
            "unknown scenario 'academy_empty_goall'; did you mean 'academy_empty_goal'",
        ),
        ({"scenario": "x"}, "academy_3_vs_1_with_keeper, academy_corner"),
        ({"observation": "pixel"}, "did you mean 'pixels'"),
        ({"rewards": "goals"}, "unknown rewards 'goals'"),
        ({"camera": "top"}, "camera 'top' is unknown"),
        ({"image_size": 84}, "image_size must be two whole numbers, (height, width), got 84"),
        ({"render_mode": "rgb"}, "unknown render_mode 'rgb'"),
        ({"frame_skip": 0}, "frame_skip must be a whole number of at least 1, got 0"),
        ({"frame_skip": 2.5}, "frame_skip must be a whole number of at least 1, got 2.5"),
        ({"control": 0}, "control must be a number of left players or (left, right), at least one and at most (2, 6)"),
        ({"control": (1, 7)}, "got (1, 7)"),
        ({"control": "both"}, "got 'both'"),
        ({"control": 2, "rewards": "magebench"}, "rewards='magebench' is for one left player"),
        ({"control": (0, 1), "hold_until_changed": True}, "hold_until_changed is for one left player"),
        ({"difficulty": 1.5}, "difficulty must be between 0 and 1, got 1.5"),
        ({"start_noise": -1.0}, "start_noise must be between 0 and 0.5, got -1.0"),
    ],
)
def test_impossible_arguments_are_one_clear_line(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        FootballEnv(**kwargs)
    assert "\n" not in str(caught.value)


def test_human_mode_shows_and_closes() -> None:  # SDL's dummy driver: no window opens
    env = FootballEnv("academy_empty_goal", observation="text", render_mode="human", render_size=(60, 90))
    env.reset(seed=0)
    env.step(Action.RIGHT)
    assert env.render() is None
    env.close()


def test_step_with_an_action_out_of_range_raises() -> None:
    env = FootballEnv(observation="text")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action must be one of 0 to 18, got 19"):
        env.step(19)
