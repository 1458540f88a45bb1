"""Statistics of episodes: means with 95% confidence intervals.

A stratum is a set of episodes with the same weight in a mean, such as the episodes of one task.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from agents.episodes.episode import Episode

_QUANTILES = {
    math.inf: 1.960, 120: 1.980, 60: 2.000, 30: 2.042, 20: 2.086, 15: 2.131, 12: 2.179, 10: 2.228, 9: 2.262, 8: 2.306,
    7: 2.365, 6: 2.447, 5: 2.571, 4: 2.776, 3: 3.182, 2: 4.303, 1: 12.706,
}  # fmt: skip
"""Degrees of freedom → two-sided 95% quantile of Student's t. It is nearly linear in the inverse of the key."""


def wilson(successes: float, n: float, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson interval of a proportion, which is also accurate near 0 and 1 (Wilson, 1927).

    Args:
        successes: Number of successes.
        n: Number of trials, greater than 0.
        z: Normal quantile. 1.96 gives the 95% interval.

    Returns:
        Lower and upper bound, from 0 to 1.
    """
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[float, float]:
    """Return the 95% interval of the change between two independent rates (Newcombe, 1998, method 10).

    Args:
        before: Result of `success_rate`.
        after: Another one.

    Returns:
        Lower and upper bound, from -1 to 1.
    """
    change, (low0, high0), (low1, high1) = after["mean"] - before["mean"], before["ci95"], after["ci95"]
    below = math.hypot(after["mean"] - low1, high0 - before["mean"])
    above = math.hypot(high1 - after["mean"], before["mean"] - low0)
    return change - below, change + above


def student(*strata: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95% interval of a mean (Student, 1908), or of the mean of several strata's means (Welch, 1947).

    The result is None if a stratum has fewer than two values, since its variance is unknown.
    """
    if any(len(values) < 2 for values in strata):
        return None
    parts = [float(np.var(values, ddof=1)) / len(values) for values in strata]
    mean = float(np.mean([np.mean(values) for values in strata]))
    if not any(parts):
        return mean, mean
    freedom = sum(parts) ** 2 / sum(part**2 / (len(values) - 1) for part, values in zip(parts, strata, strict=True))
    half = (
        float(np.interp(1 / freedom, [1 / known for known in _QUANTILES], [*_QUANTILES.values()]))
        * math.sqrt(sum(parts))
        / len(strata)
    )
    return mean - half, mean + half


def success_rate(*strata: Sequence[Episode]) -> dict[str, Any]:
    """Return mean success, its 95% interval and the number of episodes.

    The mean over several strata is the mean of their means. Its interval uses the effective number of episodes, which
    equals the total if the strata have equal sizes.
    """
    mean = sum(sum(episode.success for episode in part) / len(part) for part in strata) / len(strata)
    worth = len(strata) ** 2 / sum(1 / len(part) for part in strata)
    return {"mean": mean, "ci95": list(wilson(mean * worth, worth)), "n": sum(map(len, strata))}


def mean_score(*strata: Sequence[Episode]) -> dict[str, Any] | None:
    """Return mean, 95% interval and number of episodes of the benchmark's own score.

    The result is None if a stratum has no scores.
    """
    scores = [[episode.score for episode in part if episode.score is not None] for part in strata]
    if not all(scores):
        return None
    interval = student(*scores)
    return {
        "mean": float(np.mean([np.mean(part) for part in scores])),
        "ci95": list(interval) if interval else None,
        "n": sum(map(len, scores)),
    }


def summary(*tasks: Sequence[Episode]) -> dict[str, Any]:
    """Return all statistics of one policy's episodes, in total and by kind.

    Each argument has the episodes of one task. Every statistic is the mean over tasks, with equal weights. Kinds are
    sorted by task, then by name.
    """
    if not tasks:
        return {"n": 0, "success": None, "score": None, "return": None, "valid": None, "turns": None, "kinds": {}}
    kinds: dict[str, list[Episode]] = {}
    for part in tasks:
        for episode in sorted(part, key=lambda episode: _natural(episode.kind)):
            kinds.setdefault(episode.kind, []).append(episode)

    def mean(figure: Callable[[Episode], float]) -> float:
        return sum(sum(map(figure, part)) / len(part) for part in tasks) / len(tasks)

    return {
        "n": sum(map(len, tasks)),
        "success": success_rate(*tasks),
        "score": mean_score(*tasks),
        "return": mean(lambda episode: episode.env_return),
        "valid": mean(lambda episode: episode.valid),
        "turns": mean(lambda episode: len(episode.turns)),
        "kinds": {kind: _of_kind(played) for kind, played in kinds.items() if kind},
    }


def _natural(name: str) -> list[tuple[float, str]]:
    """Return a sort key that puts 6x6 before 10x10."""
    return [(float(part), "") if part.isdigit() else (math.inf, part) for part in re.findall(r"[0-9]+|[^0-9]+", name)]


def _of_kind(episodes: Sequence[Episode]) -> dict[str, Any]:
    score = mean_score(episodes)
    return success_rate(episodes) | ({"score": score} if score else {})
