"""Points of the plane, and draws of whole numbers that a figure can take."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

import numpy as np

Point = tuple[float, float]
Item = TypeVar("Item")


class UnfitError(Exception):
    """These numbers make no figure that can be read; draw others."""


def polar(radius: float, degrees: float, centre: Point = (0.0, 0.0)) -> Point:
    """The point at this distance and direction (anticlockwise from the right) from the centre."""
    turn = math.radians(degrees)
    return centre[0] + radius * math.cos(turn), centre[1] + radius * math.sin(turn)


def part(a: Point, b: Point, share: float) -> Point:
    """The point at this share of the way from a to b; 1.5 is beyond b."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def meet(a: Point, b: Point, c: Point, d: Point) -> Point:
    """Where the lines ab and cd meet."""
    across = (b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0])
    return part(a, b, ((c[0] - a[0]) * (d[1] - c[1]) - (c[1] - a[1]) * (d[0] - c[0])) / across)


def foot(point: Point, a: Point, b: Point) -> Point:
    """The foot of the perpendicular from a point to the line ab."""
    along = (point[0] - a[0]) * (b[0] - a[0]) + (point[1] - a[1]) * (b[1] - a[1])
    return part(a, b, along / math.dist(a, b) ** 2)


def angle(a: Point, vertex: Point, b: Point) -> float:
    """The angle at the vertex, from 0 to 180 degrees."""
    (ax, ay), (bx, by) = ((p[0] - vertex[0], p[1] - vertex[1]) for p in (a, b))
    return math.degrees(abs(math.atan2(ax * by - ay * bx, ax * bx + ay * by)))


def area(corners: Sequence[Point]) -> float:
    """The area of a polygon, by the shoelace formula."""
    pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
    return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in pairs)) / 2


def centre_of(a: Point, b: Point, c: Point) -> Point:
    """The centre of the circle through three points."""
    d = 2 * (a[0] * (b[1] - c[1]) + b[0] * (c[1] - a[1]) + c[0] * (a[1] - b[1]))
    aa, bb, cc = (p[0] ** 2 + p[1] ** 2 for p in (a, b, c))
    return (
        (aa * (b[1] - c[1]) + bb * (c[1] - a[1]) + cc * (a[1] - b[1])) / d,
        (aa * (c[0] - b[0]) + bb * (a[0] - c[0]) + cc * (b[0] - a[0])) / d,
    )


def by_angles(at_a: float, at_b: float, side: float = 10) -> dict[str, Point]:
    """The triangle ABC with the side AB below and these angles at A and B."""
    height = side / (1 / math.tan(math.radians(at_a)) + 1 / math.tan(math.radians(at_b)))
    return {"A": (0.0, 0.0), "B": (float(side), 0.0), "C": (height / math.tan(math.radians(at_a)), height)}


def by_sides(ab: float, bc: float, ca: float) -> dict[str, Point]:
    """The triangle ABC with the side AB below and these sides; UnfitError where it is flat or none."""
    x = (ab**2 + ca**2 - bc**2) / (2 * ab)
    if ca**2 - x**2 < (0.25 * max(ab, bc, ca)) ** 2:
        raise UnfitError
    return {"A": (0.0, 0.0), "B": (float(ab), 0.0), "C": (x, math.sqrt(ca**2 - x**2))}


def pick(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """One of the items; UnfitError where there is none."""
    if not items:
        raise UnfitError
    return items[int(rng.integers(len(items)))]


def whole(rng: np.random.Generator, low: float, high: float) -> int:
    """A whole number from low to high, both taken in; UnfitError where there is none."""
    first, last = math.ceil(low), math.floor(high)
    if first > last:
        raise UnfitError
    return int(rng.integers(first, last + 1))


def degrees(rng: np.random.Generator, level: float, low: float, high: float) -> int:
    """An angle from low to high: tens where it is easy, then fives, then any."""
    step = 10 if level < 0.25 else 5 if level < 0.5 else 1
    return step * whole(rng, low / step, high / step)


def length(rng: np.random.Generator, level: float, low: float = 2) -> int:
    """A length from low to 9 where it is easy, to 25 where it is hard."""
    return whole(rng, low, 9 + 16 * level)


def beside(rng: np.random.Generator, other: float, low: float = 0.5, high: float = 1.8) -> int:
    """A length that can stand beside another: `low` to `high` times as long."""
    return whole(rng, max(other * low, 1), other * high)


def fair(*lengths: float | Fraction, least: float = 0.28) -> None:
    """UnfitError where one length is too short beside another to be read."""
    if min(lengths) < least * max(lengths):
        raise UnfitError


def triples(longest: int) -> list[tuple[int, int, int]]:
    """Right triangles (leg, leg, hypotenuse) of whole sides, no leg much shorter than the other, both ways round."""
    found = []
    for a in range(3, longest):
        for b in range(a + 1, longest):
            c = math.isqrt(a * a + b * b)
            if c * c == a * a + b * b and c <= longest and a >= 0.4 * b:
                found += [(a, b, c), (b, a, c)]
    return found


_TRIPLES = triples(85)


def triple(rng: np.random.Generator, level: float, leg: int | None = None, long: int | None = None) -> tuple[int, ...]:
    """A right triangle (leg, leg, hypotenuse) with this first leg or hypotenuse, where one is given."""
    fits = [sides for sides in _TRIPLES if leg in (None, sides[0]) and long in (None, sides[2])]
    if leg is None and long is None:
        fits = [sides for sides in fits if sides[2] <= 15 + 50 * level]
    return pick(rng, fits)
