"""Rotated and mirrored patterns: find the matching option."""

import numpy as np

from envs.visual.puzzle import LETTERS, Puzzle, between, pick, pick_kind, sample
from render.visual.paths import Pattern, Turned
from render.visual.sheet import COLOURS, PAPERS

KINDS = {
    "clockwise": (0.0, 1.0),
    "half": (0.0, 1.0),
    "mirrored": (0.0, 1.0),
    "counterclockwise": (0.2, 1.0),
    "not turned": (0.4, 1.0),
}
TEXTS = {
    "clockwise": "Which option is the pattern turned clockwise by 90 degrees?",
    "counterclockwise": "Which option is the pattern turned counterclockwise by 90 degrees?",
    "half": "Which option is the pattern turned by 180 degrees?",
    "mirrored": "Which option is the pattern mirrored, left and right exchanged?",
    "not turned": "Which option is not the pattern turned by 90, 180 or 270 degrees?",
}


def rotation(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle with patterns of 3x3 to 5x5 cells in 2 to 4 colours, and four options."""
    kind = pick_kind(rng, KINDS, difficulty)
    size = between(3, 4.6, difficulty)
    colours = sample(rng, list(COLOURS), between(2, 4, difficulty))
    while True:
        pattern = tuple(tuple(pick(rng, ["", *colours]) for _ in range(size)) for _ in range(size))
        turns = [pattern, turned(pattern), turned(turned(pattern)), turned(turned(turned(pattern)))]
        images = [*turns, *(mirrored(image) for image in turns)]
        if len(set(images)) == 8:  # no symmetry
            break
    if kind == "not turned":
        gold = pick(rng, images[4:]) if difficulty >= 0.6 else _spoiled(rng, pick(rng, turns[1:]), colours)
        while gold in turns:
            gold = _spoiled(rng, gold, colours)
        wrong = turns[1:]
    else:
        gold = {"clockwise": turns[1], "counterclockwise": turns[3], "half": turns[2], "mirrored": images[4]}[kind]
        near = sample(rng, [image for image in images if image != gold], 2)
        spoiled = _spoiled(rng, gold, colours)
        while spoiled in (*near, gold):
            spoiled = _spoiled(rng, gold, colours)
        wrong = [*near, spoiled]
    options = sample(rng, [gold, *wrong], 4)
    letter = LETTERS[options.index(gold)]
    text = f"{TEXTS[kind]} Answer with a letter."
    shown = "; ".join(f"{LETTERS[k]}: {words(option)}" for k, option in enumerate(options))
    described = f"Rows from the top, cells from the left. Pattern: {words(pattern)}. Options: {shown}."
    scene = Turned(pattern, tuple(options), int(rng.integers(len(PAPERS))))
    seen = " ".join(_initials(shown) for shown in (pattern, *options))
    return Puzzle(scene, text, letter, _why(kind, gold), described, seen)


def turned(pattern: Pattern) -> Pattern:
    """Return the pattern rotated clockwise by 90 degrees."""
    return tuple(zip(*pattern[::-1], strict=True))


def mirrored(pattern: Pattern) -> Pattern:
    """Return the pattern with left and right exchanged."""
    return tuple(row[::-1] for row in pattern)


def words(pattern: Pattern) -> str:
    """Return a text description, such as: red white / white blue."""
    return " / ".join(" ".join(cell or "white" for cell in row) for row in pattern)


def _initials(pattern: Pattern) -> str:
    """Return the cells row by row: b for black, B for blue, otherwise the colour's first letter, - for white."""
    return "".join("B" if cell == "blue" else cell[:1] or "-" for row in pattern for cell in row)


def _spoiled(rng: np.random.Generator, pattern: Pattern, colours: list[str]) -> Pattern:
    """Return the pattern with the colour of one cell changed."""
    row, column = (int(place) for place in rng.integers(len(pattern), size=2))
    cells = [list(line) for line in pattern]
    cells[row][column] = pick(rng, [colour for colour in ["", *colours] if colour != cells[row][column]])
    return tuple(tuple(line) for line in cells)


def _why(kind: str, gold: Pattern) -> str:
    """Return a short reason: the first row of the right option."""
    first = " ".join(cell or "white" for cell in gold[0])
    return f"first row {first}" if kind != "not turned" else f"{first} comes by no turn"
