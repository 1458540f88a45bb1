"""Families of figures on squared paper, with points to be read. `table.Family` documents the arguments."""

import math
from fractions import Fraction

import numpy as np

from envs.geometry.figure import Area, Figure, Length, Number, Points, Shape, root
from envs.geometry.plane import UnfitError, pick, whole
from envs.geometry.plane import area as area_of

SHADED = "the shaded region"
GRID = "Each square of the grid has side 1."


def lattice_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a polygon on squared paper and ask for its area. The corners must be read."""
    n = 3 if level < 0.3 else int(rng.integers(3, 6))
    far = 5 + round(3 * level)
    middle = (far / 2, far / 2)
    spots = [(x, y) for x in range(far + 1) for y in range(far + 1)]
    corners = [pick(rng, spots) for _ in range(n)]
    corners.sort(key=lambda p: math.atan2(p[1] - middle[1], p[0] - middle[0]))
    turns = [math.atan2(p[1] - middle[1], p[0] - middle[0]) for p in corners]
    gaps = [(b - a) % (2 * math.pi) for a, b in zip(turns, turns[1:] + turns[:1], strict=True)]
    if not all(0.5 < gap < 2.9 for gap in gaps) or min(math.dist(p, middle) for p in corners) < 1.4:
        raise UnfitError
    names = "ABCDE"[:n]
    points: Points = {name: (float(x), float(y)) for name, (x, y) in zip(names, corners, strict=True)}
    value = Fraction(round(2 * area_of(list(points.values()))), 2)
    if value.denominator > 1 and level < 0.3:
        raise UnfitError
    lines = tuple(names[k] + names[(k + 1) % n] for k in range(n))
    pairs = zip(corners, corners[1:] + corners[:1], strict=True)
    edge = sum(math.gcd(q[0] - p[0], q[1] - p[1]) for p, q in pairs)  # Pick's theorem: inside + edge/2 - 1
    inside = value - Fraction(edge, 2) + 1
    return Figure(
        points,
        lines,
        Area((Shape(names),), value, SHADED),
        (),
        f"{inside} + {edge}/2 - 1",
        f"On squared paper with squares of side 1, the polygon {names}.",
        note=GRID,
        grid=True,
        seen=f"{inside} {edge}",
    )


def lattice_distance(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw two points on squared paper and ask for their distance."""
    far = 5 + round(3 * level)
    x, y = whole(rng, 1, far), whole(rng, 1, far)
    if max(x, y) < 3 or (level < 0.3 and math.isqrt(x * x + y * y) ** 2 != x * x + y * y):
        raise UnfitError
    flip = rng.random() < 0.5
    points: Points = {"A": (0.0, float(y) if flip else 0.0), "B": (float(x), 0.0 if flip else float(y))}
    n = x * x + y * y
    side = math.isqrt(n)
    return Figure(
        points,
        ("AB",),
        Length("AB", side if side * side == n else root(n)),
        (),
        f"√({x}² + {y}²) = √{n}",
        "On squared paper with squares of side 1.",
        note=GRID,
        grid=True,
        seen=f"{x} {y}",
        dots="AB",
        lettered=True,
    )


def lattice_slope(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a line on squared paper and ask for its slope."""
    far = 5 + round(3 * level)
    x, y = whole(rng, 1, far), whole(rng, -far, far)
    if y == 0 or x + abs(y) < 4 or (level < 0.3 and y % x):
        raise UnfitError
    points: Points = {"A": (0.0, float(max(-y, 0))), "B": (float(x), float(max(y, 0)))}

    def slope(at: Points) -> float:
        return (at["B"][1] - at["A"][1]) / (at["B"][0] - at["A"][0])

    asked = Number(Fraction(y, x), slope, "slope of the line AB")
    return Figure(
        points,
        ("AB",),
        asked,
        (),
        f"{y}/{x}",
        "On squared paper with squares of side 1.",
        note=GRID,
        grid=True,
        seen=f"{y} {x}",
        dots="AB",
        lettered=True,
    )
