"""Families of straight-line figures that ask for an angle. `table.Family` documents the arguments."""

from fractions import Fraction

import numpy as np

from envs.geometry.figure import Angle, Figure, Number, Points
from envs.geometry.plane import UnfitError, by_angles, comparable, degrees, fair, foot, meet, part, pick, polar, whole

SIDES = ("AB", "BC", "CA")


def third_angle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a triangle with two given angles."""
    a = given or degrees(rng, level, 30, 100)
    b = degrees(rng, level, 30, min(150 - a, 100))
    _between(a, 25, 120)
    return Figure(
        by_angles(a, b),
        SIDES,
        Angle("BCA", 180 - a - b),
        (Angle("CAB", a), Angle("ABC", b)),
        f"180 - {a} - {b}",
        "Triangle ABC.",
    )


def exterior_angle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a triangle with an exterior angle, which is the sum of the opposite two, and ask for one of the three."""
    a = given or degrees(rng, level, 30, 90)
    c = degrees(rng, level, 30, min(145 - a, 100))
    _between(a, 25, 110)
    points = by_angles(a, 180 - a - c)
    points["D"] = (part(points["A"], points["B"], 1.45)[0], 0.0)
    words = "Triangle ABC; D lies on AB beyond B."
    lines = ("AD", "BC", "CA")
    outside, inside, top = Angle("CBD", a + c), Angle("CAB", a), Angle("BCA", c)
    if rng.random() < 0.5 * level:
        return Figure(points, lines, top, (inside, outside), f"{a + c} - {a}", words, seen="{0}+{x} {1}")
    return Figure(points, lines, outside, (inside, top), f"{a} + {c}", words, seen="{0}+{1} {x}")


