"""Starts of the held-out splits (envs/task/splits.py), equal for all runs, policies and people."""

from agents.episodes.episode import Start
from agents.seeds import mix
from envs.task.splits import TEST_FIRST, VALIDATION_FIRST

__all__ = ["TEST_FIRST", "TRAIN_SEEDS", "VALIDATION_FIRST", "held_out_start", "held_out_starts"]

TRAIN_SEEDS = VALIDATION_FIRST
"""Number of training seeds, which begin at 0."""


def held_out_start(first: int, number: int) -> Start:
    """Return start `number`, counted from 0, of the split that begins at seed `first`."""
    return Start(first + number, mix(0, first, number), number)


def held_out_starts(first: int, episodes: int) -> tuple[Start, ...]:
    """Return the first `episodes` starts of the split that begins at seed `first`."""
    return tuple(held_out_start(first, number) for number in range(episodes))
