"""Episodes become trajectories: every token carries the advantage of its turn."""

import numpy as np
import pytest

from agents.chat.types import TokenSequence
from agents.episodes.episode import Ended, Episode, Start, Turn
from envs.task.config import TaskConfig
from envs.task.reply import Reply
from envs.task.task import Observation
from training.algorithm.groups import Group, Played, make_group

CONFIG = TaskConfig(id="kickoff/Football-v0", actions=["left", "right"], format_reward=0.1)


def turn(valid: bool, reward: float, state: str) -> Turn:
    reply = Reply("", "left", (0,) if valid else (), "" if valid else "no")
    return Turn(Observation(None, ""), "", "", reply, reward, state)


def sequence(turns: list[int], mask: list[int], versions: list[int]) -> TokenSequence:
    length = len(turns)
    return TokenSequence(
        np.arange(length, dtype=np.int32),
        np.array(mask, dtype=bool),
        np.zeros(length, dtype=np.float32),
        np.array(turns, dtype=np.int16),
        np.array(versions, dtype=np.int32),
        (),
        (),
    )


def episode(success: bool, *turns: Turn, sequences: tuple[TokenSequence, ...] = ()) -> Episode:
    return Episode(Start(5, 6), list(turns), Ended.COMPLETED, success, sequences=sequences)


def test_rewards_by_hand() -> None:
    winner = episode(True, turn(True, 0.0, "a"), turn(False, 0.0, "b"), turn(True, 1.0, "c"), turn(True, 0.0, "d"))
    loser = episode(False, turn(False, 0.0, "a"))
    group = make_group("football", CONFIG, [winner, loser])
    assert (group.task, group.seed, group.varied, group.oldest) == ("football", 5, True, None)
    first, second = group.players
    assert first.rewards == {"outcome": 1.0, "format": pytest.approx(0.075)}  # three replies of four are valid
    assert first.score.turn_rewards == pytest.approx([0.025, 0.0, 0.025, 1.025])  # 0.1 / 4 each; success at the end
    assert first.score.reward == pytest.approx(1.075) == sum(first.turn_rewards)
    assert first.score.state_hashes == ["a", "b", "c", "d"]
    assert second.score.reward == 0.0 == second.rewards["outcome"]
    assert not make_group("football", CONFIG, [loser, loser]).varied
    quick, slow = (episode(True, *[turn(True, float(last), "a") for last in range(turns)]) for turns in (2, 3))
    equal = make_group("football", CONFIG, [quick, slow])
    assert not equal.varied  # although the turns before the last were played in the same state, and one was in vain


def test_every_token_has_the_advantage_of_its_turn() -> None:
    # The context of turn 1 shows turn 0 and its reply too, but trains its own reply only.
    sequences = (
        sequence([0, 0, 0], [0, 1, 1], [-1, 3, 4]),
        sequence([0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 1], [-1, 3, 4, -1, 5, 5]),
        sequence([1, 2, 2], [0, 0, 1], [-1, -1, 6]),
    )
    played = Played(episode(True, sequences=sequences), {"outcome": 1.0}, [0.0, 0.0, 1.0])
    first, second, last = played.trajectories([0.5, 0.0, -2.0])
    assert first.advantages.tolist() == [0.0, 0.5, 0.5] and first.advantages.dtype == np.float32
    assert second.advantages.tolist() == [0.0] * 6  # turn 1 has no gain, and counts all the same
    assert last.advantages.tolist() == [0.0, 0.0, -2.0]
    assert (first.sequence, second.sequence, last.sequence) == sequences
    assert [one.advantages.any() for one in played.trajectories(np.zeros(3))] == [False] * 3
    silent = Played(episode(True, sequences=(sequence([0, 0], [0, 0], [-1, -1]),)), {"outcome": 1.0}, [1.0])
    assert silent.trajectories([0.5]) == []  # nothing was sampled
    assert Group("football", 5, [played]).oldest == 3
