"""Families of straight-line figures that ask for an area. `table.Family` documents the arguments."""

import math
from fractions import Fraction

import numpy as np

from envs.geometry.figure import Area, Figure, Length, Points, Shape, root
from envs.geometry.plane import UnfitError, comparable, fair, length, polar, whole

SHADED = "the shaded region"


def _half(number: int, level: float) -> Fraction | int:
    """Return half of a number, which must be an integer at low difficulty."""
    if number % 2 and level < 0.3:
        raise UnfitError
    return number // 2 if number % 2 == 0 else Fraction(number, 2)


def triangle_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a triangle: half a side times its altitude, which may fall outside at high difficulty."""
    base = given or length(rng, level, 4)
    tall = comparable(rng, base, 0.5, 1.1)
    outside = rng.random() < 0.5 * level
    x = base * (rng.uniform(1.15, 1.4) if outside else rng.uniform(0.25, 0.75))
    points: Points = {"A": (0.0, 0.0), "B": (float(base), 0.0), "C": (x, float(tall)), "H": (x, 0.0)}
    words = f"Triangle ABC; H lies on AB{' beyond B' if outside else ''}."
    return Figure(
        points,
        ("AB", "BC", "CA"),
        Area((Shape("ABC"),), _half(base * tall, level), "the triangle"),
        (Length("AB", base), Length("CH", tall)),
        f"{base}*{tall}/2",
        words,
        right=("CHA",),
        dashed=("CH", "BH") if outside else ("CH",),
        wide=("AB",),
    )


def parallelogram_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a parallelogram: a side times its altitude. The slanted side is not needed."""
    base = given or length(rng, level, 5)
    tall, lean = comparable(rng, base, 0.4, 0.8), comparable(rng, base, 0.2, 0.45)
    slant = math.isqrt(tall**2 + lean**2)
    points: Points = {"A": (0.0, 0.0), "B": (float(base), 0.0), "C": (float(base + lean), float(tall))}
    points |= {"D": (float(lean), float(tall)), "H": (float(lean), 0.0)}
    extra = (Length("DA", slant),) if slant**2 == tall**2 + lean**2 else ()
    return Figure(
        points,
        ("AB", "BC", "CD", "DA"),
        Area((Shape("ABCD"),), base * tall, "the parallelogram"),
        (Length("CD", base), Length("DH", tall)),
        f"{base}*{tall}",
        "Quadrilateral ABCD; H lies on AB.",
        right=("DHB",),
        arrows=(("AB", 1), ("CD", 1), ("BC", 2), ("DA", 2)),
        dashed=("DH",),
        extra=extra,
    )


def trapezium_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a trapezium: the mean of the parallel sides times their distance."""
    bottom = given or length(rng, level, 6)
    top, tall = comparable(rng, bottom, 0.35, 0.7), comparable(rng, bottom, 0.4, 0.7)
    shift = whole(rng, 0.1 * bottom, 0.9 * (bottom - top))
    points: Points = {"A": (0.0, 0.0), "B": (float(bottom), 0.0), "C": (float(shift + top), float(tall))}
    points |= {"D": (float(shift), float(tall)), "H": (float(shift), 0.0)}
    return Figure(
        points,
        ("AB", "BC", "CD", "DA"),
        Area((Shape("ABCD"),), _half((bottom + top) * tall, level), "the trapezium"),
        (Length("AB", bottom), Length("CD", top), Length("DH", tall)),
        f"({bottom} + {top})*{tall}/2",
        "Quadrilateral ABCD; H lies on AB.",
        right=("DHB",),
        arrows=(("AB", 1), ("CD", 1)),
        dashed=("DH",),
        wide=("AB",),
    )


def kite_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a kite: half the product of its perpendicular diagonals."""
    half = given or length(rng, level, 3)
    up, down = comparable(rng, half, 0.5, 0.9), comparable(rng, half, 1.0, 1.9)
    points: Points = {"E": (0.0, 0.0), "A": (-float(half), 0.0), "B": (0.0, -float(down)), "C": (float(half), 0.0)}
    points["D"] = (0.0, float(up))
    return Figure(
        points,
        ("AB", "BC", "CD", "DA", "AC", "BD"),
        Area((Shape("ABCD"),), half * (up + down), "the kite"),
        (Length("AE", half), Length("ED", up), Length("EB", down)),
        f"{half}*({up} + {down})",
        "The diagonals of the quadrilateral ABCD meet at E.",
        right=("DEC",),
        ticks=(("DA", 1), ("CD", 1), ("AB", 2), ("BC", 2)),
    )


