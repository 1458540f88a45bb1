"""Plays groups of episodes concurrently: which starts, on which seeds."""

from collections.abc import Sequence

from agents.episodes import Start
from agents.sampling import mix

# Env seeds of the three splits never meet: training draws below 2**30, held-out seeds lie above.
TRAIN_SEEDS = 2**30
VALIDATION_FIRST = 2**30
TEST_FIRST = 2**30 + 2**29


def training_starts(run_seed: int, stage: int, step: int, task: int, groups: int, size: int) -> list[Start]:
    """The starts of one training step: `groups` env seeds, each played by `size` players with their own sampling."""
    starts = []
    for group in range(groups):
        seed = mix(run_seed, stage, step, task, group) % TRAIN_SEEDS
        starts += [Start(seed, mix(run_seed, stage, step, task, group, player), group) for player in range(size)]
    return starts


def held_out_starts(first: int, episodes: int, sampling_seed: int = 0) -> list[Start]:
    """Held-out starts `first`, `first` + 1, …: the same for every run and every policy."""
    return [Start(first + i, mix(sampling_seed, first, i), i) for i in range(episodes)]


def split(total: int, weights: Sequence[float]) -> list[int]:
    """`total` groups shared out among tasks by weight (largest remainder)."""
    scale = total / sum(weights)
    shares = [int(weight * scale) for weight in weights]
    remainders = sorted(range(len(weights)), key=lambda i: (shares[i] - weights[i] * scale, i))
    for i in remainders[: total - sum(shares)]:
        shares[i] += 1
    return shares
