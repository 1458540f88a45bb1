"""Metrics of a step: parts of the reward, and retrieval accuracy (1 if every start has its own replies)."""

import numpy as np
import pytest

from agents.episodes.episode import Episode, Start, Turn
from agents.episodes.rewards import Rewards
from envs.task.reply import Reply
from envs.task.task import Observation
from training.algorithm.groups import Group
from training.rollout.metrics import describe, retrieval_accuracy


def group(seed: int, *replies: str, task: str = "a") -> Group:
    episodes = [
        Episode(Start(seed, number), [Turn(Observation(None, ""), "", words, Reply("", "", ()), 0.0, "")])
        for number, words in enumerate(replies)
    ]
    return Group(task, seed, episodes, [Rewards({"outcome": 0.0}, [{"outcome": 0.0}])] * len(replies))


def test_a_part_of_the_reward_is_the_mean_of_the_tasks_that_have_it() -> None:
    plain, seen = group(1, "a", "b"), group(2, "a", "b", task="c")
    seen.rewards[:] = [Rewards({"outcome": 1.0, "transcript": value}, [{}]) for value in (0.5, 0.1)]
    metrics = describe([plain, seen])
    assert (metrics["reward/outcome"], metrics["reward/transcript"]) == (0.5, pytest.approx(0.3))


def test_retrieval_accuracy_is_1_if_every_start_has_its_own_replies() -> None:
    groups = [group(1, "the box is near", "push the box"), group(2, "the goal is far", "reach the goal")]
    assert retrieval_accuracy(groups) == 1.0


def test_retrieval_accuracy_of_one_reply_to_all_starts_is_chance() -> None:
    groups = [group(seed, *["go left"] * 4) for seed in range(3)]
    assert retrieval_accuracy(groups) == pytest.approx(3 / 11)  # 3 of the 11 others have the same start


def test_retrieval_accuracy_matches_hand_computation() -> None:
    # "x" is most similar to "x y" (a common word; "z" and "w" have none), and "x y" to "x". "z" and "w" have nothing
    # in common with any other, so that all three others are nearest and one of them has their start.
    groups = [group(1, "x", "z"), group(2, "x y", "w")]
    assert retrieval_accuracy(groups) == pytest.approx((0 + 1 / 3 + 0 + 1 / 3) / 4)


def test_retrieval_accuracy_of_different_replies_without_regard_to_the_start_is_near_chance() -> None:
    """Template collapse: every reply differs, but not with the start."""
    rng = np.random.default_rng(0)

    def reply() -> str:
        return "I look at the board and " + " ".join(rng.choice(list("abcdefghijklmnop"), 8))

    groups = [group(seed, *(reply() for _ in range(8))) for seed in range(40)]
    found = retrieval_accuracy(groups)
    assert found is not None and abs(found - 7 / 319) < 0.03
    told = [group(seed, *(f"{reply()} at {seed}" for _ in range(8))) for seed in range(40)]
    found = retrieval_accuracy(told)
    assert found is not None and found > 0.5


def test_retrieval_accuracy_compares_within_a_task() -> None:
    groups = [group(1, "x", "x"), group(2, "x", "x"), group(1, "y", "y", task="b"), group(2, "y", "y", task="b")]
    assert retrieval_accuracy(groups) == pytest.approx(1 / 3)


def test_retrieval_accuracy_without_two_starts_of_a_task_is_none() -> None:
    assert retrieval_accuracy([group(1, "x", "y"), group(1, "z", "y", task="b")]) is None
    assert retrieval_accuracy([group(1, "x"), group(2, "y")]) is None
    assert retrieval_accuracy([]) is None
