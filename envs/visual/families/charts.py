"""Bar charts, line charts and tables: read, compare, compute."""

import itertools

import numpy as np

from envs.visual.numbers import NUMBER, Asked, Numbers, ask, describe, spaced, with_names
from envs.visual.puzzle import Puzzle, between, pick, pick_kind, sample
from envs.visual.topics import COURSES, GOODS, TOPICS, Topic
from render.visual.charts import Bars, Lines, Table
from render.visual.sheet import Scene
from render.visual.themes import THEMES

BAR_KINDS = {
    "read": (0.0, 0.6),
    "extreme": (0.0, 0.7),
    "above": (0.2, 1.0),
    "difference": (0.3, 1.0),
    "total": (0.4, 1.0),
    "rank": (0.5, 1.0),
    "exceeds": (0.6, 1.0),
    "combined": (0.7, 1.0),
    "gain": (0.7, 1.0),
    "all": (0.8, 1.0),
}
LINE_KINDS = {
    "read": (0.0, 0.6),
    "extreme": (0.0, 0.7),
    "rise": (0.2, 1.0),
    "above": (0.2, 1.0),
    "difference": (0.3, 1.0),
    "rank": (0.5, 1.0),
    "exceeds": (0.5, 1.0),
    "total": (0.6, 1.0),
    "gain": (0.7, 1.0),
}
TABLE_KINDS = {
    "read": (0.0, 0.6),
    "extreme": (0.0, 0.7),
    "difference": (0.2, 1.0),
    "total": (0.3, 1.0),
    "above": (0.3, 1.0),
    "cost": (0.3, 1.0),
    "row total": (0.4, 1.0),
    "rank": (0.5, 1.0),
    "gain": (0.6, 1.0),
    "combined": (0.7, 1.0),
    "bill": (0.7, 1.0),
}
STEPS = (1, 2, 5, 10, 20, 50, 100)
SEVERAL = ("exceeds", "combined", "gain", "row total")
"""Kinds of question that compare columns."""


