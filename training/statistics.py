"""What a set of episodes comes to, with its uncertainty."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.episodes import Episode

RESAMPLES = 4000
"""Of the bootstrap."""


def wilson(successes: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95% interval of a share (Wilson, 1927): right also near 0 and 1."""
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap(values: Sequence[float]) -> tuple[float, float]:
    """The 95% interval of a mean, from the percentiles of resampled means (Efron, 1979); always the same draws."""
    given = np.asarray(values, np.float64)
    chosen = np.random.default_rng(0).integers(len(given), size=(RESAMPLES, len(given)))
    low, high = np.percentile(given[chosen].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def success_rate(episodes: Sequence[Episode]) -> dict[str, Any]:
    """Mean success, its 95% interval and the number of episodes."""
    successes = sum(episode.success for episode in episodes)
    low, high = wilson(successes, len(episodes))
    return {"mean": successes / len(episodes), "ci95": [low, high], "n": len(episodes)}


def mean_score(episodes: Sequence[Episode]) -> dict[str, Any] | None:
    """The benchmark's own score: mean, 95% interval and number of episodes; None where there is none."""
    scores = [episode.score for episode in episodes if episode.score is not None]
    if not scores:
        return None
    return {"mean": sum(scores) / len(scores), "ci95": list(bootstrap(scores)), "n": len(scores)}


def summary(episodes: Sequence[Episode], order: Sequence[str] = ()) -> dict[str, Any]:
    """All that is said of one player's episodes, and of each kind among them: first those in `order`, then by name."""
    if not episodes:
        return {"n": 0, "success": None, "score": None, "return": None, "valid": None, "turns": None, "kinds": {}}
    kinds: dict[str, list[Episode]] = {kind: [] for kind in order}
    for episode in episodes:
        kinds.setdefault(episode.kind, []).append(episode)
    more = sorted(set(kinds) - set(order), key=_natural)
    return {
        "n": len(episodes),
        "success": success_rate(episodes),
        "score": mean_score(episodes),
        "return": sum(episode.env_return for episode in episodes) / len(episodes),
        "valid": sum(episode.valid for episode in episodes) / len(episodes),
        "turns": sum(len(episode.turns) for episode in episodes) / len(episodes),
        "kinds": {kind: _of_kind(kinds[kind]) for kind in [*order, *more] if kind and kinds[kind]},
    }


def _natural(name: str) -> list[tuple[float, str]]:
    """A key that sorts 6x6 before 10x10."""
    return [(float(part), "") if part.isdigit() else (math.inf, part) for part in re.findall(r"[0-9]+|[^0-9]+", name)]


def _of_kind(episodes: Sequence[Episode]) -> dict[str, Any]:
    score = mean_score(episodes)
    return success_rate(episodes) | ({"score": score} if score else {})
