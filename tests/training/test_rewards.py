"""Outcome + format → one number, with its parts kept; episodes sorted into groups."""

import pytest

from agents.episodes import Ended, Episode, Start, Turn
from envs.reply import Reply
from envs.task import Observation
from envs.task_config import TaskConfig
from training.rewards import reward_parts
from training.trajectory import make_groups


def episode(rewards: list[float], valid: list[bool], success: bool = False, group: int = 0) -> Episode:
    turns = [
        Turn(Observation(None, ""), "", "", Reply("", "", 1 if good else None), reward, f"hash{number}")
        for number, (reward, good) in enumerate(zip(rewards, valid, strict=True))
    ]
    return Episode(Start(10 + group, 0, group), turns, Ended.COMPLETED, success)


TASK = TaskConfig()
RETURN = TaskConfig(reward="return", format_reward=0.5)


def test_success_and_format() -> None:
    assert reward_parts(episode([0, 1], [True, True], success=True), TASK) == {"outcome": 1.0, "format": 0.1}
    assert reward_parts(episode([0.3, 9], [True, True]), TASK) == {"outcome": 0.0, "format": 0.1}
    # three of four replies are valid: 0.1 x 3/4
    parts = reward_parts(episode([0] * 4, [True, False, True, True], success=True), TASK)
    assert parts == {"outcome": 1.0, "format": pytest.approx(0.075)}
    assert reward_parts(episode([0], [False]), TASK) == {"outcome": 0.0, "format": 0.0}


def test_return() -> None:
    parts = reward_parts(episode([0.1, -0.4, 1.0], [True, True, False], success=True), RETURN)
    assert parts == {"outcome": pytest.approx(0.7), "format": pytest.approx(0.5 * 2 / 3)}


def test_an_episode_without_a_turn_earns_nothing() -> None:
    assert reward_parts(Episode(Start(0, 0)), TASK) == {"outcome": 0.0, "format": 0.0}


def test_groups() -> None:
    played = [
        episode([1.0], [True], True, group=1),
        episode([0.0], [True], group=0),
        episode([0.0], [False], group=1),
        episode([0.5, 0.25], [True, True], group=0),
    ]
    groups = make_groups("sums", TASK, played)
    assert [(group.task, group.seed) for group in groups] == [("sums", 10), ("sums", 11)]
    assert [[player.episode for player in group.players] for group in groups] == [played[1::2], played[::2]]
    assert [player.reward for player in groups[1].players] == [pytest.approx(1.1), 0.0]
    two = groups[0].players[1]
    assert two.turn_rewards == [0.5, 0.25]
    assert two.state_hashes == ["hash0", "hash1"]
    assert two.ended is Ended.COMPLETED
    assert two.rewards == {"outcome": 0.0, "format": 0.1}
