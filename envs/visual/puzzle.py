"""What a family of visual questions gives, and the few ways in which they all draw by chance."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

import numpy as np

from render.visual.sheet import Scene

T = TypeVar("T")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Puzzle(NamedTuple):
    """A question about a scene that is not drawn yet."""

    scene: Scene
    text: str
    answer: int | Fraction | str
    thought: str
    """A short worked line."""
    described: str
    """The scene in words: with it the question can be answered unseen."""


Family = Callable[[np.random.Generator, float], Puzzle]
"""Makes a puzzle from a generator and a difficulty in [0, 1]."""


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of them."""
    return options[int(rng.integers(len(options)))]


def sample(rng: np.random.Generator, options: Sequence[T], count: int) -> list[T]:
    """`count` different ones, in any order."""
    return [options[int(index)] for index in rng.permutation(len(options))[:count]]


def between(low: float, high: float, difficulty: float) -> int:
    """The whole number on the way from low (difficulty 0) to high (difficulty 1)."""
    return round(low + (high - low) * difficulty)


def pick_kind(rng: np.random.Generator, kinds: dict[str, tuple[float, float]], difficulty: float) -> str:
    """One of the kinds of question whose range of difficulties holds this one."""
    return pick(rng, [kind for kind, (low, high) in kinds.items() if low <= difficulty <= high])


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
