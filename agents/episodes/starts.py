"""The starts of the held-out splits: the same for every run, every policy and every person."""

from agents.episodes.episode import Start
from agents.seeds import mix

# Env seeds of the three splits never meet: training draws below 2**30, held-out seeds lie above.
TRAIN_SEEDS = 2**30
VALIDATION_FIRST = 2**30
TEST_FIRST = 2**30 + 2**29


def held_out_start(first: int, number: int) -> Start:
    """The start of that number, from 0, in the split that begins at `first`."""
    return Start(first + number, mix(0, first, number), number)


def held_out_starts(first: int, episodes: int) -> tuple[Start, ...]:
    """Held-out starts `first`, `first` + 1, …: the same for every run and every policy."""
    return tuple(held_out_start(first, number) for number in range(episodes))