def bar_chart(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle with 3 to 7 bars, or up to 15 in groups.

    At low difficulty the values are written on the bars. At higher difficulty they are read from the grid.
    """
    kind = pick_kind(rng, BAR_KINDS, difficulty)
    columns = 1 if difficulty < 0.4 else 2 if difficulty < 0.8 else 2 + int(rng.integers(2))
    if kind not in SEVERAL and rng.random() < 0.5:
        columns = 1
    rows = between(3, 6, difficulty) if columns == 1 else between(3, 5, difficulty)
    labelled = columns * rows <= 6 and rng.random() < 0.7 - 0.6 * difficulty
    while True:
        topic = pick(rng, TOPICS)
        step = pick(rng, _steps(topic))
        halves = not labelled and difficulty > 0.6 and step % 2 == 0
        numbers = _draw(rng, topic, (rows, columns), step, labelled, halves, difficulty)
        asked = ask(rng, kind, numbers)
        if asked is not None:
            break
    return _puzzle(
        numbers, asked, Bars(*_drawn(numbers), step, halves, labelled, _theme(rng), bool(rng.random() < 0.35))
    )


def line_chart(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle with 1 to 3 lines of 4 to 9 points.

    The values lie on grid lines and, at high difficulty, also halfway between them.
    """
    kind = pick_kind(rng, LINE_KINDS, difficulty)
    columns = 1 + int(rng.integers(between(1, 3, difficulty)))
    if kind in SEVERAL:
        columns = max(columns, 2)
    rows = between(4, 8, difficulty) + int(rng.integers(2))
    labelled = columns == 1 and rows <= 6 and bool(rng.random() < 0.6 - 0.6 * difficulty)
    while True:
        topic = pick(rng, COURSES)
        step = pick(rng, _steps(topic))
        halves = not labelled and difficulty > 0.6 and step % 2 == 0
        first = int(rng.integers(len(topic.rows) - min(rows, len(topic.rows)) + 1))
        topic = topic._replace(rows=topic.rows[first : first + rows])
        numbers = _draw(rng, topic, (len(topic.rows), columns), step, labelled, halves, difficulty, in_order=True)
        asked = _rise(rng, numbers) if kind == "rise" else ask(rng, kind, numbers)
        if asked is not None:
            break
    marker = pick(rng, ("o", "s", "D", "^"))
    return _puzzle(numbers, asked, Lines(*_drawn(numbers), step, halves, labelled, _theme(rng), marker))


def table(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle about a table with 3 to 8 rows and 1 to 4 columns, or about an order with prices."""
    kind = pick_kind(rng, TABLE_KINDS, difficulty)
    rows = between(3, 7, difficulty) + int(rng.integers(2))
    if kind in ("cost", "bill"):
        numbers, asked = _order(rng, kind, rows, difficulty)
        return _puzzle(numbers, asked, _sheet(rng, numbers))
    columns = between(2, 4, difficulty)
    while True:
        topic = pick(rng, TOPICS)
        names = sorted(sample(rng, range(len(topic.columns)), columns))
        shown = tuple(topic.columns[name] for name in names)
        labels = tuple(sample(rng, topic.rows, rows))
        largest = min(20 if difficulty < 0.3 else 100, topic.most)
        values = tuple(tuple(int(v) for v in line) for line in rng.integers(1, largest, (len(labels), len(shown))))
        numbers = Numbers(topic.title, topic.noun, topic.unit, labels, shown, values)
        asked_ = ask(rng, kind, numbers)
        if asked_ is not None and not (kind == "exceeds" and any(len(set(line)) < len(line) for line in values)):
            return _puzzle(numbers, asked_, _sheet(rng, numbers))


def _steps(topic: Topic) -> list[int]:
    """Return the tick distances that suit the topic: nine ticks stay within its maximum."""
    return [step for step in STEPS if topic.most / 40 < step <= topic.most / 9]


def _theme(rng: np.random.Generator) -> int:
    return int(rng.integers(len(THEMES)))


def _drawn(numbers: Numbers) -> tuple[str, str, tuple[str, ...], tuple[str, ...], tuple[tuple[int, ...], ...]]:
    return numbers.title, numbers.unit, numbers.rows, numbers.columns, numbers.values


def _sheet(rng: np.random.Generator, numbers: Numbers) -> Table:
    title = numbers.title if numbers.unit in numbers.title.lower() else f"{numbers.title} ({numbers.unit})"
    cells = tuple((name, *map(str, values)) for name, values in zip(numbers.rows, numbers.values, strict=True))
    return Table(title, (numbers.noun.capitalize(), *numbers.columns), cells, bool(rng.random() < 0.65), _theme(rng))


def _puzzle(numbers: Numbers, asked: Asked, scene: Scene) -> Puzzle:
    text, answer, thought, seen = asked
    return Puzzle(scene, text, answer, thought, describe(numbers), seen)


def _draw(
    rng: np.random.Generator,
    topic: Topic,
    shape: tuple[int, int],
    step: int,
    labelled: bool,
    halves: bool,
    difficulty: float,
    in_order: bool = False,
) -> Numbers:
    """Return numbers on the grid lines with this step, or any numbers if they are written on the marks.

    The numbers of a column are distinct if there is room, and those of a row are always distinct.
    """
    rows, columns = shape
    labels = topic.rows[:rows] if in_order else tuple(sample(rng, topic.rows, rows))
    if in_order or topic.columns[0].isdigit():
        names = topic.columns[:columns]
    else:
        names = tuple(sample(rng, topic.columns, columns))
    if labelled:
        levels = list(range(max(step // 2, 1), 9 * step + 1))
    else:
        unit = step // 2 if halves else step
        apart = 2 if difficulty < 0.3 and rows <= 4 and not in_order else 1  # clearly higher or lower
        levels = list(range(unit * apart, 9 * step + 1, unit * apart))
    while True:
        lines = [sample(rng, levels, rows) for _ in range(columns)]
        values = tuple(zip(*lines, strict=True))
        if all(len(set(line)) == columns for line in values):
            return Numbers(topic.title, topic.noun, topic.unit, labels, names, values)


def _rise(rng: np.random.Generator, numbers: Numbers) -> Asked | None:
    """Ask for the interval with the largest rise or fall of a line."""
    column = int(rng.integers(len(numbers.columns)))
    series = [values[column] for values in numbers.values]
    up = bool(rng.random() < 0.5)
    gains = [(b - a) * (1 if up else -1) for a, b in itertools.pairwise(series)]
    best = max(gains)
    if best <= 0 or gains.count(best) > 1:
        return None
    row = gains.index(best) + 1
    word = "increase" if up else "decrease"
    text = f"Which {numbers.noun} shows the largest {word}{numbers.of(column)} over the {numbers.noun} before?"
    thought = f"{numbers.rows[row]}: {series[row - 1]} to {series[row]}"
    return f"{text} Answer with its name.", numbers.rows[row], thought, with_names(numbers, [column])


def _order(rng: np.random.Generator, kind: str, rows: int, difficulty: float) -> tuple[Numbers, Asked]:
    """Ask for the total cost of one or two articles of an order."""
    goods = tuple(sample(rng, GOODS, rows))
    largest = between(10, 40, difficulty)
    values = tuple((int(rng.integers(2, largest)), int(rng.integers(1, 10))) for _ in goods)
    numbers = Numbers("Order", "article", "", goods, ("Price", "Amount"), values)
    picked = sorted(sample(rng, range(rows), 1 if kind == "cost" else 2))
    parts = [f"{values[row][0]}*{values[row][1]}" for row in picked]
    answer = sum(values[row][0] * values[row][1] for row in picked)
    named = " and ".join(goods[row] for row in picked)
    text = f"The price is for one piece. What do all the {named} of this order cost? {NUMBER}"
    seen = spaced(value for row in picked for value in values[row])
    return numbers, (text, answer, f"{'+'.join(parts)}={answer}", seen)
