"""Function graphs: values, zeros, lowest points, slopes and formulas, all on grid points."""

import itertools
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from envs.visual.puzzle import LETTERS, Puzzle, between, listed, pick, pick_kind, sample
from render.visual.graphs import Graphs
from render.visual.themes import THEMES

KINDS = {
    "value": (0.0, 0.6),
    "crosses y": (0.0, 0.5),
    "zero": (0.1, 0.8),
    "extreme": (0.2, 0.9),
    "slope": (0.3, 1.0),
    "formula": (0.3, 1.0),
    "sum": (0.5, 1.0),
    "meet": (0.5, 1.0),
    "highest": (0.5, 1.0),
    "nested": (0.7, 1.0),
}
NUMBER = "Answer with a whole number."
Asked = tuple[str, int | Fraction | str, str, str]
"""Question, answer, worked solution and transcript: the coordinates that must be read, in the order of the question."""


class Function(NamedTuple):
    """The function y = a·s(x - h) + k, where s(t) is t (line), t² (parabola), |t| (angle) or t³ (cubic)."""

    form: str
    """Form: "line", "parabola", "angle" or "cubic"."""
    a: Fraction
    h: int
    k: int

    def at(self, x: int | Fraction) -> Fraction:
        """Return the value at x."""
        t = Fraction(x) - self.h
        return self.a * {"line": t, "parabola": t * t, "angle": abs(t), "cubic": t**3}[self.form] + self.k

    def formula(self) -> str:
        """Return the formula, such as: y = 2(x - 1)^2 + 3."""
        if self.form == "line":
            constant = self.at(0)
            tail = "" if constant == 0 else f" {'+' if constant > 0 else '-'} {abs(constant)}"
            return f"y = {_factor(self.a)}x{tail}"
        inside = "x" if self.h == 0 else f"x {'-' if self.h > 0 else '+'} {abs(self.h)}"
        tail = "" if self.k == 0 else f" {'+' if self.k > 0 else '-'} {abs(self.k)}"
        if self.form == "angle":
            return f"y = {_factor(self.a)}|{inside}|{tail}"
        base = inside if self.h == 0 else f"({inside})"
        return f"y = {_factor(self.a)}{base}^{2 if self.form == 'parabola' else 3}{tail}"


def _factor(a: Fraction) -> str:
    sign = "-" if a < 0 else ""
    return sign + ("" if abs(a) == 1 else f"({abs(a)})" if a.denominator > 1 else str(abs(a)))


SLOPES = [
    Fraction(a, b) for a, b in ((1, 1), (2, 1), (-1, 1), (-2, 1), (1, 2), (-1, 2), (3, 1), (-3, 1), (3, 2), (-3, 2))
]
BENDS = [Fraction(a, b) for a, b in ((1, 1), (-1, 1), (1, 2), (-1, 2), (2, 1), (-2, 1))]