def isosceles(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw an isosceles triangle with the apex angle or a base angle given."""
    base = given is not None and given < 80 if given else rng.random() < 0.5
    if base:
        a = given or degrees(rng, level, 30, 75)
        _between(a, 28, 76)
        asked, mark, working = Angle("BCA", 180 - 2 * a), Angle("CAB", a), f"180 - {a} - {a}"
    else:
        apex = given or degrees(rng, level, 30, 120) // 2 * 2
        if apex % 2 or not 28 <= apex <= 124:
            raise UnfitError
        a = (180 - apex) // 2
        asked, mark, working = Angle("ABC", a), Angle("BCA", apex), f"(180 - {apex})/2"
    seen = "{0} {0} {x}" if base else "{x} {x} {0}"
    return Figure(
        by_angles(a, a), SIDES, asked, (mark,), working, "Triangle ABC.", ticks=(("BC", 1), ("CA", 1)), seen=seen
    )


def _crossed(a: int, gap: float) -> Points:
    """Return the parallels AB and CD, AB above, crossed by EF at G on AB and at H on CD, at `a` degrees."""
    points = {"H": (0.0, 0.0), "G": polar(gap, a)}
    points |= {"E": polar(gap * 1.6, a), "F": polar(-gap * 0.6, a)}
    reach = gap * 0.95
    gx, gy = points["G"]
    points |= {"A": (gx - reach, gy), "B": (gx + reach, gy), "C": (-reach, 0.0), "D": (reach, 0.0)}
    return points


def parallel_lines(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw parallels and a transversal with corresponding, alternate, vertical or co-interior angles."""
    points, known, asked, words = _corner_pair(rng, level, given)
    a, x = known.value, asked.value
    return Figure(
        points,
        ("AB", "CD", "EF"),
        asked,
        (known,),
        f"{a}" if a == x else f"180 - {a}",
        words,
        arrows=(("AB", 1), ("CD", 1)),
        seen="{0} {x}" if a == x else "{0}+{x}",
    )


def parallel_equation(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw the figure of `parallel_lines` with both angles written in terms of x."""
    points, first, second, words = _corner_pair(rng, level, None)
    x = whole(rng, 5, 15 + 15 * level)
    most = max(2, int(3 + 4 * level))
    k, m = whole(rng, 1, most), whole(rng, 1, most)
    c, d = first.value - k * x, second.value - m * x
    equal = first.value == second.value
    if (equal and k <= m) or min(c, d) < -60 or not (c or d) or (not equal and k + m < 2):
        raise UnfitError
    known = (Angle(first.points, first.value, _linear(k, c)), Angle(second.points, second.value, _linear(m, d)))
    if equal:
        working = f"({d} - {c})/({k} - {m})" if c >= 0 else f"({d} + {-c})/({k} - {m})"
    else:
        working = f"(180 - {c + d})/({k} + {m})" if c + d >= 0 else f"(180 + {-c - d})/({k} + {m})"
    asked = Number(x, lambda at: (first.measure(at) - c) / k)
    seen = "{0} {1}" if equal else "{0}+{1}"
    return Figure(points, ("AB", "CD", "EF"), asked, known, working, words, arrows=(("AB", 1), ("CD", 1)), seen=seen)


def _linear(k: int, c: int) -> str:
    end = f"+{c}" if c > 0 else str(c) if c < 0 else ""
    return f"{k if k > 1 else ''}{{}}°" if not end else f"({k if k > 1 else ''}{{}}{end})°"


def _corner_pair(rng: np.random.Generator, level: float, given: int | None) -> tuple[Points, Angle, Angle, str]:
    """Return parallels with a transversal, and an angle at each of them."""
    a = given or degrees(rng, level, 40, 140)
    _between(a, 35, 145)
    if given is None and a == 90:
        raise UnfitError
    points = _crossed(a, 10)
    above, below = ("EGB", "AGF", "BGF", "AGE"), ("EHD", "CHF", "DHF", "CHE")
    at_g, at_h = whole(rng, 0, 3), whole(rng, 0, 3)
    # the first two of each list are the transversal's angle, the others its supplement
    if at_g >= 2:
        points = _crossed(180 - a, 10)
    other = a if (at_g < 2) == (at_h < 2) else 180 - a
    words = "EF crosses the parallel lines AB and CD at G and H; A and C are on the same side of EF."
    return points, Angle(above[at_g], a), Angle(below[at_h], other), words


def zigzag(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a corner between parallels. Its angle is the sum of the angles at the parallels."""
    a = given or degrees(rng, level, 25, 75)
    b = degrees(rng, level, 25, 75)
    _between(a, 25, 80)
    upper, lower = polar(7, a), polar(7, -b)
    points: Points = {"E": (0.0, 0.0), "P": upper, "Q": lower}
    points |= {"A": (upper[0] - 8, upper[1]), "B": (upper[0] + 3, upper[1])}
    points |= {"C": (lower[0] - 8, lower[1]), "D": (lower[0] + 3, lower[1])}
    words = "P lies on AB and Q on CD; A and C are on the side of the corner E."
    at_p, at_q, at_e = Angle("APE", a), Angle("CQE", b), Angle("PEQ", a + b)
    rest = (("AB", "CD", "PE", "EQ"), words, (("AB", 1), ("CD", 1)))
    if rng.random() < 0.4 * level:
        working, seen = f"{a + b} - {a}", "{0}+{x} {1}"
        return Figure(points, rest[0], at_q, (at_p, at_e), working, words, arrows=rest[2], seen=seen)
    return Figure(points, rest[0], at_e, (at_p, at_q), f"{a} + {b}", words, arrows=rest[2], seen="{0}+{1} {x}")


def polygon_angle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a regular polygon and ask for its interior angle. The sides must be counted."""
    n = pick(rng, (5, 6, 8) if level < 0.4 else (5, 6, 8, 9, 10, 12))
    turn = 90 + 180 / n
    names = "ABCDEFGHIJKL"[:n]
    points: Points = {name: polar(10, turn + 360 * k / n) for k, name in enumerate(names)}
    sides = tuple(names[k] + names[(k + 1) % n] for k in range(n))
    return Figure(
        points,
        sides,
        Angle(names[:3], 180 - 360 // n),
        (),
        f"180 - 360/{n}",
        f"Regular polygon {names}.",
        note="The polygon is regular.",
        ticks=tuple((side, 1) for side in sides),
        seen=str(n),
    )


def quadrilateral(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a quadrilateral with three given angles."""
    a = given or degrees(rng, level, 60, 110)
    b, c = degrees(rng, level, 60, 120), degrees(rng, level, 60, 120)
    d = 360 - a - b - c
    _between(a, 55, 125)
    _between(d, 55, 130)
    side = 10.0
    points: Points = {"A": (0.0, 0.0), "B": (side, 0.0)}
    points["D"] = polar(comparable(rng, side, 0.7, 1.0), a)
    ray = polar(1, 180 - b, points["B"])
    toward = polar(1, a + 180 + d, points["D"])
    points["C"] = meet(points["B"], ray, points["D"], toward)
    x, y = points["C"]
    if x < points["D"][0] + 3 or y < 3 or y > 16 or x > 18:
        raise UnfitError
    fair(
        *(
            ((points[p][0] - points[q][0]) ** 2 + (points[p][1] - points[q][1]) ** 2) ** 0.5
            for p, q in ("AB", "BC", "CD", "DA")
        ),
        least=0.35,
    )
    return Figure(
        points,
        ("AB", "BC", "CD", "DA"),
        Angle("CDA", d),
        (Angle("DAB", a), Angle("ABC", b), Angle("BCD", c)),
        f"360 - {a} - {b} - {c}",
        "Quadrilateral ABCD.",
    )


def straight_line(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw adjacent angles on a straight line or, at high difficulty, around a point."""
    around = rng.random() < 0.6 * level
    total = 360 if around else 180
    count = 2 if around else 1 if level < 0.3 else 2
    parts = [given or degrees(rng, level, 35, 110)]
    parts += [degrees(rng, level, 35, 120) for _ in range(count - 1 + around)]
    rest = total - sum(parts)
    if min(*parts, rest) < 28 or max(*parts, rest) > 150:
        raise UnfitError
    turns = [0, *(sum(parts[: k + 1]) for k in range(len(parts)))]
    names = "BCDE"
    points: Points = {"O": (0.0, 0.0)} | {name: polar(10, turn) for name, turn in zip(names, turns, strict=False)}
    last, words = names[len(parts)], "The rays from O divide the full turn around it."
    first = "B"
    if not around:
        points["A"] = (-10.0, 0.0)
        first, words = "A", f"O lies on the line AB; {', '.join(names[1 : len(parts) + 1])} above it, in order from B."
    lines = tuple(f"O{name}" for name in points if name != "O")
    given_marks = tuple(Angle(f"{names[k]}O{names[k + 1]}", value) for k, value in enumerate(parts))
    return Figure(
        points,
        lines,
        Angle(f"{last}O{first}", rest),
        given_marks,
        f"{total} - {' - '.join(map(str, parts))}",
        words,
        seen="+".join([*(f"{{{k}}}" for k in range(len(parts))), "{x}"]),
    )


def bisected_angle(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a triangle with an angle bisector. One half is given, and the solution needs the other."""
    half = given or degrees(rng, level, 25, 45)
    c = degrees(rng, level, 35, 100)
    _between(half, 24, 46)
    a = 180 - 2 * half - c
    _between(a, 25, 100)
    points = by_angles(a, 2 * half)
    points["D"] = meet(points["B"], polar(1, 180 - half, points["B"]), points["A"], points["C"])
    return Figure(
        points,
        (*SIDES, "BD"),
        Angle("BDC", 180 - half - c),
        (Angle("ABD", half), Angle("BCA", c)),
        f"180 - {half} - {c}",
        "Triangle ABC; D lies on AC.",
        arcs=(("ABD", 2), ("DBC", 2)),
    )


def altitudes_meet(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw two altitudes of a triangle and ask for the angle between them, from the angle at the third corner."""
    c = given or degrees(rng, level, 45, 80)
    _between(c, 44, 82)
    a = whole(rng, 45, min(82, 135 - c))
    b = 180 - a - c
    _between(b, 44, 82)
    points = by_angles(a, b)
    points["D"] = foot(points["A"], points["B"], points["C"])
    points["E"] = foot(points["B"], points["A"], points["C"])
    points["H"] = meet(points["A"], points["D"], points["B"], points["E"])
    return Figure(
        points,
        (*SIDES, "AD", "BE"),
        Angle("AHB", 180 - c),
        (Angle("BCA", c),),
        f"360 - 90 - 90 - {c}",
        "Triangle ABC; D lies on BC, E on AC; AD and BE cross at H.",
        right=("ADC", "BEC"),
    )


def rhombus(rng: np.random.Generator, level: float, given: int | None) -> Figure:
    """Draw a rhombus with a diagonal, which bisects its angles. Adjacent angles add up to 180 degrees."""
    a = given or degrees(rng, level, 25, 65)
    _between(a, 24, 66)
    points: Points = {"A": (0.0, 0.0), "B": (10.0, 0.0), "D": polar(10, 2 * a)}
    points["C"] = (points["D"][0] + 10, points["D"][1])
    ticks = tuple((side, 1) for side in ("AB", "BC", "CD", "DA"))
    return Figure(
        points,
        ("AB", "BC", "CD", "DA", "AC"),
        Angle("ABC", 180 - 2 * a),
        (Angle("CAB", a),),
        f"180 - 2*{a}",
        "Quadrilateral ABCD with its diagonal AC.",
        ticks=ticks,
    )


def _between(value: Fraction | int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UnfitError
