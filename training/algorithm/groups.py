"""Episodes as the tokens that were sampled, with their rewards and what they teach. T tokens, K turns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.chat.types import Branch
from agents.episodes.episode import Episode
from agents.episodes.rewards import reward_parts, turn_rewards
from envs.task.config import TaskConfig
from training.algorithm.advantages import ESTIMATORS, Array, Score
from training.config.algo import AlgoConfig


@dataclass(frozen=True)
class Trajectory:
    """One branch of one episode's context, ready to be learned from."""

    branch: Branch
    advantages: NDArray[np.float32]
    """[T], of each sampled token; 0 where the branch's loss_mask is false."""


@dataclass(frozen=True)
class Played:
    """One episode of a group, and what it earned."""

    episode: Episode
    rewards: dict[str, float]
    """Parts of the reward by name."""
    turn_rewards: list[float]
    """[K], the same reward by turns."""

    @property
    def reward(self) -> float:
        """The sum of the parts."""
        return sum(self.rewards.values())

    @property
    def score(self) -> Score:
        """What an estimator of advantages looks at."""
        return Score(self.reward, self.turn_rewards, [turn.state_hash for turn in self.episode.turns])

    def trajectories(self, advantages: Sequence[float] | Array) -> list[Trajectory]:
        """The episode's branches that have sampled tokens, each token with the advantage of its turn [K].

        Those of zeros only stay: they have no gain, but KL, and they count in the means of a loss. So a turn counts the
        same whether it shares its branch with others or not.
        """
        of_turn = np.asarray(advantages, dtype=np.float32)
        return [
            Trajectory(branch, np.where(branch.loss_mask, of_turn[branch.turn], np.float32(0)))
            for branch in self.episode.branches
            if branch.loss_mask.any()
        ]


@dataclass(frozen=True)
class Group:
    """The G episodes of one start."""

    task: str
    seed: int
    players: list[Played]

    @property
    def varied(self) -> bool:
        """Whether the episodes' rewards differ: other groups are left out (DAPO, arXiv 2503.14476).

        With `gigpo` too, where turns of equal episodes could differ, as when all of them succeed, but not as quickly.
        """
        rewards = [player.reward for player in self.players]
        return max(rewards) - min(rewards) > 1e-8

    @property
    def oldest(self) -> int | None:
        """The oldest version of the weights that sampled a token; None for players without tokens."""
        versions = [
            int(branch.policy_version[branch.loss_mask].min())
            for player in self.players
            for branch in player.episode.branches
            if branch.loss_mask.any()
        ]
        return min(versions, default=None)


@dataclass(frozen=True)
class Judged:
    """A group with what its turns are worth: what the learner learns from, and what the record shows."""

    group: Group
    advantages: list[Array]
    """The advantage of every turn [K], for each player; zeros in a group that does not differ."""

    def trajectories(self) -> list[Trajectory]:
        """Every branch of every episode with its advantages; a group that does not differ gives none."""
        if not self.group.varied:
            return []
        pairs = zip(self.group.players, self.advantages, strict=True)
        return [trajectory for player, advantages in pairs for trajectory in player.trajectories(advantages)]


def make_group(task: str, config: TaskConfig, episodes: Sequence[Episode]) -> Group:
    """The episodes of one start with their rewards."""
    players = [
        Played(one, reward_parts(one, config), [sum(parts.values()) for parts in turn_rewards(one, config)])
        for one in episodes
    ]
    return Group(task, episodes[0].start.seed, players)


def assign_advantages(groups: Sequence[Group], algo: AlgoConfig) -> list[Judged]:
    """The groups with every turn's advantage; the estimator sees those that differ only, the others have zeros."""
    scores = [[player.score for player in group.players] for group in groups if group.varied]
    estimated = iter(ESTIMATORS[algo.advantage](scores, algo))
    return [
        Judged(group, next(estimated) if group.varied else [np.zeros(len(p.turn_rewards)) for p in group.players])
        for group in groups
    ]
