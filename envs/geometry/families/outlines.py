"""Families of polygons that ask for a side or the perimeter. `table.Family` documents the arguments."""

import math
from fractions import Fraction

import numpy as np

from envs.geometry.figure import Area, Figure, Length, Points, Shape, Value, root
from envs.geometry.plane import UnfitError, comparable, fair, length, pick, polar, triple, whole

SIDES = ("AB", "BC", "CA")


def rhombus_side(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a rhombus with its diagonals, which bisect each other at right angles."""
    a, b, c = triple(rng, level, leg=given)
    fair(a, b, least=0.5)
    points: Points = {"O": (0.0, 0.0), "A": (-float(a), 0.0), "B": (0.0, -float(b)), "C": (float(a), 0.0)}
    points["D"] = (0.0, float(b))
    ticks = tuple((side, 1) for side in ("AB", "BC", "CD", "DA"))
    return Figure(
        points,
        ("AB", "BC", "CD", "DA", "AC", "BD"),
        Length("CD", c),
        (Length("AO", a), Length("OB", b)),
        f"√({a}² + {b}²) = √{a * a + b * b}",
        "ABCD is a rhombus; its diagonals meet at O.",
        right=("AOB",),
        ticks=ticks,
    )


def square_diagonal(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a square with its diagonal. The side gives the diagonal, or the reverse."""
    n = given or length(rng, level)
    up = rng.random() < 0.5
    side = n if up else n / math.sqrt(2)
    points: Points = {"A": (0.0, 0.0), "B": (side, 0.0), "C": (side, side), "D": (0.0, side)}
    ticks = tuple((name, 1) for name in ("AB", "BC", "CD", "DA"))
    asked, known = (Length("AC", root(2, n)), Length("AB", n))
    if not up:
        asked, known = Length("AB", root(2, Fraction(n, 2))), Length("AC", n)
    return Figure(
        points,
        ("AB", "BC", "CD", "DA", "AC"),
        asked,
        (known,),
        f"{n}*√2" if up else f"{n}/√2",
        "Quadrilateral ABCD with its diagonal AC.",
        right=("DAB",),
        ticks=ticks,
        seen="{0} {x}" if up else "{x} {0}",
    )


def regular_perimeter(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a polygon with equal ticks on all sides, and ask for its perimeter."""
    n = pick(rng, (3, 4, 5, 6) if level < 0.5 else (5, 6, 7, 8, 9, 10))
    side = given or length(rng, level)
    radius = side / (2 * math.sin(math.pi / n))
    names = "ABCDEFGHIJ"[:n]
    points: Points = {name: polar(radius, 90 + 180 / n + 360 * k / n) for k, name in enumerate(names)}
    sides = tuple(names[k] + names[(k + 1) % n] for k in range(n))
    return Figure(
        points,
        sides,
        Length(names, n * side),
        (Length("AB", side),),
        f"{n}*{side}",
        f"Polygon {names}.",
        ticks=tuple((name, 1) for name in sides),
        seen=f"{n} {{0}}",
    )


def steps_perimeter(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw an L-shape with two sides unlabelled, and ask for its perimeter."""
    wide = given or length(rng, level, 5)
    tall = comparable(rng, wide, 0.7, 1.3)
    x, y = whole(rng, 0.3 * wide, 0.7 * wide), whole(rng, 0.3 * tall, 0.7 * tall)
    points: Points = {"A": (0.0, 0.0), "B": (float(wide), 0.0), "C": (float(wide), float(y)), "D": (float(x), float(y))}
    points |= {"E": (float(x), float(tall)), "F": (0.0, float(tall))}
    lines = ("AB", "BC", "CD", "DE", "EF", "FA")
    extra = (Length("BC", y), Length("EF", x)) if rng.random() < level else ()
    return Figure(
        points,
        lines,
        Length("ABCDEF", 2 * (wide + tall)),
        (Length("AB", wide), Length("FA", tall)),
        f"2*({wide} + {tall})",
        "Polygon ABCDEF.",
        right=("FAB", "ABC", "BCD", "DEF", "EFA"),
        extra=extra,
    )


def square_side(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a square with its area given, and ask for its side."""
    area = given or (length(rng, level) ** 2 if rng.random() > 0.4 * level else whole(rng, 5, 30 + 100 * level))
    side = math.sqrt(area)
    points: Points = {"A": (0.0, 0.0), "B": (side, 0.0), "C": (side, side), "D": (0.0, side)}
    shapes = (Shape("ABCD"),)
    return Figure(
        points,
        ("AB", "BC", "CD", "DA"),
        Length("AB", _root(area)),
        (Area(shapes, area, "the square"),),
        f"√{area}",
        "ABCD is a square.",
        right=("DAB",),
        ticks=tuple((name, 1) for name in ("AB", "BC", "CD", "DA")),
    )


def _root(number: int) -> Value:
    side = math.isqrt(number)
    return side if side * side == number else root(number)


def rectangle_side(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a rectangle with its area and one side given, and ask for the other side."""
    if given is None:
        wide = length(rng, level, 3)
        area = wide * comparable(rng, wide, 0.45, 0.9)
    else:
        area = given
        wide = whole(rng, math.sqrt(area), 1.5 * math.sqrt(area))
    tall = Fraction(area, wide)
    if tall.denominator > (1 if level < 0.5 else 4):
        raise UnfitError
    fair(wide, tall, least=0.4)
    points: Points = {"A": (0.0, 0.0), "B": (float(wide), 0.0), "C": (float(wide), float(tall))}
    points["D"] = (0.0, float(tall))
    return Figure(
        points,
        ("AB", "BC", "CD", "DA"),
        Length("BC", tall),
        (Area((Shape("ABCD"),), area, "the rectangle"), Length("AB", wide)),
        f"{area}/{wide}",
        "ABCD is a rectangle.",
        right=("DAB", "ABC", "BCD", "CDA"),
    )
