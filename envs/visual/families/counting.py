"""Counting: coloured shapes among similar ones, partly covered at high difficulty."""

import numpy as np

from envs.visual.puzzle import Puzzle, between, pick, pick_kind, sample
from render.visual.shapes import Item, Shapes
from render.visual.sheet import COLOURS, PAPERS, SHAPES

KINDS = {
    "all": (0.0, 0.4),
    "colour": (0.0, 0.7),
    "shape": (0.0, 0.7),
    "both": (0.0, 0.9),
    "not": (0.3, 1.0),
    "colours": (0.3, 1.0),
    "but not": (0.4, 1.0),
    "more": (0.5, 1.0),
}
HIDING = 0.7
"""Difficulty from which shapes may partly cover each other."""


def counting(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle with 4 to 24 shapes in 2 to 6 colours and forms."""
    count = between(4, 21, difficulty) + int(rng.integers(4))
    colours = sample(rng, list(COLOURS), between(2, 6, difficulty))
    shapes = sample(rng, SHAPES, between(2, 6, difficulty))
    places, radius = strew(rng, count, difficulty)
    items = []
    for x, y in places:
        # favour the first colour and shape, so that the counted shapes are not rare
        colour = colours[0] if rng.random() < 0.25 else pick(rng, colours)
        shape = shapes[0] if rng.random() < 0.25 else pick(rng, shapes)
        size = radius * (1 - 0.3 * difficulty * rng.random())
        items.append(Item(colour, shape, x, y, size, (rng.random() - 0.5) * 0.4))
    kind = pick_kind(rng, KINDS, difficulty)
    text, answer, thought = _ask(rng, kind, items)
    scene = Shapes(tuple(items), int(rng.integers(len(PAPERS))))
    return Puzzle(scene, f"{text} Answer with a whole number.", answer, thought, describe(items), _tally(kind, items))


def strew(rng: np.random.Generator, count: int, difficulty: float) -> tuple[list[tuple[float, float]], float]:
    """Return places in the unit square and a radius, such that every shape stays visible in part.

    Args:
        rng: Random generator.
        count: Number of shapes.
        difficulty: Difficulty in [0, 1].
    """
    radius = min(0.13, 0.36 / count**0.5)
    apart = 1.3 if difficulty >= HIDING else 2.1
    while True:
        places: list[tuple[float, float]] = []
        for _ in range(60 * count):
            x, y = (radius + 0.01 + (0.98 - 2 * radius) * float(part) for part in rng.random(2))
            if all((x - px) ** 2 + (y - py) ** 2 >= (apart * radius) ** 2 for px, py in places):
                places.append((x, y))
                if len(places) == count:
                    return places, radius
        radius *= 0.92


def describe(items: list[Item]) -> str:
    """Return a text description of every shape and its place."""
    shown = "; ".join(f"{item.colour} {item.shape} at ({item.x * 100:.0f}, {item.y * 100:.0f})" for item in items)
    return f"Shapes, with their places in percent from the left and from the top: {shown}."


def _ask(rng: np.random.Generator, kind: str, items: list[Item]) -> tuple[str, int, str]:
    target = pick(rng, items)
    colour, shape = target.colour, target.shape
    red = sum(item.colour == colour for item in items)
    both = sum(item.colour == colour and item.shape == shape for item in items)
    circles = sum(item.shape == shape for item in items)
    others = sorted({item.colour for item in items} - {colour})
    if kind == "more" and others:
        other = pick(rng, others)
        fewer = sum(item.colour == other for item in items)
        if fewer > red:
            colour, other, red, fewer = other, colour, fewer, red
        text = f"How many more {colour} shapes than {other} shapes are there?"
        return text, red - fewer, f"{colour} {red}, {other} {fewer}: {red}-{fewer}={red - fewer}"
    if kind == "not":
        return f"How many shapes are not {colour}?", len(items) - red, f"{len(items)}-{red}={len(items) - red}"
    if kind == "colours":
        names = [name for name in COLOURS if any(item.colour == name for item in items)]
        return "How many different colours do the shapes have?", len(names), ", ".join(names)
    if kind == "but not":
        text = f"How many shapes are {plural(shape)}, but not {colour}?"
        return text, circles - both, f"{circles}-{both}={circles - both}"
    if kind == "all":
        return "How many shapes are there?", len(items), f"all: {len(items)}"
    if kind == "shape":
        return f"How many {plural(shape)} are there?", circles, f"{plural(shape)}: {circles}"
    if kind == "both":
        return f"How many {colour} {plural(shape)} are there?", both, f"{colour} {plural(shape)}: {both}"
    return f"How many {colour} shapes are there?", red, f"{colour}: {red}"


def _tally(kind: str, items: list[Item]) -> str:
    """Return each colour, shape or pair of both that the question distinguishes, with the number of its shapes."""
    if kind == "shape":
        looks = [(name, sum(item.shape == name for item in items)) for name in SHAPES]
    elif kind in ("both", "but not"):
        pairs = [(colour, shape) for colour in COLOURS for shape in SHAPES]
        looks = [(" ".join(pair), sum((item.colour, item.shape) == pair for item in items)) for pair in pairs]
    else:
        looks = [(name, sum(item.colour == name for item in items)) for name in COLOURS]
    return " ".join(f"{name} {count}" for name, count in looks if count)


def plural(shape: str) -> str:
    """Return the plural: circles, crosses."""
    return f"{shape}es" if shape.endswith("s") else f"{shape}s"
