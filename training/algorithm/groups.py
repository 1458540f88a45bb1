"""Groups of episodes with their rewards, advantages and trajectories.

Shapes: G episodes per group, K turns per episode, T tokens per sequence.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agents.chat.types import TokenSequence
from agents.episodes.episode import Episode
from agents.episodes.rewards import Rewards, rewards_of
from envs.task.config import TaskConfig
from training.algorithm.advantages import Array, Score, estimator
from training.config.algo import AlgoConfig


@dataclass(frozen=True)
class Trajectory:
    """Token sequence of an episode with its advantages: one training sample."""

    sequence: TokenSequence
    advantages: NDArray[np.float32]
    """[T] advantage of each sampled token. 0 where the sequence's loss_mask is false."""


@dataclass(frozen=True)
class Group:
    """Episodes with the same env seed, their rewards and, once estimated, their advantages."""

    task: str
    seed: int
    episodes: list[Episode]
    """[G] episodes."""
    rewards: list[Rewards]
    """[G] rewards of each episode."""
    advantages: list[Array] | None = None
    """[G] advantages [K] of the turns. Zeros in a group that is not learned from."""
    filtered: bool = False
    """True if the reward-variance filter leaves out the group."""
    role: str = ""
    """Role in self-play: `TASK/SEAT/KIND` with the kind of opponent. Empty outside self-play."""
    opponent: str = ""
    """Name of the opponent in self-play."""
    baseline: float | None = None
    """Running mean reward of the role, for the estimator `spiral`, or None for other estimators."""

    @property
    def varied(self) -> bool:
        """True if the episodes' rewards differ. Training leaves out other groups (DAPO, arXiv 2503.14476).

        It also applies to `gigpo`, although its turn advantages can differ in a group with equal rewards. With a
        `baseline`, a group with equal rewards is learned from too, unless they equal the baseline.
        """
        totals = [rewards.total for rewards in self.rewards]
        if self.baseline is not None:
            totals.append(self.baseline)
        return max(totals) - min(totals) > 1e-8

    @property
    def learned(self) -> bool:
        """True if training learns from the group: its rewards differ and the filter keeps it."""
        return self.varied and not self.filtered

    @property
    def oldest(self) -> int | None:
        """Oldest weights version that sampled a token, or None without sampled tokens."""
        versions = [
            int(sequence.policy_version[sequence.loss_mask].min())
            for episode in self.episodes
            for sequence in episode.sequences
            if sequence.loss_mask.any()
        ]
        return min(versions, default=None)

    @property
    def scores(self) -> list[Score]:
        """[G] input of the advantage estimator for each episode."""
        return [
            Score(
                *(rewards.total, rewards.turn_totals, [turn.state_hash for turn in episode.turns]),
                *(rewards.parts, self.baseline),
            )
            for episode, rewards in zip(self.episodes, self.rewards, strict=True)
        ]

    def trajectories(self) -> list[Trajectory]:
        """Return each token sequence with its advantages, or an empty list if the group is not learned from.

        Sequences with zero advantages stay. They contribute to the KL term and to the denominators of a loss. A turn
        thus has the same weight whether or not it shares its sequence with other turns.
        """
        if not self.learned:
            return []
        assert self.advantages is not None
        found = []
        for episode, advantages in zip(self.episodes, self.advantages, strict=True):
            of_turn = np.asarray(advantages, dtype=np.float32)
            found += [
                Trajectory(sequence, np.where(sequence.loss_mask, of_turn[sequence.turn], np.float32(0)))
                for sequence in episode.sequences
                if sequence.loss_mask.any()
            ]
        return found


def make_group(task: str, config: TaskConfig, episodes: Sequence[Episode]) -> Group:
    """Return the group of some episodes, with their rewards.

    Args:
        task: Name of the task.
        config: Settings of the task.
        episodes: [G] episodes with the same env seed.
    """
    return Group(task, episodes[0].start.seed, list(episodes), [rewards_of(episode, config) for episode in episodes])


def with_advantages(groups: Sequence[Group], algo: AlgoConfig) -> list[Group]:
    """Return the groups with the advantage of every turn, after the reward-variance filter.

    The estimator receives only the groups to learn from. The other groups get zeros.
    """
    groups = filter_by_variance(groups, algo.keep_groups)
    estimated = iter(estimator(algo.advantage)([group.scores for group in groups if group.learned], algo))
    return [
        replace(
            group,
            advantages=next(estimated)
            if group.learned
            else [np.zeros(len(rewards.turns)) for rewards in group.rewards],
        )
        for group in groups
    ]


def filter_by_variance(groups: Sequence[Group], keep: float) -> list[Group]:
    """Mark the groups with the lowest reward variance as filtered.

    Source: the top-k form of the SNR-aware filter of RAGEN-2 (arXiv 2604.06268). Its top-p form keeps groups up to a
    fraction of the total variance instead.

    Args:
        groups: Groups of a step.
        keep: Fraction of the groups with differing rewards to keep, rounded up. Of equal variances, the earlier group
            is kept.
    """
    varied = [number for number, group in enumerate(groups) if group.varied]
    variances = {number: np.var([rewards.total for rewards in groups[number].rewards]) for number in varied}
    ranked = sorted(varied, key=lambda number: -round(float(variances[number]), 9))
    left_out = set(ranked[math.ceil(keep * len(varied) - 1e-9) :])
    return [replace(group, filtered=number in left_out) for number, group in enumerate(groups)]
