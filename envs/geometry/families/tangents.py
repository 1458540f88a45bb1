"""Families of figures with a tangent to a circle. `table.Family` documents the arguments."""

import math
from fractions import Fraction

import numpy as np

from envs.geometry.figure import Angle, Figure, Length, Points
from envs.geometry.plane import (
    UnfitError,
    centre_of,
    comparable,
    degrees,
    fair,
    length,
    part,
    pick,
    polar,
    triple,
    whole,
)

TOUCH = "Lines that look tangent are."
BOTH = f"A dot in a circle is its centre. {TOUCH}"


def two_tangents(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw two tangents from a point, which are perpendicular to the radii."""
    outer = given or degrees(rng, level, 40, 100)
    if not 38 <= outer <= 110:
        raise UnfitError
    half = (180 - outer) / 2
    points: Points = {"O": (0.0, 0.0), "A": polar(10, half), "B": polar(10, -half)}
    points["P"] = (10 / math.sin(math.radians(outer / 2)), 0.0)
    at_p, at_o = Angle("APB", outer), Angle("AOB", 180 - outer)
    known, asked = (at_p, at_o) if given or rng.random() < 0.5 else (at_o, at_p)
    return Figure(
        points,
        ("PA", "PB", "OA", "OB"),
        asked,
        (known,),
        f"180 - {known.value}",
        "PA and PB touch the circle around O at A and B.",
        circles=("OA",),
        note=BOTH,
        dots="O",
    )


def tangent_chord(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a tangent and a chord: their angle equals the inscribed angle over that chord."""
    a = given or degrees(rng, level, 35, 75)
    if not 32 <= a <= 80:
        raise UnfitError
    b = degrees(rng, level, 35, 100)
    c = 180 - a - b
    if not 32 <= c <= 100:
        raise UnfitError
    # A is the point of contact at the bottom, B on the right after an arc of 2a, C after a further arc of 2c
    points: Points = {"O": (0.0, 0.0), "A": (0.0, -10.0), "B": polar(10, 270 + 2 * a)}
    points["C"] = polar(10, 270 + 2 * a + 2 * c)
    points |= {"S": (-11.0, -10.0), "T": (11.0, -10.0)}
    words = "A, B and C lie on the circle around O; ST touches it at A, T on the side of B."
    lines = ("ST", "AB", "BC", "CA")
    if level > 0.4 and rng.random() < 0.5:
        return Figure(
            points,
            lines,
            Angle("CAB", c),
            (Angle("TAB", a), Angle("ABC", b)),
            f"180 - {a} - {b}",
            words,
            circles=("OA",),
            note=TOUCH,
        )
    extra = (Angle("ABC", b),) if rng.random() < 0.6 * level else ()
    return Figure(
        points, lines, Angle("BCA", a), (Angle("TAB", a),), f"{a}", words, circles=("OA",), note=TOUCH, extra=extra
    )


def tangent_length(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a tangent, which forms a right triangle with its radius and the line to the centre."""
    r, t, d = triple(rng, level, leg=given)
    fair(r, t, least=0.5)
    points: Points = {"O": (0.0, 0.0), "A": (0.0, float(r)), "P": (float(t), float(r))}
    words = "PA touches the circle around O at A."
    radius, tangent, far = Length("OA", r), Length("PA", t), Length("OP", d)
    lines = ("OA", "PA", "OP")
    if rng.random() < 0.5:
        return Figure(
            points,
            lines,
            far,
            (radius, tangent),
            f"√({r}² + {t}²) = √{d * d}",
            words,
            circles=("OA",),
            note=BOTH,
            dots="O",
            seen="{0} {1} {x}",
        )
    return Figure(
        points,
        lines,
        tangent,
        (radius, far),
        f"√({d}² - {r}²) = √{t * t}",
        words,
        circles=("OA",),
        note=BOTH,
        dots="O",
        seen="{0} {x} {1}",
    )


def tangent_secant(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a tangent and a secant. The square of the tangent is the secant's outer part times the whole secant."""
    found = [
        (p, q) for p in range(2, 30) for q in range(p // 2 + 1, 4 * p) if math.isqrt(p * (p + q)) ** 2 == p * (p + q)
    ]
    p, q = pick(rng, [(p, q) for p, q in found if (p == given if given else p <= 4 + 14 * level)])
    t = math.isqrt(p * (p + q))
    # P at the origin, the secant along the x axis through A (outer part p) and B
    turn = whole(rng, 38, 62)
    points: Points = {"P": (0.0, 0.0), "A": (float(p), 0.0), "B": (float(p + q), 0.0), "T": polar(t, turn)}
    points["O"] = centre_of(points["A"], points["B"], points["T"])
    # PT is tangent to the circle through A, B and T if PT² = PA·PB
    if math.dist(points["O"], points["A"]) > 0.9 * (p + q):
        raise UnfitError
    return Figure(
        points,
        ("PB", "PT"),
        Length("PT", t),
        (Length("PA", p), Length("AB", q)),
        f"√({p}*({p} + {q})) = √{t * t}",
        "PT touches the circle around O at T; PB meets it at A and B.",
        circles=("OT",),
        note=TOUCH,
    )


def incircle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw the inscribed circle of a right triangle and ask for its radius."""
    a, b, c = triple(rng, level, leg=given)
    fair(a, b, least=0.5)
    r = Fraction(a + b - c, 2)
    q = float(r)
    points: Points = {"C": (0.0, 0.0), "A": (float(a), 0.0), "B": (0.0, float(b)), "O": (q, q), "F": (q, 0.0)}
    return Figure(
        points,
        ("AB", "BC", "CA", "OF"),
        Length("OF", r),
        (Length("CA", a), Length("BC", b), Length("AB", c)),
        f"({a} + {b} - {c})/2",
        "The circle around O touches the sides of the triangle ABC; F lies on CA.",
        circles=("OF",),
        note=BOTH,
        right=("BCA", "OFC"),
        dots="O",
        wide=("CA",),
    )


def tangent_triangle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw the inscribed circle of a triangle with one tangent segment given per corner, and ask for the perimeter.

    The two tangent segments from a corner are equal, so the perimeter is twice the sum of the three.
    """
    x = given or length(rng, level, 3)
    y, z = comparable(rng, x, 0.6, 1.6), comparable(rng, x, 0.6, 1.6)
    fair(x, y, z, least=0.5)
    radius = math.sqrt(x * y * z / (x + y + z))
    # the angle at A has tan(A/2) = radius/x
    turn = 2 * math.atan(radius / x)
    points: Points = {"A": (0.0, 0.0), "B": (float(x + y), 0.0), "O": (float(x), radius), "F": (float(x), 0.0)}
    points["C"] = ((x + z) * math.cos(turn), (x + z) * math.sin(turn))
    points |= {"D": part(points["B"], points["C"], y / (y + z)), "E": part(points["C"], points["A"], z / (x + z))}
    return Figure(
        points,
        ("AB", "BC", "CA"),
        Length("ABC", 2 * (x + y + z), name="triangle"),
        (Length("AF", x), Length("BD", y), Length("CE", z)),
        f"2*({x} + {y} + {z})",
        "The circle around O touches AB at F, BC at D and CA at E.",
        circles=("OF",),
        dots="DEF",
        note="The circle touches the sides at the dots.",
    )
