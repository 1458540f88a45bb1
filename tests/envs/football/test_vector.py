"""Many matches in one process give what they give one by one."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from envs.football.env import FootballEnv
from envs.football.observations import OBSERVATIONS
from envs.football.vector import FootballVectorEnv

KEYS = ("success", "text", "legal_actions", "state_hash", "feedback", "score", "active", "steps_left", "game_mode")


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(equal(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return np.array_equal(one, other)


def compare(steps: int, number: int, **kwargs: Any) -> int:
    """Play both ways; how many episodes ended."""
    many = FootballVectorEnv(number, **kwargs)
    single = SyncVectorEnv([partial(FootballEnv, **kwargs)] * number)
    rng = np.random.default_rng(0)
    seen, infos = many.reset(seed=3)
    expected: Any
    wanted: Any
    expected, known = single.reset(seed=3)
    assert equal(seen, expected)
    ended = 0
    for _ in range(steps):
        actions = rng.integers(0, 19, many.action_space.shape)
        got, wanted = many.step(actions), single.step(actions)
        assert all(equal(a, b) for a, b in zip(got[:4], wanted[:4], strict=True))
        infos, known = got[4], wanted[4]
        for key in (*KEYS, "magebench", "ball_owned_team", *(["rewards"] if "rewards" in known else [])):
            for index in range(number):
                assert equal(infos[key][index], known[key][index]), key
        assert infos["_text"].all()
        ended += int((got[2] | got[3]).sum())
    return ended


@pytest.mark.parametrize("observation", OBSERVATIONS)
def test_many_are_the_same_as_one_by_one(observation: str) -> None:
    assert compare(90, 3, scenario="breakaway", observation=observation, image_size=(48, 64), frame_skip=3) > 3


@pytest.mark.parametrize("observation", ["pixels", "raw", "simple115v2"])
def test_many_with_several_players_each(observation: str) -> None:
    scenario = "academy_3_vs_1_with_keeper"
    compare(20, 2, scenario=scenario, observation=observation, image_size=(48, 64), control=(2, 1), frame_skip=4)


@pytest.mark.parametrize("rewards", ["scoring,checkpoints", "magebench"])
def test_many_are_paid_and_held_as_one_by_one(rewards: str) -> None:
    compare(50, 3, scenario="breakaway", observation="simple115v2", rewards=rewards, hold_until_changed=True)


def test_vector_plays_whole_games_like_single_envs() -> None:
    compare(40, 2, scenario="11_vs_11_stochastic", observation="smm", control=(11, 1), frame_skip=3)


def test_an_episode_that_ended_starts_anew_at_the_next_step_whatever_the_action() -> None:
    env = FootballVectorEnv(2, "academy_empty_goal_close", "text", frame_skip=400)
    env.reset(seed=0)
    _, _, terminated, truncated, infos = env.step(np.zeros(2, int))
    assert (truncated ^ terminated).all() and (infos["steps_left"] < 400).all()
    _, rewards, terminated, truncated, infos = env.step(np.full(2, 12))
    assert rewards.tolist() == [0, 0] and not (terminated | truncated).any()
    assert infos["steps_left"].tolist() == [400, 400]


def test_infos_are_of_their_own_moment() -> None:
    env = FootballVectorEnv(2, "breakaway", "simple115v2")
    _, infos = env.reset(seed=0)
    hashes = list(infos["state_hash"])
    words = infos["text"][:]
    *_, later = env.step(np.array([5, 5]))
    assert list(infos["state_hash"]) == hashes != list(later["state_hash"])
    assert infos["text"][0] == words[0] and later["text"][1] != words[1]
    assert len(infos["text"]) == 2 and infos["text"][-1] == words[1]
    with pytest.raises(IndexError):
        infos["text"][2]


def test_vector_render_gives_a_frame_of_each_match() -> None:
    env = FootballVectorEnv(3, "breakaway", "text", render_mode="rgb_array", render_size=(48, 64))
    env.reset(seed=0)
    frames = env.render()
    assert len(frames) == 3 and frames[0].shape == (48, 64, 3)
    single = FootballEnv("breakaway", "text", render_mode="rgb_array", render_size=(48, 64))
    single.reset(seed=2)
    assert np.array_equal(single.render(), frames[2])


def test_step_with_a_wrong_number_of_actions_raises() -> None:
    env = FootballVectorEnv(2, "breakaway", "text")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action"):
        env.step(np.zeros(4, int))
    with pytest.raises(ValueError, match="num_envs must be at least 1"):
        FootballVectorEnv(0, "breakaway")
