"""Starts of the held-out splits, equal for all runs, policies and people."""

from agents.episodes.episode import Start
from agents.seeds import mix

# Env seeds of the splits are disjoint: training seeds are below 2**30, held-out seeds above.
TRAIN_SEEDS = 2**30
VALIDATION_FIRST = 2**30
"""First env seed of the validation split."""
TEST_FIRST = 2**30 + 2**29
"""First env seed of the test split."""


def held_out_start(first: int, number: int) -> Start:
    """Return start `number`, counted from 0, of the split that begins at seed `first`."""
    return Start(first + number, mix(0, first, number), number)


def held_out_starts(first: int, episodes: int) -> tuple[Start, ...]:
    """Return the first `episodes` starts of the split that begins at seed `first`."""
    return tuple(held_out_start(first, number) for number in range(episodes))