def steps_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw an L-shape and ask for its area. Some sides follow from the others."""
    wide = given or length(rng, level, 5)
    tall = comparable(rng, wide, 0.7, 1.3)
    x, y = whole(rng, 0.3 * wide, 0.7 * wide), whole(rng, 0.3 * tall, 0.7 * tall)
    points: Points = {"A": (0.0, 0.0), "B": (float(wide), 0.0), "C": (float(wide), float(y)), "D": (float(x), float(y))}
    points |= {"E": (float(x), float(tall)), "F": (0.0, float(tall))}
    marks: tuple[Length, ...] = (Length("AB", wide), Length("FA", tall))
    if rng.random() < level:
        marks += (Length("CD", wide - x), Length("DE", tall - y))
        working, seen = f"{wide}*{tall} - {wide - x}*{tall - y}", "{0} {1} . {2} {3} ."
    else:
        marks += (Length("EF", x), Length("BC", y))
        working, seen = f"{x}*{tall} + {wide - x}*{y}", "{0} {1} {2} . . {3}"
    return Figure(
        points,
        ("AB", "BC", "CD", "DE", "EF", "FA"),
        Area((Shape("ABCDEF"),), x * tall + (wide - x) * y, SHADED),
        marks,
        working,
        "Polygon ABCDEF.",
        right=("FAB", "ABC", "BCD", "DEF", "EFA"),
        seen=seen,
    )


def frame_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a rectangle with a smaller rectangle cut out."""
    wide = given or whole(rng, 8, 11 + 14 * level)
    tall = comparable(rng, wide, 0.7, 1.1)
    w, h = whole(rng, 0.35 * wide, 0.5 * wide), whole(rng, 0.35 * tall, 0.5 * tall)
    x, y = (wide - w) * 0.5, (tall - h) * 0.5
    points: Points = {
        "A": (0.0, 0.0),
        "B": (float(wide), 0.0),
        "C": (float(wide), float(tall)),
        "D": (0.0, float(tall)),
    }
    points |= {"E": (x, y), "F": (x + w, y), "G": (x + w, y + h), "H": (x, y + h)}
    value = wide * tall - w * h
    return Figure(
        points,
        ("AB", "BC", "CD", "DA", "EF", "FG", "GH", "HE"),
        Area((Shape("ABCD"), Shape("EFGH", sign=-1)), value, SHADED),
        (Length("AB", wide), Length("BC", tall), Length("EF", w), Length("FG", h)),
        f"{wide}*{tall} - {w}*{h}",
        "The rectangle EFGH lies within the rectangle ABCD.",
        right=("DAB", "ABC", "BCD", "HEF", "EFG", "FGH"),
    )


def cut_triangle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a rectangle with a triangle cut out."""
    wide = given or length(rng, level, 5)
    tall = comparable(rng, wide, 0.6, 1.0)
    p, q = whole(rng, 0.45 * wide, 0.75 * wide), whole(rng, 0.45 * tall, 0.75 * tall)
    points: Points = {
        "A": (0.0, 0.0),
        "B": (float(wide), 0.0),
        "C": (float(wide), float(tall)),
        "D": (0.0, float(tall)),
    }
    points |= {"E": (float(wide - p), float(tall)), "F": (float(wide), float(tall - q))}
    marks = (Length("AB", wide), Length("DA", tall), Length("EC", p), Length("CF", q))
    return Figure(
        points,
        ("AB", "BC", "CD", "DA", "EF"),
        Area((Shape("ABCD"), Shape("ECF", sign=-1)), wide * tall - _half(p * q, level), SHADED),
        marks,
        f"{wide}*{tall} - {p}*{q}/2",
        "ABCD is a rectangle; E lies on CD, F on BC.",
        right=("DAB", "ABC", "ECF"),
    )


def equilateral_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw an equilateral triangle. Its area is a multiple of √3."""
    side = given or length(rng, level)
    points: Points = {"A": (0.0, 0.0), "B": (float(side), 0.0), "C": polar(side, 60)}
    return Figure(
        points,
        ("AB", "BC", "CA"),
        Area((Shape("ABC"),), root(3, Fraction(side * side, 4)), "the triangle"),
        (Length("AB", side),),
        f"√3*{side}²/4",
        "Triangle ABC.",
        ticks=(("AB", 1), ("BC", 1), ("CA", 1)),
    )


def overlap_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a triangle in a rectangle with the same base: half the area, regardless of the position of its apex."""
    wide = given or length(rng, level, 4)
    tall = comparable(rng, wide, 0.5, 1.0)
    fair(wide, tall, least=0.4)
    points: Points = {
        "A": (0.0, 0.0),
        "B": (float(wide), 0.0),
        "C": (float(wide), float(tall)),
        "D": (0.0, float(tall)),
    }
    points["E"] = (wide * rng.uniform(0.25, 0.75), float(tall))
    return Figure(
        points,
        ("AB", "BC", "CD", "DA", "AE", "BE"),
        Area((Shape("ABE"),), _half(wide * tall, level), SHADED),
        (Length("AB", wide), Length("BC", tall)),
        f"{wide}*{tall}/2",
        "ABCD is a rectangle; E lies on CD.",
        right=("DAB", "ABC", "BCD"),
    )
