"""Outcome + format → one number, with its parts kept, for an episode and for its turns."""

import pytest

from agents.episodes.episode import Ended, Episode, Start, Turn
from agents.episodes.rewards import reward_parts, turn_rewards
from envs.task.config import TaskConfig
from envs.task.reply import Reply
from envs.task.task import Observation


def episode(rewards: list[float], valid: list[bool], success: bool = False, group: int = 0) -> Episode:
    turns = [
        Turn(Observation(None, ""), "", "", Reply("", "", (1,) if good else ()), reward, f"hash{number}")
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


@pytest.mark.parametrize("task", [TASK, RETURN])
def test_rewards_by_turns_are_the_same_rewards(task: TaskConfig) -> None:
    played = episode([0.5, 0.25, -1.0], [True, True, False], success=True)
    by_turn = turn_rewards(played, task)
    share = task.format_reward / 3
    outcomes = [0.0, 0.0, 1.0] if task is TASK else [0.5, 0.25, -1.0]
    assert [parts["outcome"] for parts in by_turn] == outcomes
    assert [parts["format"] for parts in by_turn] == pytest.approx([share, share, 0.0])
    for name, total in reward_parts(played, task).items():
        assert sum(parts[name] for parts in by_turn) == pytest.approx(total)
