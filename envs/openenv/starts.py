"""Starts of the training, validation and test splits on a server with OpenEnv's task API."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from envs.task.splits import TEST_FIRST, VALIDATION_FIRST, Split, split_of_seed

FIRST: Final[dict[Split, int]] = {"train": 0, "validation": VALIDATION_FIRST, "test": TEST_FIRST}
"""First seed of each split."""

Starts = dict[Split, tuple[str, int, int]]
"""Split → split of the server, first index, end."""


def checked(given: Mapping[str, Sequence[Any]] | None) -> Starts:
    """Return the starts of an argument, or raise a one-line ValueError."""
    if not given:
        return {}
    form = "starts must be {train: [split, first, end], validation: [...], test: [...]}"
    try:
        found: Starts = {split: (str(given[split][0]), int(given[split][1]), int(given[split][2])) for split in FIRST}
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError(f"{form}, got {given}") from None
    if not all(0 <= first < end for _, first, end in found.values()):
        raise ValueError(f"{form} with first < end, got {given}")
    return found


def selected(starts: Starts, seed: int) -> dict[str, Any]:
    """Return the fields of a reset that select the start of a seed. Without starts, the server takes the seed."""
    if not starts:
        return {"seed": seed}
    own = split_of_seed(seed)
    split, first, end = starts[own]
    return {"split": split, "index": first + (seed - FIRST[own]) % (end - first)}


def held_out(counts: Mapping[str, tuple[str, int]]) -> dict[str, list[Any]]:
    """Return split (train, validation, test) → [split of the server, first index, end]. No start is in two splits.

    A missing test split is the last fifth of the training split, and a missing validation split the last tenth of what
    is left of it.

    Args:
        counts: Type of a split → its name and its number of starts.
    """
    if not counts:
        return {}
    train, end = counts.get("train") or next(iter(counts.values()))
    found: dict[str, list[Any]] = {}
    for kind, share in (("test", 5), ("validation", 10)):
        if kind in counts and counts[kind][0] != train:
            found[kind] = [counts[kind][0], 0, counts[kind][1]]
        else:
            first = end - max(1, end // share)
            found[kind], end = [train, first, end], first
    return {"train": [train, 0, end], **found} if end > 0 else {}
