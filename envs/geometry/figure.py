"""A figure: named points, what is drawn between them, the values that stand in it and the one that is asked.

Lengths are in the points' own units and angles in degrees, so every value can be measured where it is drawn.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from envs.geometry.plane import Point, angle, area
from envs.questions.answers import Formula

Points = dict[str, Point]


class Exact(NamedTuple):
    """coefficient · √radicand · π (where `pi`), the radicand without square factors."""

    coefficient: Fraction
    radicand: int = 1
    pi: bool = False

    def __float__(self) -> float:
        """Its value."""
        return float(self.coefficient) * math.sqrt(self.radicand) * (math.pi if self.pi else 1)


Value = int | Fraction | Exact


def root(number: int, times: Fraction | int = 1) -> Exact:
    """Give times · √number, its square factors taken out."""
    outside = max(k for k in range(1, math.isqrt(number) + 1) if number % (k * k) == 0)
    return Exact(Fraction(times) * outside, number // outside**2)


def pi(times: Fraction | int) -> Exact:
    """Give times · π."""
    return Exact(Fraction(times), 1, True)


def gold(value: Value) -> int | Fraction | Formula:
    r"""A value as an answer: 12, 3/4, `6\pi`, `\frac{3\sqrt{2}}{2}`."""
    if not isinstance(value, Exact) or (value.radicand == 1 and not value.pi):
        number = Fraction(value.coefficient if isinstance(value, Exact) else value)
        return number.numerator if number.denominator == 1 else number
    over, under = value.coefficient.numerator, value.coefficient.denominator
    top = "" if over == 1 else str(over)
    top += rf"\sqrt{{{value.radicand}}}" if value.radicand > 1 else ""
    top += r"\pi" if value.pi else ""
    return Formula(top if under == 1 else rf"\frac{{{top}}}{{{under}}}")


class Length(NamedTuple):
    """The segment AB, or with `sweep` the arc from A to B around that centre, or with more letters a closed outline."""

    points: str
    value: Value
    sweep: str = ""
    name: str = "figure"
    """Whose perimeter it is."""

    def measure(self, points: Points) -> float:
        """The length in the drawing."""
        places = [points[name] for name in self.points]
        if self.sweep:
            start, end = (angle_of(points[self.sweep], place) for place in places)
            return math.dist(points[self.sweep], places[0]) * math.radians((end - start) % 360)
        if len(places) == 2:
            return math.dist(*places)
        return sum(math.dist(a, b) for a, b in zip(places, places[1:] + places[:1], strict=True))

    def words(self, shown: str) -> str:
        """The mark in words."""
        if self.sweep:
            return f"The arc {self.points} around {self.sweep} has length {shown}."
        if len(self.points) > 2:
            return f"The perimeter of {self.points} is {shown}."
        return f"{self.points} = {shown}."


class Angle(NamedTuple):
    """The angle ABC, at B. `text` is how it is written, with {} for the letter in it, where not as its value."""

    points: str
    value: int
    text: str = ""

    def measure(self, points: Points) -> float:
        """Degrees in the drawing."""
        return angle(*(points[name] for name in self.points))

    def words(self, shown: str) -> str:
        """The mark in words."""
        return f"Angle {self.points} = {shown}."


class Shape(NamedTuple):
    """A polygon by its corners; with `kind` a circle (centre, point on it) or a sector (centre, start, end)."""

    points: str
    kind: str = "polygon"
    sign: int = 1

    def measure(self, points: Points) -> float:
        """Its area in the drawing."""
        places = [points[name] for name in self.points]
        if self.kind == "polygon":
            return area(places)
        share = 360.0
        if self.kind == "sector":
            share = (angle_of(places[0], places[2]) - angle_of(places[0], places[1])) % 360
        return math.pi * math.dist(places[0], places[1]) ** 2 * share / 360


class Area(NamedTuple):
    """The area of some shapes, less those of sign -1."""

    shapes: tuple[Shape, ...]
    value: Value
    name: str
    """What is asked for, such as "the triangle"."""

    def measure(self, points: Points) -> float:
        """The area in the drawing."""
        return sum(shape.sign * shape.measure(points) for shape in self.shapes)

    def words(self, shown: str) -> str:
        """The mark in words."""
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
    """A number that is no length, angle or area, and how to measure it."""

    value: Value
    how: Callable[[Points], float]
    name: str = ""
    """What it is, such as "slope of the line AB"; "" for a letter that stands in other marks."""

    def measure(self, points: Points) -> float:
        """The number in the drawing."""
        return self.how(points)

    def words(self, shown: str) -> str:
        """The mark in words; none for a letter, which stands in the words of other marks."""
        return f"The {self.name} is {shown}." if self.name else ""


Mark = Length | Angle | Area
Asked = Length | Angle | Area | Number

KINDS: dict[type, str] = {Length: "length", Angle: "angle", Area: "area", Number: "number"}


class Figure(NamedTuple):
    """What is drawn, given and asked. Points with capital names can get their letter, others never do.

    Words for segments and angles are their points' names: "AB", "ABC" (the angle at B).
    """

    points: Points
    lines: tuple[str, ...]
    asked: Asked
    given: tuple[Mark, ...]
    """The values that the answer needs; one that comes from another figure stands first."""
    working: str
    """The sum that leads to the answer: "180 - 40 - 60"."""
    words: str = ""
    """What the names of the points and the marks leave open."""
    note: str = ""
    """What the drawing alone does not settle, said with the question: a line touches, a polygon is regular."""
    right: tuple[str, ...] = ()
    ticks: tuple[tuple[str, int], ...] = ()
    """Segments, and how many ticks they bear: equal ones have equally many."""
    arrows: tuple[tuple[str, int], ...] = ()
    """Segments, and how many arrows they bear: parallel ones have equally many."""
    arcs: tuple[tuple[str, int], ...] = ()
    """Angles without a value, and how many arcs they bear: equal ones have equally many."""
    circles: tuple[str, ...] = ()
    """Centre and point on it."""
    sectors: tuple[str, ...] = ()
    """Arcs: centre, start, end, anticlockwise."""
    dashed: tuple[str, ...] = ()
    dots: str = ""
    wide: tuple[str, ...] = ()
    """Lengths that are written along a line of their own, since a point parts their segment."""
    extra: tuple[Mark, ...] = ()
    """True values that are not needed."""
    grid: bool = False
    """Points at whole places on squared paper, which stays upright."""
    lettered: bool = False
    """Whether the question speaks of the points, so that their letters are always drawn."""


def angle_of(centre: Point, place: Point) -> float:
    """The direction of a place from the centre, in degrees."""
    return math.degrees(math.atan2(place[1] - centre[1], place[0] - centre[0]))


def check(figure: Figure) -> None:
    """ArithmeticError where a value is not what is drawn."""
    for mark in (figure.asked, *figure.given, *figure.extra):
        measured, value = mark.measure(figure.points), float(mark.value)
        if not math.isclose(measured, value, rel_tol=1e-7):
            raise ArithmeticError(f"{mark} is drawn as {measured}")
    for name in figure.right:
        if not math.isclose(Angle(name, 90).measure(figure.points), 90, rel_tol=1e-7):
            raise ArithmeticError(f"{name} is no right angle")
    for group, measure in ((figure.ticks, Length), (figure.arcs, Angle)):
        sizes: dict[int, float] = {}
        for name, count in group:
            size = measure(name, 0).measure(figure.points)
            if not math.isclose(size, sizes.setdefault(count, size), rel_tol=1e-7):
                raise ArithmeticError(f"{name} is not like the others of its {count} marks")
    directions: dict[int, float] = {}
    for name, count in figure.arrows:
        turn = angle_of(figure.points[name[0]], figure.points[name[1]]) % 180
        apart = (turn - directions.setdefault(count, turn)) % 180
        if min(apart, 180 - apart) > 1e-6:
            raise ArithmeticError(f"{name} is not parallel to the others")


def describe(figure: Figure, given: list[str], asked: str) -> str:
    """The figure in words, with the values as they are written in it."""
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
