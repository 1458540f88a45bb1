"""Chains of figures: the value found in one figure is given in the next."""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from envs.geometry.families.table import FAMILIES, Family
from envs.geometry.figure import KINDS, Angle, Asked, Figure, Length, check
from envs.geometry.plane import Point, UnfitError, pick, whole

TRIES = 400
"""Maximum number of attempts to draw a chain of the requested depth before raising ValueError."""

LARGEST = {"length": 60, "angle": 160, "area": 400, "number": 60}
"""Maximum of a value passed to the next figure, by kind. The minimum is 2."""


class Link(NamedTuple):
    """A figure of a chain, with the letters of the value it takes ("" for none) and of the value it gives."""

    figure: Figure
    takes: str
    gives: str
    family: str


def reachable(names: Iterable[str], depth: int) -> bool:
    """Return True if the families can be chained to this depth, judging by the kinds of values they take and give."""
    links = _links(names)
    return any(_leads_on(gives, links, depth - 1) for _, gives in links)


def draw_chain(rng: np.random.Generator, weights: Mapping[str, float], depth: int, level: float) -> list[Link]:
    """Draw a chain in which each figure after the first takes the value of the previous one.

    Args:
        rng: Random generator.
        weights: Family name → sampling weight.
        depth: Number of figures.
        level: Difficulty from 0 to 1.

    Raises:
        ValueError: No chain of this depth was found.
    """
    for _ in range(TRIES):
        chain = _try_chain(rng, weights, depth, level)
        if len(chain) == depth:
            break
    else:
        raise ValueError(
            f"no chain of depth {depth} was found for the families {', '.join(weights)}; add more or lower the depth"
        )
    letters = [*"abc"[: depth - 1], "x"]
    return [Link(figure, letters[k - 1] if k else "", letters[k], name) for k, (name, figure) in enumerate(chain)]


def _try_chain(
    rng: np.random.Generator, weights: Mapping[str, float], depth: int, level: float
) -> list[tuple[str, Figure]]:
    """Return families and their figures, without repeats if possible. If a value does not fit, the chain is short."""
    chain: list[tuple[str, Figure]] = []
    links = _links(weights)
    last: Asked | None = None
    while len(chain) < depth:
        left = depth - len(chain) - 1
        fits = {
            name: weight
            for name, weight in weights.items()
            if (last is None or _takes(FAMILIES[name].takes, KINDS[type(last)]))
            and _leads_on(FAMILIES[name].gives, links, left)
        }
        used = {name for name, _ in chain}
        fits = {name: weight for name, weight in fits.items() if name not in used} or fits
        if not fits:
            return chain
        total = np.cumsum(list(fits.values()))
        name = list(fits)[int(np.searchsorted(total, rng.random() * total[-1], side="right"))]
        figure = _try_figure(rng, FAMILIES[name], level, last)
        if figure is None or (left and not _leads(figure.asked)):
            return chain
        chain.append((name, figure))
        last = figure.asked
    return chain


def _leads(asked: Asked) -> bool:
    """Return True if the value is an integer that the next figure may take."""
    return isinstance(asked.value, int) and 2 <= asked.value <= LARGEST[KINDS[type(asked)]]


def _takes(takes: str, kind: str) -> bool:
    """Return True if a family can take a value of this kind. A bare number can be a length or an angle."""
    return takes == kind or (kind == "number" and takes in ("length", "angle"))


def _links(names: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset((FAMILIES[name].takes, FAMILIES[name].gives) for name in names)


@lru_cache
def _leads_on(kind: str, links: frozenset[tuple[str, str]], left: int) -> bool:
    """Return True if `left` more figures can follow one that gives this kind, judging by what they take and give."""
    return left < 1 or any(_takes(takes, kind) and _leads_on(gives, links, left - 1) for takes, gives in links)


def _try_figure(rng: np.random.Generator, family: Family, level: float, last: Asked | None) -> Figure | None:
    given = None if last is None else last.value
    if given is not None and not isinstance(given, int):
        return None
    for _ in range(60):
        try:
            figure = family.draw(rng, level, given)
        except UnfitError:
            continue
        check(figure)
        return figure
    return None


def distracted(figure: Figure, rng: np.random.Generator, level: float) -> Figure:
    """Return a figure, with some probability extended by a length that is not needed.

    Only figures with angles alone are extended. The probability grows with difficulty.

    Args:
        figure: Figure to extend.
        rng: Random generator.
        level: Difficulty from 0 to 1.
    """
    marks = (figure.asked, *figure.given, *figure.extra)
    if rng.random() >= 0.4 * level or any(not isinstance(mark, Angle) for mark in marks):
        return figure
    at = figure.points
    free = [name for name in figure.lines if not any(_parts(at[name[0]], at[name[1]], p) for p in at.values())]
    if not free:
        return figure
    line = pick(rng, free)
    value = whole(rng, 4, 25)
    times = value / math.dist(at[line[0]], at[line[1]])
    points = {name: (x * times, y * times) for name, (x, y) in at.items()}
    return figure._replace(points=points, extra=(*figure.extra, Length(line, value)))


def _parts(a: Point, b: Point, p: Point) -> bool:
    """Return True if p lies strictly inside the segment ab."""
    return p not in (a, b) and math.dist(a, p) + math.dist(p, b) < math.dist(a, b) * (1 + 1e-6)


def turned(figure: Figure, rng: np.random.Generator, level: float) -> Figure:
    """Return a figure that is mirrored or not, and rotated by an angle that grows with difficulty.

    Figures on squared paper are unchanged, and figures with sectors are not mirrored.

    Args:
        figure: Figure to transform.
        rng: Random generator.
        level: Difficulty from 0 to 1.
    """
    if figure.grid:
        return figure
    mirror = rng.random() < 0.5 and not figure.sectors
    turn = math.radians(rng.uniform(-1, 1) * (180 if level >= 0.6 else 0 if level < 0.3 else 25))
    cos, sin = math.cos(turn), math.sin(turn)

    def move(p: Point) -> Point:
        x, y = (-p[0] if mirror else p[0]), p[1]
        return x * cos - y * sin, x * sin + y * cos

    return figure._replace(points={name: move(p) for name, p in figure.points.items()})
