"""Spatial relations (left, above, nearest, between) and grid positions, without near-ties."""

import math

import numpy as np

from envs.visual.families.counting import describe
from envs.visual.plane import distance
from envs.visual.puzzle import Puzzle, between, pick, pick_kind, sample
from render.visual.shapes import Item, Shapes, grid_box
from render.visual.sheet import COLOURS, PAPERS, SHAPES

KINDS = {
    "extreme": (0.0, 0.6),
    "side": (0.0, 0.5),
    "cell": (0.0, 0.7),
    "corner": (0.2, 0.8),
    "beside": (0.2, 1.0),
    "nearest": (0.3, 1.0),
    "how many": (0.4, 1.0),
    "between": (0.4, 1.0),
    "order": (0.5, 1.0),
    "walk": (0.6, 1.0),
}
IN_GRID = ("cell", "beside", "walk")
FORM = "Answer with colour and shape, such as: red circle."
CLEARLY = 1.25
"""Minimum ratio of the distances to the second nearest and the nearest shape."""


def spatial(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle with 3 to 9 shapes, all different."""
    kind = pick_kind(rng, KINDS, difficulty)
    return _in_grid(rng, kind, difficulty) if kind in IN_GRID else _free(rng, kind, difficulty)


def name(item: Item) -> str:
    """Return the name of a shape, such as "red circle"."""
    return f"{item.colour} {item.shape}"


def _looks(rng: np.random.Generator, count: int, difficulty: float) -> list[tuple[str, str]]:
    """Return distinct pairs of colour and shape. Higher difficulty uses fewer colours."""
    colours = sample(rng, list(COLOURS), max(between(7, 3, difficulty), math.ceil(count / len(SHAPES))))
    return sample(rng, [(colour, shape) for colour in colours for shape in SHAPES], count)


def _places(rng: np.random.Generator, count: int) -> list[tuple[float, float]]:
    """Return places that all differ clearly in both x and y."""
    step = 0.84 / count
    while True:
        columns, rows = rng.permutation(count), rng.permutation(count)
        jitter = 0.4 * (rng.random((2, count)) - 0.5)
        places = [
            (
                0.08 + step * (int(columns[i]) + 0.5 + float(jitter[0, i])),
                0.08 + step * (int(rows[i]) + 0.5 + float(jitter[1, i])),
            )
            for i in range(count)
        ]
        if all(math.dist(a, b) > 0.19 for i, a in enumerate(places) for b in places[:i]):
            return places


def _free(rng: np.random.Generator, kind: str, difficulty: float) -> Puzzle:
    count = max(between(3, 8, difficulty), 4 if kind in ("between", "nearest", "how many") else 3)
    while True:
        looks = _looks(rng, count, difficulty)
        items = [Item(c, s, x, y, 0.08) for (c, s), (x, y) in zip(looks, _places(rng, count), strict=True)]
        asked = _ask_free(rng, kind, items)
        if asked is not None:
            text, answer, thought, seen = asked
            scene = Shapes(tuple(items), int(rng.integers(len(PAPERS))))
            return Puzzle(scene, text, answer, thought, describe(items), seen)


def _ask_free(rng: np.random.Generator, kind: str, items: list[Item]) -> tuple[str, int | str, str, str] | None:
    """Return question, answer, worked solution and transcript, or None if these places are ambiguous.

    The transcript lists the shapes from the left or from the top, where that order is asked for, or else their places
    in percent from the left and from the top.
    """
    a, b = sample(rng, items, 2)
    if kind == "extreme":
        word, key = pick(rng, [("left", (1, 0)), ("right", (-1, 0)), ("top", (0, 1)), ("bottom", (0, -1))])
        best = min(items, key=lambda item: key[0] * item.x + key[1] * item.y)
        side = f"closest to the {word}{' edge of the picture' if word in ('left', 'right') else ' of the picture'}"
        seen = _in_order(items, across=word in ("left", "right"))
        return f"Which shape is {side}? {FORM}", name(best), f"{word}most: {name(best)}", seen
    if kind == "side":
        across = rng.random() < 0.5
        if across:
            answer = "left" if a.x < b.x else "right"
            text = f"Is the {name(a)} to the left or to the right of the {name(b)}? Answer with left or right."
        else:
            answer = "above" if a.y < b.y else "below"
            text = f"Is the {name(a)} above or below the {name(b)}? Answer with above or below."
        return text, answer, f"the {name(a)} is further {answer}", _in_order([a, b], across)
    if kind == "corner":
        answer = f"{'above' if a.y < b.y else 'below'} {'left' if a.x < b.x else 'right'}"
        text = f"Seen from the {name(b)}, where is the {name(a)}?"
        text = f"{text} Answer with above left, above right, below left or below right."
        return text, answer, answer, _at_places([a, b])
    if kind == "how many":
        word, before = pick(
            rng, [("to the left of", True), ("to the right of", False), ("above", True), ("below", False)]
        )
        places = [item.x if word.startswith("to") else item.y for item in items]
        limit = a.x if word.startswith("to") else a.y
        answer_ = sum(place < limit if before else place > limit for place in places)
        text = f"How many shapes are {word} the {name(a)}? Answer with a whole number."
        return text, answer_, f"{word} it: {answer_}", _in_order(items, across=word.startswith("to"))
    if kind == "order":
        word, across = pick(rng, [("left", True), ("top", False)])
        ordered = sorted(items, key=lambda item: item.x if across else item.y)
        place = int(rng.integers(2, len(items) + 1))
        text = f"Counted from the {word}, which shape is number {place}? {FORM}"
        thought = ", ".join(name(item) for item in ordered[:place])
        return text, name(ordered[place - 1]), thought, _in_order(items, across)
    if kind == "nearest":
        others = sorted((item for item in items if item is not a), key=lambda item: _apart(a, item))
        if _apart(a, others[1]) < CLEARLY * _apart(a, others[0]):
            return None
        text = f"Which shape is nearest to the {name(a)}? {FORM}"
        return text, name(others[0]), f"nearest: {name(others[0])}", _at_places(items)
    return _between(rng, items)


def _in_order(items: list[Item], across: bool) -> str:
    """Return the shapes from the left, or from the top if `across` is false."""
    return " ".join(name(item) for item in sorted(items, key=lambda item: item.x if across else item.y))


def _at_places(items: list[Item]) -> str:
    """Return the shapes from the left, each with its place in percent from the left and from the top."""
    items = sorted(items, key=lambda item: item.x)
    return " ".join(f"{name(item)} {item.x * 100:.0f} {item.y * 100:.0f}" for item in items)


def _between(rng: np.random.Generator, items: list[Item]) -> tuple[str, str, str, str] | None:
    """Move a shape to the midpoint between two others and ask for it, or return None if others are too close."""
    a, b = items[0], items[1]
    middle = Item(items[2].colour, items[2].shape, (a.x + b.x) / 2, (a.y + b.y) / 2, items[2].radius)
    clear = all(distance((item.x, item.y), (a.x, a.y), (b.x, b.y)) > 0.2 for item in items[3:])
    if _apart(a, b) < 0.42 or not clear:
        return None
    items[2] = middle
    text = f"Which shape is on the straight line between the {name(a)} and the {name(b)}? {FORM}"
    return text, name(middle), f"in the middle: {name(middle)}", _at_places(items)


def _apart(a: Item, b: Item) -> float:
    return math.dist((a.x, a.y), (b.x, b.y))


def _in_grid(rng: np.random.Generator, kind: str, difficulty: float) -> Puzzle:
    rows, columns = (between(2, 4, difficulty) + int(rng.integers(2)) for _ in range(2))
    left, top, side = grid_box(rows, columns)
    filled = max(between(4, 14, difficulty), 4)
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    looks = _looks(rng, min(filled, len(cells)), difficulty)
    grid = dict(zip(sample(rng, cells, len(looks)), looks, strict=True))
    items = {
        (row, column): Item(*look, left + (column + 0.5) * side, top + (row + 0.5) * side, side * 0.36)
        for (row, column), look in sorted(grid.items())
    }
    text, answer, thought = _ask_grid(rng, kind, items)
    lines = [
        [name(items[row, column]) if (row, column) in items else "-" for column in range(columns)]
        for row in range(rows)
    ]
    seen = " / ".join(" ".join(line) for line in lines)
    shown = "; ".join(f"row {row + 1}, column {column + 1}: {name(item)}" for (row, column), item in items.items())
    described = f"A grid of {rows} rows (from the top) and {columns} columns (from the left). {shown}."
    scene = Shapes(tuple(items.values()), int(rng.integers(len(PAPERS))), (rows, columns))
    return Puzzle(scene, text, answer, thought, described, seen)


def _ask_grid(rng: np.random.Generator, kind: str, items: dict[tuple[int, int], Item]) -> tuple[str, int | str, str]:
    (row, column), item = pick(rng, list(items.items()))
    reached = {place: (place[0] - row, place[1] - column) for place in items if place != (row, column)}
    if kind == "beside":
        beside = [(place, by) for place, by in reached.items() if abs(by[0]) + abs(by[1]) == 1]
        if beside:
            place, by = pick(rng, beside)
            where = {(-1, 0): "above", (1, 0): "below", (0, -1): "to the left of", (0, 1): "to the right of"}[by]
            return f"Which shape is directly {where} the {name(item)}? {FORM}", name(items[place]), f"{where} it"
    if kind == "walk":
        place, (down, right) = pick(rng, list(reached.items()))
        moves = [f"{abs(down)} {'down' if down > 0 else 'up'}"] if down else []
        moves += [f"{abs(right)} to the {'right' if right > 0 else 'left'}"] if right else []
        text = f"Start at the {name(item)} and go {' and '.join(moves)}, in cells. Which shape is there? {FORM}"
        return text, name(items[place]), f"row {place[0] + 1}, column {place[1] + 1}"
    if rng.random() < 0.5:
        text = f"Which shape is in row {row + 1} (from the top), column {column + 1} (from the left)? {FORM}"
        return text, name(item), f"row {row + 1}, column {column + 1}"
    if rng.random() < 0.5:
        return (
            f"In which row, counted from the top, is the {name(item)}? Answer with a number.",
            row + 1,
            f"row {row + 1}",
        )
    text = f"In which column, counted from the left, is the {name(item)}? Answer with a number."
    return text, column + 1, f"column {column + 1}"
