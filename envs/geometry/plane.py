"""Plane geometry, and random integers for the sizes of figures."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

import numpy as np

Point = tuple[float, float]
Item = TypeVar("Item")


class UnfitError(Exception):
    """These numbers give no legible figure. The caller draws others."""


def polar(radius: float, degrees: float, centre: Point = (0.0, 0.0)) -> Point:
    """Return the point at a distance and direction from the centre.

    Args:
        radius: Distance from the centre.
        degrees: Direction in degrees, anticlockwise from the right.
        centre: Centre.
    """
    turn = math.radians(degrees)
    return centre[0] + radius * math.cos(turn), centre[1] + radius * math.sin(turn)


def part(a: Point, b: Point, share: float) -> Point:
    """Return the point at a fraction of the way from a to b.

    Args:
        a: Start.
        b: End.
        share: Fraction of the way. 1.5 is beyond b.
    """
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def meet(a: Point, b: Point, c: Point, d: Point) -> Point:
    """Return the intersection of the lines ab and cd.

    Args:
        a: Point on the first line.
        b: Another point on the first line.
        c: Point on the second line.
        d: Another point on the second line.
    """
    across = (b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0])
    return part(a, b, ((c[0] - a[0]) * (d[1] - c[1]) - (c[1] - a[1]) * (d[0] - c[0])) / across)


def foot(point: Point, a: Point, b: Point) -> Point:
    """Return the foot of the perpendicular from a point to the line ab.

    Args:
        point: Point.
        a: Point on the line.
        b: Another point on the line.
    """
    along = (point[0] - a[0]) * (b[0] - a[0]) + (point[1] - a[1]) * (b[1] - a[1])
    return part(a, b, along / math.dist(a, b) ** 2)


def angle(a: Point, vertex: Point, b: Point) -> float:
    """Return the angle at the vertex, from 0 to 180 degrees.

    Args:
        a: Point on the first arm.
        vertex: Vertex.
        b: Point on the second arm.
    """
    (ax, ay), (bx, by) = ((p[0] - vertex[0], p[1] - vertex[1]) for p in (a, b))
    return math.degrees(abs(math.atan2(ax * by - ay * bx, ax * bx + ay * by)))


def area(corners: Sequence[Point]) -> float:
    """Return the area of a polygon by the shoelace formula."""
    pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
    return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in pairs)) / 2


def centre_of(a: Point, b: Point, c: Point) -> Point:
    """Return the centre of the circle through the points a, b and c."""
    d = 2 * (a[0] * (b[1] - c[1]) + b[0] * (c[1] - a[1]) + c[0] * (a[1] - b[1]))
    aa, bb, cc = (p[0] ** 2 + p[1] ** 2 for p in (a, b, c))
    return (
        (aa * (b[1] - c[1]) + bb * (c[1] - a[1]) + cc * (a[1] - b[1])) / d,
        (aa * (c[0] - b[0]) + bb * (a[0] - c[0]) + cc * (b[0] - a[0])) / d,
    )


def by_angles(at_a: float, at_b: float, side: float = 10) -> dict[str, Point]:
    """Return the triangle ABC with the base AB and two given angles.

    Args:
        at_a: Angle at A in degrees.
        at_b: Angle at B in degrees.
        side: Length of AB.
    """
    height = side / (1 / math.tan(math.radians(at_a)) + 1 / math.tan(math.radians(at_b)))
    return {"A": (0.0, 0.0), "B": (float(side), 0.0), "C": (height / math.tan(math.radians(at_a)), height)}


def by_sides(ab: float, bc: float, ca: float) -> dict[str, Point]:
    """Return the triangle ABC with the base AB and given sides.

    Args:
        ab: Length of AB.
        bc: Length of BC.
        ca: Length of CA.

    Raises:
        UnfitError: There is no such triangle, or it is too flat.
    """
    x = (ab**2 + ca**2 - bc**2) / (2 * ab)
    if ca**2 - x**2 < (0.25 * max(ab, bc, ca)) ** 2:
        raise UnfitError
    return {"A": (0.0, 0.0), "B": (float(ab), 0.0), "C": (x, math.sqrt(ca**2 - x**2))}


def pick(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """Return a random item. Raise UnfitError if there is none."""
    if not items:
        raise UnfitError
    return items[int(rng.integers(len(items)))]


def whole(rng: np.random.Generator, low: float, high: float) -> int:
    """Return a random integer.

    Args:
        rng: Random generator.
        low: Lower bound, inclusive.
        high: Upper bound, inclusive.

    Raises:
        UnfitError: There is no integer in the range.
    """
    first, last = math.ceil(low), math.floor(high)
    if first > last:
        raise UnfitError
    return int(rng.integers(first, last + 1))


def degrees(rng: np.random.Generator, level: float, low: float, high: float) -> int:
    """Return a random angle in degrees: a multiple of 10 at low difficulty, then of 5, then any integer.

    Args:
        rng: Random generator.
        level: Difficulty from 0 to 1.
        low: Lower bound, inclusive.
        high: Upper bound, inclusive.
    """
    step = 10 if level < 0.25 else 5 if level < 0.5 else 1
    return step * whole(rng, low / step, high / step)


def length(rng: np.random.Generator, level: float, low: float = 2) -> int:
    """Return a random length from `low` to a maximum that grows with difficulty, from 9 to 25.

    Args:
        rng: Random generator.
        level: Difficulty from 0 to 1.
        low: Lower bound, inclusive.
    """
    return whole(rng, low, 9 + 16 * level)


def comparable(rng: np.random.Generator, other: float, low: float = 0.5, high: float = 1.8) -> int:
    """Return a random length in proportion to another one.

    Args:
        rng: Random generator.
        other: Other length.
        low: Minimum ratio to `other`.
        high: Maximum ratio to `other`.
    """
    return whole(rng, max(other * low, 1), other * high)


def fair(*lengths: float | Fraction, least: float = 0.28) -> None:
    """Raise UnfitError if a length is too short, relative to another, to be legible."""
    if min(lengths) < least * max(lengths):
        raise UnfitError


def triples(longest: int) -> list[tuple[int, int, int]]:
    """Return right triangles (leg, leg, hypotenuse) with integer sides and legs of similar length, in both orders."""
    found = []
    for a in range(3, longest):
        for b in range(a + 1, longest):
            c = math.isqrt(a * a + b * b)
            if c * c == a * a + b * b and c <= longest and a >= 0.4 * b:
                found += [(a, b, c), (b, a, c)]
    return found


_TRIPLES = triples(85)


def triple(rng: np.random.Generator, level: float, leg: int | None = None, long: int | None = None) -> tuple[int, ...]:
    """Return a random right triangle (leg, leg, hypotenuse) with integer sides.

    Args:
        rng: Random generator.
        level: Difficulty from 0 to 1. It bounds the hypotenuse if no side is given.
        leg: First leg, or None for any.
        long: Hypotenuse, or None for any.
    """
    fits = [sides for sides in _TRIPLES if leg in (None, sides[0]) and long in (None, sides[2])]
    if leg is None and long is None:
        fits = [sides for sides in fits if sides[2] <= 15 + 50 * level]
    return pick(rng, fits)
