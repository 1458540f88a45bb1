"""Rewards: outcome + format → one number, with its parts kept."""

from agents.episodes import Episode
from envs.task_config import TaskConfig


def reward_parts(episode: Episode, config: TaskConfig) -> dict[str, float]:
    """The parts of an episode's reward.

    outcome: 1 for success and else 0, or the env's return; format: `format_reward` times the share of valid replies
    (LMM-R1, arXiv 2503.07536, adds accuracy and format in the same way).
    """
    outcome = float(episode.success) if config.reward == "success" else episode.env_return
    return {"outcome": outcome, "format": config.format_reward * episode.valid}
