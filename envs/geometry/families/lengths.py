"""Families of straight-line figures that ask for a length. `table.Family` documents the arguments."""

import math
from fractions import Fraction

import numpy as np

from envs.geometry.figure import Angle, Figure, Length, Points, Value, root
from envs.geometry.plane import UnfitError, by_sides, comparable, fair, foot, length, part, polar, triple, whole

SIDES = ("AB", "BC", "CA")


def pythagoras(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a right triangle with two given sides. At high difficulty the third may be a root."""
    if rng.random() < 0.5 * level:
        a = given or length(rng, level)
        b = comparable(rng, a)
        c: Value = root(a * a + b * b)
    else:
        a, b, c = triple(rng, level, leg=given)
    points: Points = {"A": (float(a), 0.0), "B": (0.0, float(b)), "C": (0.0, 0.0)}
    first, second, long = Length("CA", a), Length("BC", b), Length("AB", c)
    asked, given_marks = long, (first, second)
    working, seen = f"√({a}² + {b}²) = √{a * a + b * b}", "{0} {1} {x}"
    if isinstance(c, int) and rng.random() < 0.5:
        asked, given_marks = second, (first, long)
        working, seen = f"√({c}² - {a}²) = √{b * b}", "{0} {x} {1}"
    return Figure(points, SIDES, asked, given_marks, working, "Triangle ABC.", right=("BCA",), seen=seen)


def similar_triangles(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a triangle with a parallel to one side, which divides the other two in the same ratio."""
    p = given or length(rng, level, 3)
    q, r = comparable(rng, p, 0.5, 1.4), comparable(rng, p, 0.7, 1.5)
    s = Fraction(r * q, p)
    if s.denominator > (1 if level < 0.5 else 4):
        raise UnfitError
    fair(p, q, r, s, least=0.35)
    turn = whole(rng, 50, 80)
    points: Points = {"A": (0.0, 0.0), "D": polar(p, -90 - turn / 2), "B": polar(p + q, -90 - turn / 2)}
    points |= {"E": polar(r, -90 + turn / 2), "C": polar(float(r + s), -90 + turn / 2)}
    return Figure(
        points,
        ("AB", "AC", "BC", "DE"),
        Length("EC", s),
        (Length("AD", p), Length("DB", q), Length("AE", r)),
        f"{r}*{q}/{p}",
        "Triangle ABC; D lies on AB, E on AC.",
        arrows=(("DE", 1), ("BC", 1)),
    )


def crossed_triangles(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw two segments that cross between parallels and form similar triangles."""
    p = given or length(rng, level, 3)
    q, base = comparable(rng, p, 0.5, 1.5), comparable(rng, p, 0.7, 1.4)
    x = Fraction(base * q, p)
    if x.denominator > (1 if level < 0.5 else 4):
        raise UnfitError
    fair(p, q, base, x, least=0.4)
    # segments A-E-D and B-E-C; AB above is parallel to CD below
    turn = whole(rng, 55, 70)
    points: Points = {"E": (0.0, 0.0), "A": polar(p, 180 - turn)}
    points["B"] = (points["A"][0] + base, points["A"][1])
    if points["B"][0] < 0.15 * p:
        raise UnfitError
    k = q / p
    points |= {"D": (-k * points["A"][0], -k * points["A"][1]), "C": (-k * points["B"][0], -k * points["B"][1])}
    return Figure(
        points,
        ("AB", "CD", "AD", "BC"),
        Length("CD", x),
        (Length("AE", p), Length("ED", q), Length("AB", base)),
        f"{base}*{q}/{p}",
        "AD and BC cross at E.",
        arrows=(("AB", 1), ("CD", 1)),
    )


def midsegment(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw the segment between the midpoints of two sides of a triangle, which is half the third side."""
    half = given or length(rng, level)
    up = given is not None or rng.random() < 0.5
    points: Points = {"A": (0.0, 0.0), "B": (2.0 * half, 0.0)}
    points["C"] = (2 * half * rng.uniform(0.2, 0.8), 2 * half * rng.uniform(0.6, 0.9))
    points |= {"M": part(points["A"], points["C"], 0.5), "N": part(points["B"], points["C"], 0.5)}
    small, large = Length("MN", half), Length("AB", 2 * half)
    ticks = (("AM", 1), ("MC", 1), ("BN", 2), ("NC", 2))
    asked, given_mark = (large, small) if up else (small, large)
    return Figure(
        points,
        (*SIDES, "MN"),
        asked,
        (given_mark,),
        f"2*{half}" if up else f"{2 * half}/2",
        "Triangle ABC; M lies on AC, N on BC.",
        ticks=ticks,
        seen="{0} {x}" if up else "{x} {0}",
    )


def trapezium_middle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw the segment between the midpoints of a trapezium's legs, which is the mean of the parallel sides."""
    top = given or length(rng, level, 3)
    bottom = comparable(rng, top, 1.3, 2.5)
    if (top + bottom) % 2:
        raise UnfitError
    middle = (top + bottom) // 2
    tall = bottom * rng.uniform(0.5, 0.75)
    shift = (bottom - top) * rng.uniform(0.2, 0.8)
    points: Points = {"A": (0.0, 0.0), "B": (float(bottom), 0.0), "C": (shift + top, tall), "D": (shift, tall)}
    points |= {"M": part(points["A"], points["D"], 0.5), "N": part(points["B"], points["C"], 0.5)}
    ticks, arrows = (("AM", 1), ("MD", 1), ("BN", 2), ("NC", 2)), (("AB", 1), ("CD", 1))
    words = "Quadrilateral ABCD; M lies on AD, N on BC."
    lines = ("AB", "BC", "CD", "DA", "MN")
    upper, lower, mean = Length("CD", top), Length("AB", bottom), Length("MN", middle)
    asked, given_marks, working, seen = mean, (upper, lower), f"({top} + {bottom})/2", "{0} {x} {1}"
    if rng.random() < 0.5 * level:
        asked, given_marks, working, seen = lower, (upper, mean), f"2*{middle} - {top}", "{0} {1} {x}"
    return Figure(points, lines, asked, given_marks, working, words, ticks=ticks, arrows=arrows, seen=seen)


def median(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw the median to the hypotenuse of a right triangle, which is half of it."""
    half = given or length(rng, level)
    up = given is not None or rng.random() < 0.5
    turn = rng.uniform(65, 125)
    points: Points = {"M": (0.0, 0.0), "A": (-float(half), 0.0), "B": (float(half), 0.0), "C": polar(half, turn)}
    known, asked = Length("CM", half), Length("AB", 2 * half)
    if not up:
        known, asked = asked, known
    return Figure(
        points,
        (*SIDES, "CM"),
        asked,
        (known,),
        f"2*{half}" if up else f"{2 * half}/2",
        "Triangle ABC; M lies on AB.",
        right=("ACB",),
        ticks=(("AM", 1), ("MB", 1)),
        wide=("AB",),
        seen="{0} {x}" if up else "{x} {0}",
    )


def two_altitudes(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a triangle with two altitudes: the area from one side and its altitude gives the other altitude."""
    base = given or length(rng, level, 5)
    side = comparable(rng, base, 0.7, 1.3)
    tall = comparable(rng, base, 0.45, 0.95)
    if tall >= 0.97 * side:
        raise UnfitError
    x = Fraction(base * tall, side)
    if x.denominator > (2 if level < 0.5 else 12):
        raise UnfitError
    points: Points = {"A": (0.0, 0.0), "B": (float(base), 0.0)}
    points["C"] = (math.sqrt(side**2 - tall**2), float(tall))
    if not 0.25 * base < points["C"][0] < 0.8 * base:
        raise UnfitError
    points |= {"H": (points["C"][0], 0.0), "K": foot(points["B"], points["A"], points["C"])}
    if not 0.2 < math.dist(points["A"], points["K"]) / side < 0.85:
        raise UnfitError
    return Figure(
        points,
        (*SIDES, "CH", "BK"),
        Length("BK", x),
        (Length("AB", base), Length("CH", tall), Length("CA", side)),
        f"{base}*{tall}/{side}",
        "Triangle ABC; H lies on AB, K on AC.",
        right=("CHB", "BKC"),
        wide=("AB", "CA"),
    )


def bisector_theorem(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw an angle bisector, which divides the opposite side in the ratio of the other two sides."""
    side = given or length(rng, level, 4)
    other, p = comparable(rng, side, 0.6, 1.6), comparable(rng, side, 0.35, 0.8)
    q = Fraction(p * other, side)
    if q.denominator > (1 if level < 0.5 else 4):
        raise UnfitError
    fair(p, q, least=0.45)
    base = float(p + q)
    points = by_sides(base, other, side)
    points["D"] = (float(p), 0.0)
    return Figure(
        points,
        (*SIDES, "CD"),
        Length("DB", q),
        (Length("CA", side), Length("BC", other), Length("AD", p)),
        f"{p}*{other}/{side}",
        "Triangle ABC; D lies on AB.",
        arcs=(("ACD", 1), ("DCB", 1)),
    )


def special_right(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a triangle with angles of 30, 60 and 90 degrees, which is half of an equilateral triangle."""
    short = given or length(rng, level)
    points: Points = {"C": (0.0, 0.0), "A": (float(short), 0.0), "B": (0.0, short * math.sqrt(3))}
    at = Angle("CAB", 60) if rng.random() < 0.5 else Angle("ABC", 30)
    if rng.random() < 0.5:
        asked, working, seen = Length("AB", 2 * short), f"2*{short}", "{0} . {x}"
    else:
        asked, working, seen = Length("BC", root(3, short)), f"{short}*√3", "{0} {x} ."
    return Figure(points, SIDES, asked, (Length("CA", short), at), working, "Triangle ABC.", right=("BCA",), seen=seen)
