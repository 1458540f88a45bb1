"""Pattern matrices as in Raven's tests: find the missing ninth cell."""

from collections.abc import Sequence

import numpy as np

from envs.visual.puzzle import LETTERS, Puzzle, between, pick, sample
from render.visual.shapes import Cell, Matrix
from render.visual.sheet import COLOURS, PAPERS, SHAPES

VALUES: dict[str, tuple[str | int, ...]] = {
    "shape": SHAPES,
    "colour": tuple(colour for colour in COLOURS if colour != "yellow"),  # yellow edges are hard to see
    "count": (1, 2, 3, 4),
    "fill": ("solid", "dotted", "empty"),
}
RULES = ("the same in each row", "the same in each column", "each of three once in a row", "one more each time")


def matrix(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle with 4 to 6 options.

    1 to 4 of the attributes shape, colour, count and fill change, each by its own rule.
    """
    changing = sample(rng, list(VALUES), between(1, 4, difficulty))
    while True:
        drawn = {name: _attribute(rng, name, name in changing, difficulty) for name in VALUES}
        if all(len(fitting(values[:8])) == 1 for values, _ in drawn.values()):
            break
    cells = [
        Cell(**{name: values[index] for name, (values, _) in drawn.items()})  # type: ignore[arg-type]
        for index in range(9)
    ]
    options = _options(rng, cells, changing, 4 if difficulty < 0.3 else 6)
    letter = LETTERS[options.index(cells[8])]
    rules = "; ".join(f"{name} {drawn[name][1]}" for name in changing)
    last = LETTERS[len(options) - 1]
    return Puzzle(
        Matrix(tuple(cells[:8]), tuple(options), int(rng.integers(len(PAPERS)))),
        f"The cells follow rules. Which option, A to {last}, is the missing cell? Answer with a letter.",
        letter,
        f"{rules}: {words(cells[8])}, {letter}",
        _describe(cells, options),
        _seen([*cells[:8], *options]),
    )


def words(cell: Cell) -> str:
    """Return a text description of a cell, such as: 2 dotted red star."""
    return f"{cell.count} {cell.fill} {cell.colour} {cell.shape}"


def _attribute(rng: np.random.Generator, name: str, changes: bool, difficulty: float) -> tuple[list[str | int], str]:
    """Return the nine values of an attribute, and its rule."""
    if not changes:
        low = 1 if name == "count" else 0  # one or two shapes leave the other attributes visible
        value = VALUES[name][int(rng.integers(2 * low or len(VALUES[name])))]
        return [value] * 9, "the same everywhere"
    low, high = (0, 2) if difficulty < 0.25 else (0, 4) if difficulty < 0.6 else (1, 4)
    rule = pick(rng, RULES[low : high if name == "count" else min(high, 3)])
    a, b, c = sample(rng, VALUES[name], 3)
    if rule == RULES[0]:
        return [a, a, a, b, b, b, c, c, c], rule
    if rule == RULES[1]:
        return [a, b, c] * 3, rule
    if rule == RULES[2]:
        return ([a, b, c, b, c, a, c, a, b] if rng.random() < 0.5 else [a, b, c, c, a, b, b, c, a]), rule
    starts = sample(rng, (1, 2), 2)
    return [start + column for start in (*starts, pick(rng, (1, 2))) for column in range(3)], rule


def fitting(shown: Sequence[str | int]) -> set[str | int]:
    """Return the ninth values of an attribute that fit any rule satisfied by the eight shown values."""
    rows = [list(shown[:3]), list(shown[3:6]), list(shown[6:])]
    found: set[str | int] = set()
    if len(set(rows[0])) == len(set(rows[1])) == len(set(rows[2])) == 1:
        found.add(rows[2][0])
    if rows[0] == rows[1] and rows[0][:2] == rows[2]:
        found.add(rows[0][2])
    three = set(rows[0])
    if len(three) == 3 and set(rows[1]) == three and len(set(rows[2])) == 2 and set(rows[2]) <= three:
        found |= three - set(rows[2])
    if all(isinstance(value, int) for value in shown):
        steps = {int(row[k + 1]) - int(row[k]) for row in rows for k in range(len(row) - 1)}
        if len(steps) == 1:
            found.add(int(rows[2][1]) + steps.pop())
    return found


def _options(rng: np.random.Generator, cells: list[Cell], changing: list[str], count: int) -> list[Cell]:
    """Return the missing cell among options that differ from it in one or two attributes."""
    gold = cells[8]
    options = [gold]
    while len(options) < count:
        wrong = gold
        for name in sample(rng, changing, 1 + int(rng.integers(min(2, len(changing))))):
            wrong = _with(wrong, name, pick(rng, VALUES[name]))
        if rng.random() < 0.25 or len(changing) == 1:
            other = pick(rng, list(VALUES))
            wrong = _with(wrong, other, pick(rng, VALUES[other]))
        if wrong not in options:
            options.append(wrong)
    return sample(rng, options, count)


def _with(cell: Cell, name: str, value: str | int) -> Cell:
    return Cell(**{**vars(cell), name: value})


def _seen(cells: list[Cell]) -> str:
    """Return the attributes that differ between the cells, for the eight cells row by row and then the options."""
    names = [name for name in ("count", "fill", "colour", "shape") if len({getattr(cell, name) for cell in cells}) > 1]
    return " ".join(str(getattr(cell, name)) for cell in cells for name in names)


def _describe(cells: list[Cell], options: list[Cell]) -> str:
    lines = [f"Row {row + 1}: {', '.join(words(cell) for cell in cells[3 * row : 3 * row + 3])}." for row in range(2)]
    lines.append(f"Row 3: {words(cells[6])}, {words(cells[7])}, ?.")
    lines.append(f"Options: {', '.join(f'{LETTERS[k]}: {words(option)}' for k, option in enumerate(options))}.")
    return "\n".join(lines)
