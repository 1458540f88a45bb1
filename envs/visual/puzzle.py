"""The Puzzle type of the visual families, and their random helpers."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

import numpy as np

from render.visual.sheet import Scene

T = TypeVar("T")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Puzzle(NamedTuple):
    """A question about a scene that is not yet drawn."""

    scene: Scene
    text: str
    answer: int | Fraction | str
    thought: str
    """Short worked solution."""
    described: str
    """Text description of the scene, sufficient to answer the question without the image."""
    seen: str
    """Transcript: what must be read from the image for this question, in a fixed order."""


Family = Callable[[np.random.Generator, float], Puzzle]
"""Function that makes a puzzle from a generator and a difficulty in [0, 1]."""


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """Return a random option."""
    return options[int(rng.integers(len(options)))]


def sample(rng: np.random.Generator, options: Sequence[T], count: int) -> list[T]:
    """Return `count` distinct options in random order.

    Args:
        rng: Random generator.
        options: Options to draw from.
        count: Number of options to return, at most all of them.
    """
    return [options[int(index)] for index in rng.permutation(len(options))[:count]]


def between(low: float, high: float, difficulty: float) -> int:
    """Interpolate from low (difficulty 0) to high (difficulty 1) and round to an integer.

    Args:
        low: Value at difficulty 0.
        high: Value at difficulty 1.
        difficulty: Difficulty in [0, 1].
    """
    return round(low + (high - low) * difficulty)


def pick_kind(rng: np.random.Generator, kinds: dict[str, tuple[float, float]], difficulty: float) -> str:
    """Return a random kind of question that is available at this difficulty.

    Args:
        rng: Random generator.
        kinds: Kind → lowest and highest difficulty.
        difficulty: Difficulty in [0, 1].
    """
    return pick(rng, [kind for kind, (low, high) in kinds.items() if low <= difficulty <= high])


def listed(words: Sequence[str]) -> str:
    """Join words with commas and a final "and": a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
