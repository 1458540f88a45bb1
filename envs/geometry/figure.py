"""Figures: named points, the lines between them, the values shown, and the value asked for.

Lengths are in the units of the coordinates and angles in degrees, so every value can be measured in the drawing.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from envs.geometry.plane import Point, angle, area
from envs.questions.answers import Formula

Points = dict[str, Point]


class Exact(NamedTuple):
    """The value coefficient · √radicand, times π if `pi` is true. The radicand is square-free."""

    coefficient: Fraction
    radicand: int = 1
    pi: bool = False

    def __float__(self) -> float:
        """Return the value as a float."""
        return float(self.coefficient) * math.sqrt(self.radicand) * (math.pi if self.pi else 1)


Value = int | Fraction | Exact


def root(number: int, times: Fraction | int = 1) -> Exact:
    """Return times · √number with the square factors extracted."""
    outside = max(k for k in range(1, math.isqrt(number) + 1) if number % (k * k) == 0)
    return Exact(Fraction(times) * outside, number // outside**2)


def pi(times: Fraction | int) -> Exact:
    """Return times · π."""
    return Exact(Fraction(times), 1, True)


def gold(value: Value) -> int | Fraction | Formula:
    r"""Return a value as a gold answer: 12, 3/4, `6\pi`, `\frac{3\sqrt{2}}{2}`."""
    if not isinstance(value, Exact) or (value.radicand == 1 and not value.pi):
        number = Fraction(value.coefficient if isinstance(value, Exact) else value)
        return number.numerator if number.denominator == 1 else number
    over, under = value.coefficient.numerator, value.coefficient.denominator
    top = "" if over == 1 else str(over)
    top += rf"\sqrt{{{value.radicand}}}" if value.radicand > 1 else ""
    top += r"\pi" if value.pi else ""
    return Formula(top if under == 1 else rf"\frac{{{top}}}{{{under}}}")


class Length(NamedTuple):
    """The segment AB. With `sweep`, the arc from A to B around that centre. With more letters, a closed outline."""

    points: str
    value: Value
    sweep: str = ""
    name: str = "figure"
    """Name of the shape, for a perimeter."""

    def measure(self, points: Points) -> float:
        """Return the length in the drawing."""
        places = [points[name] for name in self.points]
        if self.sweep:
            start, end = (angle_of(points[self.sweep], place) for place in places)
            return math.dist(points[self.sweep], places[0]) * math.radians((end - start) % 360)
        if len(places) == 2:
            return math.dist(*places)
        return sum(math.dist(a, b) for a, b in zip(places, places[1:] + places[:1], strict=True))

    def words(self, shown: str) -> str:
        """Return a sentence that states the value."""
        if self.sweep:
            return f"The arc {self.points} around {self.sweep} has length {shown}."
        if len(self.points) > 2:
            return f"The perimeter of {self.points} is {shown}."
        return f"{self.points} = {shown}."


class Angle(NamedTuple):
    """The angle ABC at B, in degrees. `text` is its label if it is not the value, with {} for the letter in it."""

    points: str
    value: int
    text: str = ""

    def measure(self, points: Points) -> float:
        """Return the angle in the drawing, in degrees."""
        return angle(*(points[name] for name in self.points))

    def words(self, shown: str) -> str:
        """Return a sentence that states the value."""
        return f"Angle {self.points} = {shown}."


class Shape(NamedTuple):
    """A polygon given by its corners, a circle (centre, point on it) or a sector (centre, start, end)."""

    points: str
    kind: str = "polygon"
    sign: int = 1

    def measure(self, points: Points) -> float:
        """Return the area in the drawing."""
        places = [points[name] for name in self.points]
        if self.kind == "polygon":
            return area(places)
        share = 360.0
        if self.kind == "sector":
            share = (angle_of(places[0], places[2]) - angle_of(places[0], places[1])) % 360
        return math.pi * math.dist(places[0], places[1]) ** 2 * share / 360


class Area(NamedTuple):
    """The total area of some shapes. Shapes with sign -1 are subtracted."""

    shapes: tuple[Shape, ...]
    value: Value
    name: str
    """Name of the region, such as "the triangle"."""

    def measure(self, points: Points) -> float:
        """Return the area in the drawing."""
        return sum(shape.sign * shape.measure(points) for shape in self.shapes)

    def words(self, shown: str) -> str:
        """Return a sentence that states the value."""
        names = [
            f"the circle around {shape.points[0]} through {shape.points[1]}"
            if shape.kind == "circle"
            else f"the {shape.kind} {shape.points}"
            for shape in self.shapes
        ]
        region = " and ".join(n for n, shape in zip(names, self.shapes, strict=True) if shape.sign > 0)
        holes = [n for n, shape in zip(names, self.shapes, strict=True) if shape.sign < 0]
        return f"The area of {region}{' without ' + ' and '.join(holes) if holes else ''} is {shown}."


class Number(NamedTuple):
    """A number that is not a length, angle or area, with a function that measures it."""

    value: Value
    how: Callable[[Points], float]
    name: str = ""
    """Name of the number, such as "slope of the line AB", or "" for a letter in other marks."""

    def measure(self, points: Points) -> float:
        """Return the number in the drawing."""
        return self.how(points)

    def words(self, shown: str) -> str:
        """Return a sentence that states the value, or "" for a letter: other marks contain it."""
        return f"The {self.name} is {shown}." if self.name else ""


Mark = Length | Angle | Area
Asked = Length | Angle | Area | Number

KINDS: dict[type, str] = {Length: "length", Angle: "angle", Area: "area", Number: "number"}


class Figure(NamedTuple):
    """The contents of a drawing: points, lines, given values and the value asked for.

    Segments and angles are strings of point names: "AB", "ABC" (the angle at B). Points with upper-case names may be
    labelled, others never are.
    """

    points: Points
    lines: tuple[str, ...]
    asked: Asked
    given: tuple[Mark, ...]
    """Values needed for the answer. A value taken from another figure comes first."""
    working: str
    """Calculation that leads to the answer: "180 - 40 - 60"."""
    words: str = ""
    """Part of the text description that point names and marks do not convey."""
    note: str = ""
    """Facts that the drawing alone does not establish, added to the question: a line is tangent, a polygon is
    regular."""
    right: tuple[str, ...] = ()
    ticks: tuple[tuple[str, int], ...] = ()
    """Segments and their numbers of ticks. Equal segments have equal numbers."""
    arrows: tuple[tuple[str, int], ...] = ()
    """Segments and their numbers of arrows. Parallel segments have equal numbers."""
    arcs: tuple[tuple[str, int], ...] = ()
    """Angles without a value and their numbers of arcs. Equal angles have equal numbers."""
    circles: tuple[str, ...] = ()
    """Circles: centre and point on the circle."""
    sectors: tuple[str, ...] = ()
    """Arcs: centre, start and end, anticlockwise."""
    dashed: tuple[str, ...] = ()
    dots: str = ""
    wide: tuple[str, ...] = ()
    """Lengths drawn along a separate dimension line, because a point divides their segment."""
    extra: tuple[Mark, ...] = ()
    """True values that are not needed."""
    grid: bool = False
    """True if the points have integer coordinates on squared paper. Such a figure is not rotated."""
    seen: str = ""
    """Template of the transcript, for figures in which the given values in order do not determine the answer: {0} is
    the first given value, {x} the value asked for, and `.` a line without a value. Empty: the given values."""
    lettered: bool = False
    """True if the question refers to points, so that their letters are always drawn."""


def angle_of(centre: Point, place: Point) -> float:
    """Return the direction of a place seen from the centre, in degrees."""
    return math.degrees(math.atan2(place[1] - centre[1], place[0] - centre[0]))


def check(figure: Figure) -> None:
    """Raise ArithmeticError if a value differs from the drawing."""
    for mark in (figure.asked, *figure.given, *figure.extra):
        measured, value = mark.measure(figure.points), float(mark.value)
        if not math.isclose(measured, value, rel_tol=1e-7):
            raise ArithmeticError(f"{mark} is drawn as {measured}")
    for name in figure.right:
        if not math.isclose(Angle(name, 90).measure(figure.points), 90, rel_tol=1e-7):
            raise ArithmeticError(f"{name} is not a right angle")
    for group, measure in ((figure.ticks, Length), (figure.arcs, Angle)):
        sizes: dict[int, float] = {}
        for name, count in group:
            size = measure(name, 0).measure(figure.points)
            if not math.isclose(size, sizes.setdefault(count, size), rel_tol=1e-7):
                raise ArithmeticError(f"{name} differs from the others with {count} marks")
    directions: dict[int, float] = {}
    for name, count in figure.arrows:
        turn = angle_of(figure.points[name[0]], figure.points[name[1]]) % 180
        apart = (turn - directions.setdefault(count, turn)) % 180
        if min(apart, 180 - apart) > 1e-6:
            raise ArithmeticError(f"{name} is not parallel to the others")


def describe(figure: Figure, given: list[str], asked: str) -> str:
    """Return a text description of a figure.

    Args:
        figure: Figure to describe.
        given: Labels of the given and the extra values.
        asked: Label of the value asked for.
    """
    said = [figure.words] if figure.words else []
    said += [f"Angle {name} is a right angle." for name in figure.right]
    for group, sign, kind in (
        (figure.ticks, " = ", ""),
        (figure.arrows, " ∥ ", ""),
        (figure.arcs, " = angle ", "Angle "),
    ):
        for count in sorted({count for _, count in group}):
            said.append(f"{kind}{sign.join(name for name, n in group if n == count)}.")
    if figure.grid:
        said += [", ".join(f"{name}({x:g}, {y:g})" for name, (x, y) in figure.points.items() if name.isupper()) + "."]
    said += [mark.words(shown) for mark, shown in zip((*figure.given, *figure.extra), given, strict=True)]
    return " ".join([*said, figure.asked.words(asked)]).strip()
