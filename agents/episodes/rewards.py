"""Rewards of an episode: outcome plus format, by part and by turn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.episodes.episode import Episode
from configs.errors import UserError
from configs.imports import load_object
from envs.task.config import TaskConfig


@dataclass(frozen=True)
class Rewards:
    """Reward of an episode of K turns, by part."""

    parts: dict[str, float]
    """Reward of the whole episode for each part: `outcome` and `format`."""
    turns: list[dict[str, float]]
    """[K] reward of each turn for each part. Their sums are `parts`."""

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return sum(self.parts.values())

    @property
    def turn_totals(self) -> list[float]:
        """[K] sum of the parts of each turn."""
        return [sum(parts.values()) for parts in self.turns]


def rewards_of(episode: Episode, config: TaskConfig) -> Rewards:
    """Return the rewards of an episode under a task's settings.

    The outcome is 1 in the last turn of a success for `reward: success`, the env rewards for `reward: return`, and the
    values of a function for `reward: module:name`. The format reward is `format_reward` times the fraction of valid
    replies, spread evenly over the valid turns. LMM-R1 (arXiv 2503.07536) adds accuracy and format in the same way.

    Raises:
        UserError: the task's own reward function cannot be imported, or returns anything but finite numbers.
    """
    count = len(episode.turns)
    if config.reward == "success":
        outcomes = [float(episode.success and number == count - 1) for number in range(count)]
        outcome = float(episode.success)
    elif config.reward == "return":
        outcomes, outcome = [turn.reward for turn in episode.turns], episode.env_return
    else:
        outcomes = _own_outcomes(config.reward, episode)
        outcome = sum(outcomes)
    share = config.format_reward / max(1, count)
    turns = [
        {"outcome": outcome, "format": share * turn.reply.valid}
        for outcome, turn in zip(outcomes, episode.turns, strict=True)
    ]
    return Rewards({"outcome": outcome, "format": config.format_reward * episode.valid}, turns)


def _own_outcomes(path: str, episode: Episode) -> list[float]:
    """Return the values [K] of a task's own reward function. A single number is credited to the last turn."""
    count = len(episode.turns)
    given: Any = load_object(path)(episode)
    values = list(given) if isinstance(given, Sequence) else [0.0] * (count - 1) + [given] * (count > 0)
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        numbers = [math.nan]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise UserError(f"reward={path}: one finite number, or {count} (one per turn), is expected; got {given!r}")
    return numbers
