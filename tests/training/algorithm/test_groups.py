"""Episodes become trajectories: every token carries the advantage of its turn."""

from dataclasses import replace

import numpy as np
import pytest

from agents.chat.types import TokenSequence
from agents.episodes.episode import Ended, Episode, Start, Turn
from agents.episodes.rewards import Rewards
from envs.task.config import TaskConfig
from envs.task.reply import Reply
from envs.task.task import Observation
from training.algorithm.groups import Group, make_group, with_advantages
from training.config.algo import AlgoConfig

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


def test_make_group_rewards_match_hand_computation() -> None:
    winner = episode(True, turn(True, 0.0, "a"), turn(False, 0.0, "b"), turn(True, 1.0, "c"), turn(True, 0.0, "d"))
    loser = episode(False, turn(False, 0.0, "a"))
    group = make_group("football", CONFIG, [winner, loser])
    assert (group.task, group.seed, group.varied, group.oldest) == ("football", 5, True, None)
    first, second = group.rewards
    assert first.parts == {"outcome": 1.0, "format": pytest.approx(0.075)}  # three replies of four are valid
    assert first.turn_totals == pytest.approx([0.025, 0.0, 0.025, 1.025])  # 0.1 / 4 each; success at the end
    assert first.total == pytest.approx(1.075) == sum(first.turn_totals)
    assert second.total == 0.0 == second.parts["outcome"]
    score = group.scores[0]
    assert (score.reward, score.turn_rewards) == (first.total, first.turn_totals)
    assert score.state_hashes == ["a", "b", "c", "d"] and score.parts == first.parts
    assert not make_group("football", CONFIG, [loser, loser]).varied
    quick, slow = (episode(True, *[turn(True, float(last), "a") for last in range(turns)]) for turns in (2, 3))
    equal = make_group("football", CONFIG, [quick, slow])
    assert not equal.varied  # although the turns before the last were played in the same state, and one was in vain


def test_trajectories_give_every_token_the_advantage_of_its_turn() -> None:
    # The context of turn 1 shows turn 0 and its reply too, but trains its own reply only.
    sequences = (
        sequence([0, 0, 0], [0, 1, 1], [-1, 3, 4]),
        sequence([0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 1], [-1, 3, 4, -1, 5, 5]),
        sequence([1, 2, 2], [0, 0, 1], [-1, -1, 6]),
    )
    winner, silent = (
        episode(True, sequences=sequences),
        episode(False, sequences=(sequence([0, 0], [0, 0], [-1, -1]),)),  # nothing was sampled
    )
    rewards = [
        Rewards({"outcome": 1.0}, [{"outcome": 0.0}, {"outcome": 0.0}, {"outcome": 1.0}]),
        Rewards({"outcome": 0.0}, [{"outcome": 0.0}]),
    ]
    group = Group("football", 5, [winner, silent], rewards, [np.array([0.5, 0.0, -2.0]), np.array([0.5])])
    first, second, last = group.trajectories()
    assert first.advantages.tolist() == [0.0, 0.5, 0.5] and first.advantages.dtype == np.float32
    assert second.advantages.tolist() == [0.0] * 6  # turn 1 has no gain, and counts all the same
    assert last.advantages.tolist() == [0.0, 0.0, -2.0]
    assert (first.sequence, second.sequence, last.sequence) == sequences
    zeros = replace(group, advantages=[np.zeros(3), np.zeros(1)])
    assert [one.advantages.any() for one in zeros.trajectories()] == [False] * 3
    assert group.oldest == 3


def test_trajectories_of_a_group_with_equal_rewards_are_none() -> None:
    turns = sequence([0, 0], [0, 1], [-1, 0])
    rewards = Rewards({"outcome": 1.0}, [{"outcome": 1.0}])
    group = Group("football", 5, [episode(True, sequences=(turns,))] * 2, [rewards] * 2, [np.ones(1)] * 2)
    assert group.trajectories() == []


def rewarded(*rewards: float) -> Group:
    """A group whose episodes have one turn and one sampled token."""
    turns = (sequence([0], [1], [0]),)
    episodes = [episode(False, turn(True, 0.0, "a"), sequences=turns) for _ in rewards]
    return Group("football", 5, episodes, [Rewards({"outcome": r}, [{"outcome": r}]) for r in rewards])


@pytest.mark.parametrize(
    ("keep", "kept"),
    # variances 3/16, 0, 1/4, 3/16 and 1/16; of equal ones, the first is kept
    [(1.0, [0, 2, 3, 4]), (0.75, [0, 2, 3]), (0.5, [0, 2]), (0.3, [0, 2]), (0.25, [2]), (0.01, [2])],
)
def test_reward_variance_filter_keeps_the_groups_with_the_highest_variance(keep: float, kept: list[int]) -> None:
    groups = [
        rewarded(1, 0, 0, 0),
        rewarded(1, 1, 1, 1),
        rewarded(1, 0, 1, 0),
        rewarded(1, 1, 1, 0),
        rewarded(0.5, 0, 0.5, 0),
    ]
    estimated = with_advantages(groups, AlgoConfig(advantage="dr_grpo", keep_groups=keep))
    assert [number for number, group in enumerate(estimated) if group.trajectories()] == kept
    assert [number for number, group in enumerate(estimated) if group.filtered] == [
        number for number in (0, 2, 3, 4) if number not in kept
    ]
    for number, group in enumerate(estimated):
        assert group.advantages is not None
        found = np.concatenate(group.advantages)
        assert found.any() == (number in kept)


def test_reward_variance_filter_comes_before_statistics_of_the_batch() -> None:
    # alone, the kept group has differences 0.5 and -0.5, and so their std
    kept, left_out = with_advantages(
        [rewarded(1, 0), rewarded(0.5, 0)], AlgoConfig(advantage="reinforce_pp", keep_groups=0.5)
    )
    assert kept.advantages == [np.array([1.0]), np.array([-1.0])] and left_out.advantages == [np.zeros(1)] * 2
