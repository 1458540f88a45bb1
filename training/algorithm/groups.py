"""Episodes as the tokens that were sampled, with their rewards and what they teach. T tokens, K turns."""

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
    """One sequence of one episode's context, ready to be learned from."""

    sequence: TokenSequence
    advantages: NDArray[np.float32]
    """[T], of each sampled token; 0 where the branch's loss_mask is false."""


@dataclass(frozen=True)
class Group:
    """The G episodes of one start, with their rewards and, once they are estimated, their advantages."""

    task: str
    seed: int
    episodes: list[Episode]
    """[G]"""
    rewards: list[Rewards]
    """[G]"""
    advantages: list[Array] | None = None
    """[G] advantage of every turn [K]; zeros in a group whose rewards are equal."""

    @property
    def varied(self) -> bool:
        """True if the episodes' rewards differ; other groups are left out (DAPO, arXiv 2503.14476).

        The same holds for `gigpo`, although turns of equal episodes may differ, as when all of them succeed.
        """
        totals = [rewards.total for rewards in self.rewards]
        return max(totals) - min(totals) > 1e-8

    @property
    def oldest(self) -> int | None:
        """Oldest version of the weights that sampled a token; None for policies without tokens."""
        versions = [
            int(sequence.policy_version[sequence.loss_mask].min())
            for episode in self.episodes
            for sequence in episode.sequences
            if sequence.loss_mask.any()
        ]
        return min(versions, default=None)

    @property
    def scores(self) -> list[Score]:
        """[G] what an estimator of advantages sees of each episode."""
        return [
            Score(rewards.total, rewards.turn_totals, [turn.state_hash for turn in episode.turns])
            for episode, rewards in zip(self.episodes, self.rewards, strict=True)
        ]

    def trajectories(self) -> list[Trajectory]:
        """Return every token sequence with its advantages; a group without a difference has none.

        Sequences with zeros only stay: they add no gain, but a KL term, and they count in the means of a loss. So a
        turn counts the same whether it shares its sequence with other turns or not.
        """
        if not self.varied:
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
    """Return the episodes of one start with their rewards."""
    return Group(task, episodes[0].start.seed, list(episodes), [rewards_of(episode, config) for episode in episodes])


def with_advantages(groups: Sequence[Group], algo: AlgoConfig) -> list[Group]:
    """Return the groups with every turn's advantage; the estimator sees those that differ, the others have zeros."""
    estimated = iter(estimator(algo.advantage)([group.scores for group in groups if group.varied], algo))
    return [
        replace(
            group,
            advantages=next(estimated) if group.varied else [np.zeros(len(rewards.turns)) for rewards in group.rewards],
        )
        for group in groups
    ]