def function_graph(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle with one to three functions. All points to read are grid points."""
    kind = pick_kind(rng, KINDS, difficulty)
    span = 5 if difficulty < 0.6 else 6 + 2 * int(rng.integers(2))
    while True:
        functions = _functions(rng, kind, span, difficulty)
        asked = _ask(rng, kind, functions, span)
        if asked is not None:
            break
    text, answer, thought, seen = asked
    names = tuple("fgh"[: len(functions)])
    curves = tuple(tuple(_curve(function, span)) for function in functions)
    scene = Graphs(names, curves, span, bool(rng.random() < 0.6), int(rng.integers(len(THEMES))))
    shown = [f"{name} is {_words(function, span)}" for name, function in zip(names, functions, strict=True)]
    return Puzzle(scene, text, answer, thought, f"Graphs from -{span} to {span}: {'; '.join(shown)}.", seen)


def _functions(rng: np.random.Generator, kind: str, span: int, difficulty: float) -> list[Function]:
    forms = ["line"] if kind in ("slope", "meet") else ["parabola", "angle"] if kind == "extreme" else None
    if forms is None:
        forms = ["line", "parabola", "angle", "cubic"][: between(1, 4, difficulty) + 1]
    count = {"meet": 2, "highest": 2 + round(difficulty)}.get(kind, 1)
    drawn = []
    for _ in range(count):
        form = pick(rng, forms)
        slopes = SLOPES[: between(3, len(SLOPES), difficulty)] if form == "line" else BENDS[: between(2, 6, difficulty)]
        a = pick(rng, slopes) / (4 if form == "cubic" else 1)
        h, k = (int(place) for place in rng.integers(2 - span, span - 1, 2))
        drawn.append(Function(form, a, h, k))
    return drawn


def points(function: Function, span: int) -> dict[int, int]:
    """Return the grid points of the graph (x → y), away from the edge of the image."""
    found = {}
    for x in range(1 - span, span):
        y = function.at(x)
        if y.denominator == 1 and abs(y) < span:
            found[x] = int(y)
    return found


def _ask(rng: np.random.Generator, kind: str, functions: list[Function], span: int) -> Asked | None:
    """Return question, answer, worked solution and transcript, or None if the graphs give no clear answer."""
    f = functions[0]
    shown = points(f, span)
    if len(shown) < 3:
        return None
    x = pick(rng, list(shown))
    if kind == "value":
        return f"What is the value of the function at x = {x}? {NUMBER}", shown[x], f"({x}, {shown[x]})", str(shown[x])
    if kind == "crosses y":
        if 0 not in shown:
            return None
        return f"At which y does the graph cross the y-axis? {NUMBER}", shown[0], f"(0, {shown[0]})", str(shown[0])
    if kind == "zero":
        return _zero(f, shown, span)
    if kind == "extreme":
        word = "smallest" if f.a > 0 else "largest"
        return f"What is the {word} value of the function? {NUMBER}", f.k, f"({f.h}, {f.k})", str(f.k)
    if kind == "slope":
        (x0, y0), (x1, y1) = list(shown.items())[:2]
        text = "What is the slope of the line? Answer with a whole number or a fraction, such as 3/4."
        answer = int(f.a) if f.a.denominator == 1 else f.a
        return text, answer, f"({x0}, {y0}) to ({x1}, {y1}): {y1 - y0}/{x1 - x0}", f"{x0} {y0} {x1} {y1}"
    if kind == "formula":
        return _formula(rng, f, shown)
    if kind == "sum":
        one, other = sample(rng, list(shown), 2)
        total = shown[one] + shown[other]
        thought = f"f({one})={shown[one]}, f({other})={shown[other]}: {total}"
        return f"What is f({one}) + f({other})? {NUMBER}", total, thought, f"{shown[one]} {shown[other]}"
    if kind == "nested":
        if shown[x] not in shown or shown[x] == x:
            return None
        answer = shown[shown[x]]
        thought = f"f({x})={shown[x]}, f({shown[x]})={answer}"
        return f"What is f(f({x}))? {NUMBER}", answer, thought, f"{shown[x]} {answer}"
    if kind == "meet":
        return _meet(rng, functions, span)
    return _highest(rng, functions, span)


def _zero(f: Function, shown: dict[int, int], span: int) -> Asked | None:
    """Ask for a zero, if every visible zero is a grid point."""
    zeros = [x for x, y in shown.items() if y == 0]
    changes = sum((f.at(x) < 0) != (f.at(x + 1) < 0) for x in range(-span, span)) if f.form != "cubic" else 1
    touches = f.form in ("parabola", "angle") and f.k == 0
    if not zeros or (not touches and changes != len(zeros)) or f.at(-span) == 0 or f.at(span) == 0:
        return None
    if f.form in ("parabola", "angle") and not touches and len(zeros) != 2:
        return None
    if len(zeros) == 1:
        return f"At which x does the graph meet the x-axis? {NUMBER}", zeros[0], f"({zeros[0]}, 0)", str(zeros[0])
    text = f"The graph meets the x-axis twice. What is the larger x of the two? {NUMBER}"
    return text, zeros[1], f"({zeros[0]}, 0), ({zeros[1]}, 0)", f"{zeros[0]} {zeros[1]}"


def _formula(rng: np.random.Generator, f: Function, shown: dict[int, int]) -> Asked:
    """Ask for the formula, among three others with a different sign, factor or shift.

    The transcript has two grid points. For a curve, the first is its vertex or centre.
    """
    options = {f.formula(): f}
    while len(options) < 4:
        change = int(rng.integers(3))
        move = pick(rng, (-2, -1, 1, 2))
        slopes = SLOPES if f.form == "line" else BENDS
        scale = 4 if f.form == "cubic" else 1
        other = [f._replace(a=pick(rng, slopes) / scale), f._replace(h=f.h + move), f._replace(k=f.k + move)][change]
        options.setdefault(other.formula(), other)
    order = sample(rng, list(options), 4)
    letter = LETTERS[order.index(f.formula())]
    offered = ", ".join(f"{LETTERS[index]}: {formula}" for index, formula in enumerate(order))
    x, y = next((x, y) for x, y in shown.items() if x != f.h)
    text = f"Which formula belongs to the graph? {offered}. Answer with a letter."
    return text, letter, f"{f.formula()}: {letter}", f"{f.h} {f.k} {x} {y}"


def _meet(rng: np.random.Generator, functions: list[Function], span: int) -> Asked | None:
    """Ask for the intersection of two lines, if it is a grid point."""
    f, g = functions
    if f.a == g.a or abs(f.a - g.a) < 1:
        return None  # a flat intersection is hard to locate
    x = (g.at(0) - f.at(0)) / (f.a - g.a)
    y = f.at(x)
    if x.denominator > 1 or y.denominator > 1 or max(abs(x), abs(y)) >= span:
        return None
    axis, answer = pick(rng, [("x", int(x)), ("y", int(y))])
    return f"At which {axis} do the lines f and g meet? {NUMBER}", answer, f"({x}, {y})", f"{x} {y}"


def _highest(rng: np.random.Generator, functions: list[Function], span: int) -> Asked | None:
    """Ask which graph is highest or lowest at x, if all are visible there and at least one grid step apart."""
    x = int(rng.integers(1 - span, span))
    values = sorted((function.at(x), name) for name, function in zip("fgh", functions, strict=False))
    if max(abs(value) for value, _ in values) > span - 1:
        return None
    if any(high - low < 1 for (low, _), (high, _) in itertools.pairwise(values)):
        return None
    word, name = pick(rng, [("largest", values[-1][1]), ("smallest", values[0][1])])
    names = listed("fgh"[: len(functions)])
    text = f"Which of {names} has the {word} value at x = {x}? Answer with a letter."
    seen = " ".join(str(function.at(x)) for function in functions)
    return text, name, ", ".join(f"{name}({x})={value}" for value, name in values), seen


def _curve(function: Function, span: int) -> list[tuple[float, float]]:
    """Return points of the curve, dense for curved functions and sparse for lines and angles."""
    places: list[int] | list[Fraction]
    if function.form in ("line", "angle"):
        places = sorted({-span, function.h, span})
    else:
        places = [Fraction(step, 16) for step in range(-16 * span, 16 * span + 1)]
    return [(float(x), float(function.at(x))) for x in places]


def _words(function: Function, span: int) -> str:
    """Return the visible points with integer x as text."""
    form = {"line": "a line", "parabola": "a parabola", "angle": "two half-lines with a corner", "cubic": "a cubic"}
    inside = [(x, function.at(x)) for x in range(-span, span + 1) if abs(function.at(x)) <= span]
    return f"{form[function.form]} through {', '.join(f'({x}, {y})' for x, y in inside)}"
