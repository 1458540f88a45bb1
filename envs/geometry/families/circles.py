"""Families of figures with a circle that ask for an angle or a length. `table.Family` documents the arguments."""

import math
from fractions import Fraction

import numpy as np

from envs.geometry.figure import Angle, Figure, Length, Points, pi
from envs.geometry.plane import (
    UnfitError,
    centre_of,
    comparable,
    degrees,
    fair,
    foot,
    length,
    pick,
    polar,
    triple,
    whole,
)

CENTRE = "A dot in a circle is its centre."


def inscribed_angle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a central angle, which is twice the inscribed angle."""
    down = given > 75 if given else rng.random() < 0.5
    centre = given if given and down else 2 * given if given else 2 * degrees(rng, level, 30, 75)
    if centre % 2 or not 50 <= centre <= 150:
        raise UnfitError
    points: Points = {"O": (0.0, 0.0), "A": polar(10, 270 - centre / 2), "B": polar(10, 270 + centre / 2)}
    points["C"] = polar(10, 90 + rng.uniform(-0.25, 0.25) * (360 - centre))
    wide, thin = Angle("AOB", centre), Angle("ACB", centre // 2)
    asked, known = (thin, wide) if down else (wide, thin)
    return Figure(
        points,
        ("OA", "OB", "CA", "CB"),
        asked,
        (known,),
        f"{centre}/2" if down else f"2*{centre // 2}",
        "A, B and C lie on the circle around O.",
        circles=("OA",),
        note=CENTRE,
        dots="O",
        seen="{0} {x}" if down else "{x} {0}",
    )


def cyclic_quadrilateral(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a cyclic quadrilateral. Its opposite angles add up to 180 degrees."""
    a = given or degrees(rng, level, 60, 120)
    if not 55 <= a <= 125:
        raise UnfitError
    # the arc from B over C to D is 2a
    first = whole(rng, 0.35 * 2 * a, 0.65 * 2 * a)
    rest = 360 - 2 * a
    second = whole(rng, 0.35 * rest, 0.65 * rest)
    points: Points = {"O": (0.0, 0.0)}
    for name, turn in (("B", 0), ("C", first), ("D", 2 * a), ("A", 2 * a + second)):
        points[name] = polar(10, turn)
    arc = 2 * a - first + second  # the angle at B subtends the arc from C over D to A
    extra = (Angle("ABC", arc // 2),) if arc % 2 == 0 and rng.random() < 0.6 * level else ()
    return Figure(
        points,
        ("AB", "BC", "CD", "DA"),
        Angle("BCD", 180 - a),
        (Angle("DAB", a),),
        f"180 - {a}",
        "A, B, C and D lie on the circle around O, in this order.",
        circles=("OA",),
        extra=extra,
    )


def semicircle_angle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw an angle inscribed in a semicircle, which is a right angle."""
    a = given or degrees(rng, level, 25, 65)
    if not 24 <= a <= 66:
        raise UnfitError
    points: Points = {"O": (0.0, 0.0), "A": (-10.0, 0.0), "B": (10.0, 0.0), "C": polar(10, 2 * a)}
    return Figure(
        points,
        ("AB", "BC", "CA"),
        Angle("ABC", 90 - a),
        (Angle("CAB", a),),
        f"90 - {a}",
        "C lies on the circle with the diameter AB and the centre O.",
        circles=("OA",),
        note=CENTRE,
        dots="O",
    )


def crossing_chords(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw two crossing chords. Their parts have equal products."""
    a = given or length(rng, level, 3)
    b, c = comparable(rng, a, 0.5, 1.8), comparable(rng, a, 0.5, 1.8)
    d = Fraction(a * b, c)
    if d.denominator > (1 if level < 0.6 else 4):
        raise UnfitError
    fair(a, b, c, d, least=0.35)
    turn = whole(rng, 60, 120)
    points: Points = {"E": (0.0, 0.0), "A": (-float(a), 0.0), "B": (float(b), 0.0)}
    points |= {"C": polar(c, turn), "D": polar(float(d), turn + 180)}
    points["O"] = centre_of(points["A"], points["B"], points["C"])
    return Figure(
        points,
        ("AB", "CD"),
        Length("ED", d),
        (Length("AE", a), Length("EB", b), Length("CE", c)),
        f"{a}*{b}/{c}",
        "The chords AB and CD of the circle around O cross at E.",
        circles=("OA",),
    )


def chord_distance(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a chord and the perpendicular from the centre, which bisects it."""
    half, away, r = triple(rng, level, long=given)
    fair(half, away, least=0.5)
    points: Points = {"O": (0.0, 0.0), "A": (-float(half), -float(away)), "B": (float(half), -float(away))}
    points["M"] = (0.0, -float(away))
    return Figure(
        points,
        ("AB", "OM", "OA"),
        Length("AB", 2 * half),
        (Length("OA", r), Length("OM", away)),
        f"2*√({r}² - {away}²) = 2*√{half * half}",
        "AB is a chord of the circle around O; M lies on AB.",
        circles=("OA",),
        note=CENTRE,
        right=("OMB",),
        dots="O",
        wide=("AB",),
    )


def arc_length(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw an arc. Its length is a multiple of π."""
    r, turn = (
        given or length(rng, level, 3),
        pick(rng, (60, 90, 120) if level < 0.4 else (40, 45, 60, 72, 80, 90, 120, 135)),
    )
    points: Points = {"O": (0.0, 0.0), "A": polar(r, 90 - turn / 2), "B": polar(r, 90 + turn / 2)}
    return Figure(
        points,
        ("OA", "OB"),
        Length("AB", pi(Fraction(r * turn, 180)), sweep="O"),
        (Length("OA", r), Angle("AOB", turn)),
        f"2π*{r}*{turn}/360",
        "A sector with the centre O.",
        sectors=("OAB",),
        dots="O",
    )


def altitude_on_diameter(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw the altitude on the hypotenuse: its square is the product of the two parts."""
    if given is not None:
        fits = [
            q
            for q in range(math.ceil(0.2 * given), 5 * given)
            if math.isqrt(given * q) ** 2 == given * q and q != given
        ]
        p, q = given, pick(rng, fits)
    else:
        p, q = pick(
            rng,
            [
                (k * m * m, k * n * n)
                for k in range(1, 3 + int(4 * level))
                for m, n in ((1, 2), (2, 1), (2, 3), (3, 2), (3, 4))
            ],
        )
    h = math.isqrt(p * q)
    points: Points = {"A": (0.0, 0.0), "B": (float(p + q), 0.0), "H": (float(p), 0.0), "C": (float(p), float(h))}
    points["H"] = foot(points["C"], points["A"], points["B"])
    return Figure(
        points,
        ("AB", "BC", "CA", "CH"),
        Length("CH", h),
        (Length("AH", p), Length("HB", q)),
        f"√({p}*{q}) = √{p * q}",
        "Triangle ABC; H lies on AB.",
        right=("ACB", "CHB"),
    )
