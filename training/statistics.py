"""Success with its uncertainty."""

import math
from collections.abc import Sequence
from typing import Any

from agents.episodes import Episode


def wilson(successes: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95% interval of a share (Wilson, 1927): right also near 0 and 1."""
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def success_rate(episodes: Sequence[Episode]) -> dict[str, Any]:
    """Mean success, its 95% interval and the number of episodes."""
    successes = sum(episode.success for episode in episodes)
    low, high = wilson(successes, len(episodes))
    return {"mean": successes / len(episodes), "ci95": [low, high], "n": len(episodes)}
