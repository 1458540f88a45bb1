"""Outcome + format → one number, with its parts kept, for an episode and for its turns."""

import pytest

from agents.episodes.episode import Ended, Episode, Start, Turn
from agents.episodes.rewards import rewards_of
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
    assert rewards_of(episode([0, 1], [True, True], success=True), TASK).parts == {"outcome": 1.0, "format": 0.1}
    assert rewards_of(episode([0.3, 9], [True, True]), TASK).parts == {"outcome": 0.0, "format": 0.1}
    # three of four replies are valid: 0.1 x 3/4
    parts = rewards_of(episode([0] * 4, [True, False, True, True], success=True), TASK).parts
    assert parts == {"outcome": 1.0, "format": pytest.approx(0.075)}
    assert rewards_of(episode([0], [False]), TASK).parts == {"outcome": 0.0, "format": 0.0}


def test_return() -> None:
    parts = rewards_of(episode([0.1, -0.4, 1.0], [True, True, False], success=True), RETURN).parts
    assert parts == {"outcome": pytest.approx(0.7), "format": pytest.approx(0.5 * 2 / 3)}


def test_an_episode_without_a_turn_earns_nothing() -> None:
    assert rewards_of(Episode(Start(0, 0)), TASK).parts == {"outcome": 0.0, "format": 0.0}


@pytest.mark.parametrize("task", [TASK, RETURN])
def test_rewards_by_turns_are_the_same_rewards(task: TaskConfig) -> None:
    played = episode([0.5, 0.25, -1.0], [True, True, False], success=True)
    by_turn = rewards_of(played, task).turns
    share = task.format_reward / 3
    outcomes = [0.0, 0.0, 1.0] if task is TASK else [0.5, 0.25, -1.0]
    assert [parts["outcome"] for parts in by_turn] == outcomes
    assert [parts["format"] for parts in by_turn] == pytest.approx([share, share, 0.0])
    for name, total in rewards_of(played, task).parts.items():
        assert sum(parts[name] for parts in by_turn) == pytest.approx(total)
