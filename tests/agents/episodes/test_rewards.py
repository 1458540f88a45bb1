"""Outcome + format → one number, with its parts kept, for an episode and for its turns."""

from pathlib import Path

import pytest

from agents.episodes.episode import Ended, Episode, Start, Turn
from agents.episodes.rewards import rewards_of
from configs.errors import UserError
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


def test_reward_success_gives_outcome_and_format_parts() -> None:
    assert rewards_of(episode([0, 1], [True, True], success=True), TASK).parts == {"outcome": 1.0, "format": 0.1}
    assert rewards_of(episode([0.3, 9], [True, True]), TASK).parts == {"outcome": 0.0, "format": 0.1}
    # three of four replies are valid: 0.1 x 3/4
    parts = rewards_of(episode([0] * 4, [True, False, True, True], success=True), TASK).parts
    assert parts == {"outcome": 1.0, "format": pytest.approx(0.075)}
    assert rewards_of(episode([0], [False]), TASK).parts == {"outcome": 0.0, "format": 0.0}


def test_reward_return_gives_the_env_rewards_as_outcome() -> None:
    parts = rewards_of(episode([0.1, -0.4, 1.0], [True, True, False], success=True), RETURN).parts
    assert parts == {"outcome": pytest.approx(0.7), "format": pytest.approx(0.5 * 2 / 3)}


def test_an_episode_without_a_turn_earns_nothing() -> None:
    assert rewards_of(Episode(Start(0, 0)), TASK).parts == {"outcome": 0.0, "format": 0.0}


@pytest.mark.parametrize("task", [TASK, RETURN])
def test_rewards_of_turns_sum_to_those_of_the_episode(task: TaskConfig) -> None:
    played = episode([0.5, 0.25, -1.0], [True, True, False], success=True)
    by_turn = rewards_of(played, task).turns
    share = task.format_reward / 3
    outcomes = [0.0, 0.0, 1.0] if task is TASK else [0.5, 0.25, -1.0]
    assert [parts["outcome"] for parts in by_turn] == outcomes
    assert [parts["format"] for parts in by_turn] == pytest.approx([share, share, 0.0])
    for name, total in rewards_of(played, task).parts.items():
        assert sum(parts[name] for parts in by_turn) == pytest.approx(total)


OWN = """
import numpy as np

def one(episode): return float(episode.success) - 0.01 * len(episode.turns)
def whole_number(episode): return 2
def numpy_number(episode): return np.float64(0.5)
def each(episode): return [turn.reward * 10 for turn in episode.turns]
def pair(episode): return (1, 2, 3)
def array(episode): return np.array([1.0, 2.0, 3.0])
def scalar_array(episode): return np.array(2.0)
def too_few(episode): return [1.0]
def too_many(episode): return [1.0] * 4
def nan(episode): return float("nan")
def infinite(episode): return [0.0, float("inf"), 0.0]
def text(episode): return "123"
def nothing(episode): return None
def nested(episode): return [[1.0], [2.0], [3.0]]
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_rewards.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("one", [0.0, 0.0, 0.97]),  # a single number goes to the last turn
        ("whole_number", [0.0, 0.0, 2.0]),
        ("numpy_number", [0.0, 0.0, 0.5]),
        ("scalar_array", [0.0, 0.0, 2.0]),
        ("each", [5.0, 2.5, -10.0]),
        ("pair", [1.0, 2.0, 3.0]),
        ("array", [1.0, 2.0, 3.0]),
    ],
)
def test_own_reward_gives_the_turns_their_outcomes(name: str, outcomes: list[float]) -> None:
    task = TaskConfig(reward=f"own_rewards:{name}", format_reward=0.3)
    rewards = rewards_of(episode([0.5, 0.25, -1.0], [True, True, False], success=True), task)
    assert [parts["outcome"] for parts in rewards.turns] == pytest.approx(outcomes)
    assert rewards.parts == pytest.approx({"outcome": sum(outcomes), "format": 0.2})
    assert rewards.turn_totals == pytest.approx([outcomes[0] + 0.1, outcomes[1] + 0.1, outcomes[2]])
    assert rewards.total == pytest.approx(sum(outcomes) + 0.2) == pytest.approx(sum(rewards.turn_totals))
    assert all(type(value) is float for parts in rewards.turns for value in parts.values())


@pytest.mark.usefixtures("own")
def test_own_reward_of_an_episode_without_turns_is_zero() -> None:
    task = TaskConfig(reward="own_rewards:whole_number")
    assert rewards_of(Episode(Start(0, 0)), task).parts == {"outcome": 0.0, "format": 0.0}


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ["too_few", "too_many", "nan", "infinite", "text", "nothing", "nested"])
def test_own_reward_with_a_wrong_result_is_one_line(name: str) -> None:
    task = TaskConfig(reward=f"own_rewards:{name}")
    with pytest.raises(UserError) as caught:
        rewards_of(episode([0.0] * 3, [True] * 3), task)
    message = str(caught.value)
    assert message.startswith(
        f"reward=own_rewards:{name}: expected one finite number or 3 numbers (one per turn), got "
    )
    assert "\n" not in message


@pytest.mark.usefixtures("own")
def test_own_reward_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^own_rewards:missing: module own_rewards has no missing$"):
        rewards_of(episode([0.0], [True]), TaskConfig(reward="own_rewards:missing"))
    with pytest.raises(ValueError, match="reward must be success, return, process, result or an import path"):
        TaskConfig(reward="own_rewards.missing")
