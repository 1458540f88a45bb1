"""Families of figures with a circle that ask for an area. `table.Family` documents the arguments."""

import math
from fractions import Fraction

import numpy as np

from envs.geometry.figure import Angle as AngleMark
from envs.geometry.figure import Area, Figure, Length, Points, Shape, Value, pi
from envs.geometry.plane import comparable, length, pick, polar

SHADED = "the shaded region"
TOUCH = "Lines that look tangent are."


def sector_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a sector. Its area is a multiple of π."""
    r, turn = (
        given or length(rng, level, 3),
        pick(rng, (60, 90, 120) if level < 0.4 else (40, 45, 60, 72, 80, 90, 120, 135)),
    )
    points: Points = {"O": (0.0, 0.0), "A": polar(r, 90 - turn / 2), "B": polar(r, 90 + turn / 2)}
    return Figure(
        points,
        ("OA", "OB"),
        Area((Shape("OAB", "sector"),), pi(Fraction(r * r * turn, 360)), "the sector"),
        (Length("OA", r), AngleMark("AOB", turn)),
        f"π*{r}²*{turn}/360",
        "A sector with the centre O.",
        sectors=("OAB",),
        dots="O",
    )


def ring_area(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw the ring between two concentric circles, with both radii or a chord tangent to the inner circle given."""
    small = given or length(rng, level, 2)
    if rng.random() < 0.5 * level:
        half = comparable(rng, small, 0.8, 1.6)
        large = math.sqrt(small**2 + half**2)
        points: Points = {"O": (0.0, 0.0), "M": (0.0, -float(small)), "A": (-float(half), -float(small))}
        points["B"] = (float(half), -float(small))
        marks: tuple[Length, ...] = (Length("OM", small), Length("AB", 2 * half))
        return Figure(
            points,
            ("AB", "OM"),
            _ring("OA", "OM", pi(half * half)),
            marks,
            f"π*({2 * half}/2)²",
            "AB is a chord of the outer circle around O and touches the inner one at M.",
            circles=("OA", "OM"),
            right=("OMB",),
            dots="O",
            wide=("AB",),
            note=TOUCH,
        )
    large = comparable(rng, small, 1.5, 2.5)
    points = {"O": (0.0, 0.0), "M": polar(small, 205), "A": polar(large, 335)}
    return Figure(
        points,
        ("OM", "OA"),
        _ring("OA", "OM", pi(large**2 - small**2)),
        (Length("OM", small), Length("OA", large)),
        f"π*({large}² - {small}²)",
        "Two circles around O.",
        circles=("OA", "OM"),
        dots="O",
    )


def _ring(outer: str, inner: str, value: Value) -> Area:
    return Area((Shape(outer, "circle"), Shape(inner, "circle", -1)), value, SHADED)


def circle_in_square(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a circle inscribed in a square."""
    side = given or length(rng, level, 3)
    half = side / 2
    points: Points = {
        "A": (0.0, 0.0),
        "B": (float(side), 0.0),
        "C": (float(side), float(side)),
        "D": (0.0, float(side)),
    }
    points |= {"O": (half, half), "m": (half, 0.0)}
    return Figure(
        points,
        ("AB", "BC", "CD", "DA"),
        Area((Shape("Om", "circle"),), pi(Fraction(side * side, 4)), "the circle"),
        (Length("AB", side),),
        f"π*({side}/2)²",
        "The circle around O touches the sides of ABCD, AB at m.",
        circles=("Om",),
        note=TOUCH,
        right=("DAB",),
        ticks=tuple((name, 1) for name in ("AB", "BC", "CD", "DA")),
        dots="O",
    )


def square_in_circle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a square inscribed in a circle: half the area of the square on the diameter."""
    r = given or length(rng, level, 2)
    points: Points = {"O": (0.0, 0.0)} | {name: polar(r, 225 + 90 * k) for k, name in enumerate("ABCD")}
    return Figure(
        points,
        ("AB", "BC", "CD", "DA", "OC"),
        Area((Shape("ABCD"),), 2 * r * r, "the square"),
        (Length("OC", r),),
        f"2*{r}²",
        "The square ABCD lies in the circle around O.",
        circles=("OA",),
        right=("DAB",),
        ticks=tuple((name, 1) for name in ("AB", "BC", "CD", "DA")),
        dots="O",
    )
