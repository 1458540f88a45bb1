"""Rewards: outcome + format → one number, with its parts kept."""

from agents.episodes.episode import Episode
from envs.task.config import TaskConfig


def turn_rewards(episode: Episode, config: TaskConfig) -> list[dict[str, float]]:
    """The parts of an episode's reward, by turns; summed, they are those of `reward_parts`.

    outcome: 1 in the last turn of a success and else 0, or the env's own rewards; format: each valid reply's share of
    `format_reward` (LMM-R1, arXiv 2503.07536, adds accuracy and format in the same way).
    """
    share = config.format_reward / max(1, len(episode.turns))
    last = len(episode.turns) - 1
    return [
        {
            "outcome": float(episode.success and number == last) if config.reward == "success" else turn.reward,
            "format": share * turn.reply.valid,
        }
        for number, turn in enumerate(episode.turns)
    ]


def reward_parts(episode: Episode, config: TaskConfig) -> dict[str, float]:
    """The parts of an episode's reward: the outcome, and `format_reward` times the share of valid replies."""
    outcome = float(episode.success) if config.reward == "success" else episode.env_return
    return {"outcome": outcome, "format": config.format_reward * episode.valid}
