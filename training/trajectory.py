"""Trajectory and Group: episodes as the tokens that were sampled, with their rewards."""

from dataclasses import dataclass

from agents.conversation import Branch
from agents.episodes import Ended, Episode
from envs.task_config import TaskConfig
from training.rewards import reward_parts


@dataclass(frozen=True)
class Trajectory:
    """One branch of one episode's context."""

    branch: Branch
    advantage: float
    """Of the whole episode; every sampled token of the branch carries it."""


@dataclass(frozen=True)
class Player:
    """One episode of a group, and what it earned."""

    episode: Episode
    rewards: dict[str, float]
    """Reward parts by name."""

    @property
    def reward(self) -> float:
        """The sum of the parts."""
        return sum(self.rewards.values())

    @property
    def turn_rewards(self) -> list[float]:
        """The env's reward of each turn."""
        return [turn.reward for turn in self.episode.turns]

    @property
    def state_hashes(self) -> list[str]:
        """The state in which each turn was played."""
        return [turn.state_hash for turn in self.episode.turns]

    @property
    def ended(self) -> Ended:
        """How the episode ended."""
        return self.episode.ended


@dataclass(frozen=True)
class Group:
    """The G episodes of one start."""

    task: str
    seed: int
    players: list[Player]


def make_groups(task: str, config: TaskConfig, episodes: list[Episode]) -> list[Group]:
    """Episodes sorted into their groups, in the order of the groups' numbers."""
    by_group: dict[int, list[Episode]] = {}
    for episode in episodes:
        by_group.setdefault(episode.start.group, []).append(episode)
    return [
        Group(task, members[0].start.seed, [Player(episode, reward_parts(episode, config)) for episode in members])
        for _, members in sorted(by_group.items())
    ]
