"""Mazes: reachable letters, path lengths and directions."""

import itertools
from collections import deque

import numpy as np

from envs.visual.puzzle import Puzzle, between, pick, pick_kind, sample
from render.visual.paths import Maze
from render.visual.sheet import PAPERS

KINDS = {
    "reach": (0.0, 1.0),
    "first": (0.0, 0.6),
    "length": (0.2, 1.0),
    "passes": (0.3, 1.0),
    "turns": (0.6, 1.0),
}
Cell = tuple[int, int]
Door = tuple[Cell, Cell]
DIRECTIONS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


def maze(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle about a maze of 4x4 to 11x11 cells with one path between any two cells.

    At high difficulty, mazes that ask for a shortest path have loops.
    """
    kind = pick_kind(rng, KINDS, difficulty)
    size = between(4, 10, difficulty) + int(rng.integers(2))
    while True:
        doors = _carve(rng, size)
        made = _reach(rng, size, doors) if kind == "reach" else _way(rng, kind, size, doors, difficulty)
        if made is not None:
            break
    scene, text, answer, thought = made
    described = f"A maze; +, - and | are walls, each cell is two characters wide:\n{scene.symbols()}"
    return Puzzle(scene, text, answer, thought, described, _seen(scene))


def _seen(scene: Maze) -> str:
    """Return the maze row by row, with `/` between rows, such as 1S2/10 for 2x2 cells.

    A cell is 1 if its right side is open, plus 2 if its lower side is open. A letter follows the digit of its cell.
    """
    letters = {(row, column): letter for letter, row, column in scene.letters}
    rows = []
    for row in range(scene.rows):
        cells = [(row, column) for column in range(scene.columns)]
        sides = [((r, c), (r, c + 1)) in scene.doors for r, c in cells]
        below = [((r, c), (r + 1, c)) in scene.doors for r, c in cells]
        digits = [one + 2 * other for one, other in zip(sides, below, strict=True)]
        rows.append("".join(f"{digit}{letters.get(cell, '')}" for digit, cell in zip(digits, cells, strict=True)))
    return "/".join(rows)


def _carve(rng: np.random.Generator, size: int) -> set[Door]:
    """Generate a maze by depth-first search, with one path between any two cells."""
    cells = [(int(rng.integers(size)), int(rng.integers(size)))]
    seen, doors = set(cells), set()
    while cells:
        row, column = cells[-1]
        around = [(row + down, column + right) for down, right in DIRECTIONS.values()]
        free = [cell for cell in around if min(cell) >= 0 and max(cell) < size and cell not in seen]
        if not free:
            cells.pop()
            continue
        following = pick(rng, free)
        doors.add(door(cells[-1], following))
        seen.add(following)
        cells.append(following)
    return doors


def door(one: Cell, other: Cell) -> Door:
    """Return the pair of cells in canonical order."""
    return (one, other) if one < other else (other, one)


def way(doors: set[Door], start: Cell, goal: Cell) -> list[Cell]:
    """Return the cells of a shortest path including both ends, or [] if there is none.

    Args:
        doors: Pairs of cells without a wall between them.
        start: First cell.
        goal: Last cell.
    """
    came: dict[Cell, Cell] = {start: start}
    queue = deque([start])
    while queue and goal not in came:
        cell = queue.popleft()
        for down, right in DIRECTIONS.values():
            following = cell[0] + down, cell[1] + right
            if following not in came and door(cell, following) in doors:
                came[following] = cell
                queue.append(following)
    if goal not in came:
        return []
    path = [goal]
    while path[-1] != start:
        path.append(came[path[-1]])
    return path[::-1]


def moves(path: list[Cell]) -> list[str]:
    """Return the direction of each step."""
    names = {step: name for name, step in DIRECTIONS.items()}
    return [names[b[0] - a[0], b[1] - a[1]] for a, b in itertools.pairwise(path)]


def _reach(rng: np.random.Generator, size: int, doors: set[Door]) -> tuple[Maze, str, str, str] | None:
    """Ask for the reachable letter, with walls that cut off all other letters."""
    cells = [(row, column) for row in range(size) for column in range(size)]
    start, *marked = sample(rng, cells, 5 if size > 5 else 4)
    gold = pick(rng, marked)
    kept = way(doors, start, gold)
    if len(kept) < size:
        return None
    for cell in marked:
        path = way(doors, start, cell)
        if cell != gold and path:
            ahead = [door(a, b) for a, b in itertools.pairwise(path) if b not in kept]
            if not ahead:
                return None  # it lies on the path to keep
            doors.remove(ahead[len(ahead) // 2])
    letters = "ABCD"[: len(marked)]
    answer = letters[marked.index(gold)]
    scene = _scene(rng, size, doors, [("S", start), *zip(letters, marked, strict=True)])
    text = "Only one of the green letters can be reached from S. Which one? Answer with a letter."
    return scene, text, answer, _short(moves(kept), answer)


def _way(
    rng: np.random.Generator, kind: str, size: int, doors: set[Door], difficulty: float
) -> tuple[Maze, str, int | str, str] | None:
    cells = [(row, column) for row in range(size) for column in range(size)]
    start, goal, *others = sample(rng, cells, len(cells))
    if kind == "length" and difficulty > 0.7:
        for cell in others[: size // 2]:  # open a few walls: several paths of one length
            right = cell[0], cell[1] + 1
            if right[1] < size:
                doors.add(door(cell, right))
    path = way(doors, start, goal)
    longest = between(8, 40, difficulty)
    steps = moves(path)
    marks = [("S", start), ("G", goal)]
    if not 3 <= len(steps) <= longest:
        return None
    if kind == "first":
        if sum(start in pair for pair in doors) < 2:
            return None  # there would be no choice
        text = "In which direction is the first step on the way from S to G? Answer with up, down, left or right."
        return _scene(rng, size, doors, marks), text, steps[0], _short(steps, steps[0])
    if kind == "length":
        text = "How many steps is the shortest way from S to G? Each step goes to the next cell, the last one onto G."
        return _scene(rng, size, doors, marks), f"{text} Answer with a whole number.", len(steps), _short(steps, "")
    if kind == "turns":
        turns = sum(a != b for a, b in itertools.pairwise(steps))
        text = "How many times does the way from S to G change its direction? Answer with a whole number."
        return _scene(rng, size, doors, marks), text, turns, _short(steps, "")
    apart = [cell for cell in others if cell not in path]
    if len(apart) < 3:
        return None
    letters = sample(rng, "ABCD", 4)
    marked = dict(zip(letters, [pick(rng, path[1:-1]), *apart[:3]], strict=True))
    text = "Which other letter lies on the way from S to G? Answer with a letter."
    return _scene(rng, size, doors, marks + sorted(marked.items())), text, letters[0], _short(steps, letters[0])


def _scene(rng: np.random.Generator, size: int, doors: set[Door], letters: list[tuple[str, Cell]]) -> Maze:
    marks = tuple((letter, *cell) for letter, cell in letters)
    return Maze(size, size, frozenset(doors), marks, int(rng.integers(len(PAPERS))))


def _short(steps: list[str], end: str) -> str:
    """Return the path as runs, such as: up 2, left 1."""
    runs: list[tuple[str, int]] = []
    for step in steps:
        if runs and runs[-1][0] == step:
            runs[-1] = step, runs[-1][1] + 1
        else:
            runs.append((step, 1))
    return ", ".join(f"{name} {count}" for name, count in runs) + (f": {end}" if end else "")
