"""Reward of an episode: outcome reward plus format reward."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from agents.episodes.episode import Episode
from configs.errors import UserError
from configs.imports import load_object
from envs.task.config import TaskConfig

RESULTS: Final = {"win": 1.0, "draw": 0.0, "loss": -1.0, "": 0.0}
"""Result of a match → reward."""


@dataclass(frozen=True)
class Rewards:
    """Reward of an episode with K turns, by parts."""

    parts: dict[str, float]
    """Part (`outcome`, `process`, `format`, `transcript`) → reward of the whole episode."""
    turns: list[dict[str, float]]
    """[K] part → reward of the turn. The sums over turns are `parts`."""

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return sum(self.parts.values())

    @property
    def turn_totals(self) -> list[float]:
        """[K] sum of the parts of each turn."""
        return [sum(parts.values()) for parts in self.turns]


def rewards_of(episode: Episode, config: TaskConfig) -> Rewards:
    """Return the rewards of an episode.

    - `outcome` depends on `reward`. `success` and `process` give 1 in the last turn of a successful episode. `result`
      gives 1, 0 or -1 there. `return` gives the env rewards. An import path `module:name` gives the values of that
      function.
    - `process`, for `reward: process`, gives the verdict on each reply (`agents.episodes.process`).
    - `transcript`, if the task asks for transcripts, gives `transcript_reward` / K times the accuracy of each turn.
    - `format` gives `format_reward` / K for each turn with a valid reply. LMM-R1 (arXiv 2503.07536) adds accuracy and
      format in the same way.

    Args:
        episode: Finished episode.
        config: Settings of its task.

    Raises:
        UserError: the reward function cannot be imported, or its result is invalid.
    """
    count = len(episode.turns)
    if config.reward in ("success", "process"):
        outcomes = [float(episode.success and number == count - 1) for number in range(count)]
        outcome = float(episode.success)
    elif config.reward == "result":
        outcome = RESULTS[episode.result]
        outcomes = [0.0] * (count - 1) + [outcome] * (count > 0)
    elif config.reward == "return":
        outcomes, outcome = [turn.reward for turn in episode.turns], episode.env_return
    else:
        outcomes = _own_outcomes(config.reward, episode)
        outcome = sum(outcomes)
    share, seen = config.format_reward / max(1, count), config.transcript_reward / max(1, count)
    turns = [
        {"outcome": outcome, "format": share * turn.reply.valid}
        | _process(config, turn.process)
        | _transcript(seen, turn.transcript)
        for outcome, turn in zip(outcomes, episode.turns, strict=True)
    ]
    parts = {"outcome": outcome, "format": config.format_reward * episode.valid}
    parts |= _process(config, sum(turn.process for turn in episode.turns))
    return Rewards(parts | _transcript(config.transcript_reward, episode.transcript), turns)


def _process(config: TaskConfig, verdict: float) -> dict[str, float]:
    return {"process": verdict} if config.reward == "process" else {}


def _transcript(weight: float, accuracy: float | None) -> dict[str, float]:
    return {} if accuracy is None else {"transcript": weight * accuracy}


def _own_outcomes(path: str, episode: Episode) -> list[float]:
    """Return the values [K] of a reward function. A single number goes to the last turn."""
    count = len(episode.turns)
    given: Any = load_object(path)(episode)
    many = isinstance(given, Iterable) and not isinstance(given, str) and getattr(given, "ndim", 1) > 0
    try:
        values = list(given) if many else [0.0] * (count - 1) + [given] * (count > 0)
        numbers = [math.nan if isinstance(value, str) else float(value) for value in values]
    except (TypeError, ValueError):
        numbers = [math.nan]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise UserError(f"reward={path}: expected one finite number or {count} numbers (one per turn), got {given!r}")
    return numbers
