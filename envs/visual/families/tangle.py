"""Tangled lines: follow a line, and count its crossings."""

import itertools

import numpy as np

from envs.visual.puzzle import LETTERS, Puzzle, between, pick_kind, sample
from render.visual.instruments import Tangle
from render.visual.sheet import COLOURS, PAPERS

KINDS = {
    "leads": (0.0, 1.0),
    "comes": (0.0, 1.0),
    "crosses": (0.3, 1.0),
    "with": (0.5, 1.0),
}


def tangle(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle with 3 to 6 lines that swap places with their neighbours.

    From difficulty 0.5, lines share colours. At difficulty 1, all have the same colour.
    """
    kind = pick_kind(rng, KINDS, difficulty)
    count = between(3, 6, difficulty)
    orders = [tuple(range(count))]
    for _ in range(between(2, 8, difficulty)):
        orders.append(_swapped(rng, orders))
    shades = count if difficulty < 0.5 else between(5, 1, 2 * difficulty - 1)
    colours = sample(rng, [name for name in COLOURS if name != "yellow"], shades)  # yellow is hard to see on thin lines
    line, other = sample(rng, range(count), 2)
    crossed = [
        a[b.index(line)] for a, b in itertools.pairwise(orders) if a.index(line) != b.index(line)
    ]  # lines that swapped places with it
    letter = LETTERS[orders[-1].index(line)]
    answer: int | str
    if kind == "leads":
        text, answer, thought = f"To which letter does line {line + 1} lead? Answer with a letter.", letter, letter
    elif kind == "comes":
        text, answer = f"Which line leads to {letter}? Answer with its number.", line + 1
        thought = f"back from {letter}: {line + 1}"
    elif kind == "crosses":
        text = f"How many times does line {line + 1} cross another line? Answer with a whole number."
        answer, thought = len(crossed), f"lines {', '.join(str(a + 1) for a in crossed)}: {len(crossed)}"
    else:
        text = f"How many times do lines {line + 1} and {other + 1} cross each other? Answer with a whole number."
        answer, thought = crossed.count(other), f"{crossed.count(other)} times"
    shown = "; ".join(" ".join(str(name + 1) for name in order) for order in orders)
    described = (
        f"Lines run from numbers on the left to letters on the right, A at the top. Their order from the top, "
        f"stage by stage: {shown}."
    )
    scene = Tangle(tuple(orders), tuple(colours[k % shades] for k in range(count)), int(rng.integers(len(PAPERS))))
    return Puzzle(scene, text, answer, thought, described, _crossings(orders))


def _crossings(orders: list[tuple[int, ...]]) -> str:
    """Return the crossings from left to right, each as the upper of its two places from the top.

    Crossings of one stage are listed from the top.
    """
    stages = itertools.pairwise(orders)
    return "".join(str(at + 1) for a, b in stages for at in range(len(a) - 1) if a[at : at + 2] == b[at : at + 2][::-1])


def _swapped(rng: np.random.Generator, orders: list[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the next order: one or more pairs of neighbours swap, but no pair that has just swapped."""
    last = list(orders[-1])
    before = list(orders[-2]) if len(orders) > 1 else last
    pairs = [at for at in range(len(last) - 1) if before[at : at + 2] != [last[at + 1], last[at]]]
    for number, at in enumerate(sample(rng, pairs, len(pairs))):
        free = last[at : at + 2] == list(orders[-1][at : at + 2])
        if number == 0 or (free and rng.random() < 0.4):
            last[at], last[at + 1] = last[at + 1], last[at]
    return tuple(last)
