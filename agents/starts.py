"""The starts of the held-out splits: the same for every run, every policy and every person."""

from agents.episodes import Start
from agents.sampling import mix

# Env seeds of the three splits never meet: training draws below 2**30, held-out seeds lie above.
TRAIN_SEEDS = 2**30
VALIDATION_FIRST = 2**30
TEST_FIRST = 2**30 + 2**29


def held_out_starts(first: int, episodes: int, sampling_seed: int = 0) -> tuple[Start, ...]:
    """Held-out starts `first`, `first` + 1, …: the same for every run and every policy."""
    return tuple(Start(first + i, mix(sampling_seed, first, i), i) for i in range(episodes))
