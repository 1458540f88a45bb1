"""Starts of the held-out splits (envs/task/splits.py), equal for all runs, policies and people."""

from agents.episodes.episode import Start
from agents.seeds import mix
from envs.task import splits

VALIDATION_FIRST = splits.VALIDATION_FIRST
"""First env seed of the validation split. Training seeds are below."""
TEST_FIRST = splits.TEST_FIRST
"""First env seed of the test split."""
TRAIN_SEEDS = VALIDATION_FIRST
"""Number of training seeds, which begin at 0."""


def held_out_start(first: int, number: int) -> Start:
    """Return start `number`, counted from 0, of the split that begins at seed `first`."""
    return Start(first + number, mix(0, first, number), number)


def held_out_starts(first: int, episodes: int) -> tuple[Start, ...]:
    """Return the first `episodes` starts of the split that begins at seed `first`."""
    return tuple(held_out_start(first, number) for number in range(episodes))
