"""Networks of letters and lines: count lines, add their numbers, find the shortest path."""

import math
from itertools import combinations, pairwise

import numpy as np

from envs.visual.numbers import spaced
from envs.visual.plane import Point, crossing, distance
from envs.visual.puzzle import LETTERS, Puzzle, between, pick, pick_kind, sample
from render.visual.paths import NODES, Network

KINDS = {
    "weight": (0.0, 0.5),
    "degree": (0.0, 0.5),
    "most": (0.1, 0.7),
    "hops": (0.2, 1.0),
    "sum": (0.3, 0.9),
    "shortest": (0.4, 1.0),
    "via": (0.6, 1.0),
}
PLAIN = ("degree", "most", "hops")
"""Kinds of question without numbers on the lines."""
Lines = dict[tuple[str, str], int]


def network(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle with 4 to 9 nodes. Lines do not cross, and numbers do not overlap."""
    kind = pick_kind(rng, KINDS, difficulty)
    while True:
        places = _places(rng, between(4, 9, difficulty))
        lines = _lines(rng, places, kind in PLAIN, 9 if difficulty < 0.7 else 20)
        asked = None if lines is None else _ask(rng, kind, list(places), lines)
        if lines is not None and asked is not None:
            break
    text, answer, thought, seen = asked
    scene = Network(
        tuple((letter, *place) for letter, place in places.items()),
        tuple((one, other, number) for (one, other), number in lines.items()),
        int(rng.integers(len(NODES))),
    )
    shown = ", ".join(f"{one}-{other}{f' ({number})' if number else ''}" for one, other, number in scene.lines)
    return Puzzle(scene, text, answer, thought, f"A network of {', '.join(places)}. Lines: {shown}.", seen)


def shortest(nodes: list[str], lines: Lines, start: str, goal: str) -> list[list[str]]:
    """Return all shortest paths by the numbers on the lines, as lists of nodes.

    Args:
        nodes: All nodes.
        lines: Lines between nodes, with their numbers.
        start: First node.
        goal: Last node.
    """
    best: dict[str, float] = {node: math.inf for node in nodes} | {start: 0.0}
    for _ in nodes:  # Bellman-Ford
        for (one, other), number in lines.items():
            best[one] = min(best[one], best[other] + number)
            best[other] = min(best[other], best[one] + number)
    ways = [[goal]] if best[goal] < math.inf else []
    done = []
    while ways:
        path = ways.pop()
        if path[0] == start:
            done.append(path)
            continue
        for (one, other), number in lines.items():
            for a, b in ((one, other), (other, one)):
                if b == path[0] and best[a] + number == best[b]:
                    ways.append([a, *path])
    return done


def _places(rng: np.random.Generator, count: int) -> dict[str, Point]:
    """Place letters at jittered points of a 3x3 grid."""
    cells = sorted(sample(rng, range(9), count))
    jitter = rng.random((count, 2)) - 0.5
    return {
        LETTERS[index]: (
            0.15 + 0.35 * (cell % 3) + 0.13 * float(jitter[index, 0]),
            0.15 + 0.35 * (cell // 3) + 0.13 * float(jitter[index, 1]),
        )
        for index, cell in enumerate(cells)
    }


def _lines(rng: np.random.Generator, places: dict[str, Point], plain: bool, largest: int) -> Lines | None:
    """Return lines that connect all nodes, plus about half as many again, or None if there is no room for them."""
    pairs = sample(rng, list(combinations(places, 2)), len(places) * (len(places) - 1) // 2)
    drawn: list[tuple[str, str]] = []
    groups = {node: {node} for node in places}
    extra = len(places) // 2 + 1
    for one, other in sorted(pairs, key=lambda pair: math.dist(places[pair[0]], places[pair[1]]) > 0.55):
        joined = other in groups[one]
        if (joined and extra == 0) or not _room(places, drawn, (one, other)):
            continue
        extra -= joined
        drawn.append((one, other))
        together = groups[one] | groups[other]
        for node in together:
            groups[node] = together
    if len(groups["A"]) < len(places):
        return None
    return {pair: 0 if plain else int(rng.integers(1, largest + 1)) for pair in sorted(drawn)}


def _room(places: dict[str, Point], drawn: list[tuple[str, str]], pair: tuple[str, str]) -> bool:
    """Return True if a line crosses no other line, avoids all nodes, and keeps its number clear of other lines."""
    a, b = places[pair[0]], places[pair[1]]
    if any(distance(places[node], a, b) < 0.1 for node in places if node not in pair):
        return False
    for one, other in drawn:
        c, d = places[one], places[other]
        if crossing(a, b, c, d):
            return False
        if distance(_middle(a, b), c, d) < 0.06 or distance(_middle(c, d), a, b) < 0.06:
            return False
        if math.dist(_middle(a, b), _middle(c, d)) < 0.1:
            return False
    return math.dist(a, b) > 0.22


def _middle(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _ask(rng: np.random.Generator, kind: str, nodes: list[str], lines: Lines) -> tuple[str, int | str, str, str] | None:
    """Return question, answer, worked solution and transcript, or None.

    There is no question if the answer is not unique or the path is too short. The transcript lists the lines that the
    question is about, in alphabetical order, such as AB4 for the line between A and B with the number 4.
    """
    drawn = " ".join(f"{one}{other}{number or ''}" for (one, other), number in sorted(lines.items()))
    node = pick(rng, nodes)
    own = [pair for pair in lines if node in pair]
    if kind == "weight":
        one, other = pair = pick(rng, sorted(lines))
        text = f"Which number stands on the line between {one} and {other}? Answer with a whole number."
        return text, lines[pair], f"{one}-{other}: {lines[pair]}", str(lines[pair])
    if kind == "degree":
        ends = sorted(one if other == node else other for one, other in own)
        thought = f"to {', '.join(ends)}: {len(own)}"
        return f"How many lines end at {node}? Answer with a whole number.", len(own), thought, " ".join(ends)
    if kind == "sum":
        numbers = [lines[pair] for pair in own]
        text = f"What is the sum of the numbers on all the lines that end at {node}? Answer with a whole number."
        return text, sum(numbers), f"{'+'.join(map(str, numbers))}={sum(numbers)}", spaced(numbers)
    if kind == "most":
        degrees = sorted((sum(letter in pair for pair in lines), letter) for letter in nodes)
        if degrees[-1][0] == degrees[-2][0]:
            return None
        count, letter = degrees[-1]
        return "At which letter do the most lines end? Answer with a letter.", letter, f"{letter} has {count}", drawn
    start, goal = sample(rng, nodes, 2)
    ways = shortest(nodes, {pair: 1 for pair in lines} if kind == "hops" else lines, start, goal)
    if len(ways[0]) < 3 or (kind == "via" and len(ways) > 1):
        return None
    path = ways[0]
    if kind == "hops":
        if len(path) == 3 and rng.random() < 0.6:
            return None  # otherwise the answer would nearly always be two
        text = f"What is the smallest number of lines that lead from {start} to {goal}? Answer with a whole number."
        return text, len(path) - 1, "-".join(path), drawn
    numbers = [lines[a, b] if (a, b) in lines else lines[b, a] for a, b in pairwise(path)]
    total = f"{'-'.join(path)}: {'+'.join(map(str, numbers))}={sum(numbers)}"
    if kind == "via":
        text = f"The numbers are lengths. Which letter comes after {start} on the shortest way from {start} to {goal}?"
        return f"{text} Answer with a letter.", path[1], total, drawn
    text = f"The numbers are lengths. How long is the shortest way from {start} to {goal}? Answer with a whole number."
    return text, sum(numbers), total, drawn
