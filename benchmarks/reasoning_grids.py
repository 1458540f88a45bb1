"""Independent solvers of reasoning-gym's tasks on grids, for `reasoning_golds`. Each reads the question's text only."""

import json
import math
import re
from collections import deque
from collections.abc import Iterable


def grid(text: str) -> list[list[str]]:
    """Return the last block of lines with cells separated by spaces."""
    block: list[list[str]] = []
    for line in reversed(text.strip().splitlines()):
        cells = line.split()
        if len(cells) < 2 or any(len(cell) > 3 for cell in cells) or (block and len(cells) != len(block[0])):
            if block:
                break
            continue
        block.append(cells)
    return block[::-1]


def neighbours(cells: list[list[str]], row: int, column: int) -> Iterable[tuple[int, int]]:
    """Yield the four neighbours inside of a grid."""
    for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        if 0 <= row + down < len(cells) and 0 <= column + right < len(cells[0]):
            yield row + down, column + right


def distances(cells: list[list[str]], starts: str, blocked: str) -> dict[tuple[int, int], int]:
    """Return the steps from the nearest start to every cell that can be reached."""
    found = {(r, c): 0 for r, row in enumerate(cells) for c, cell in enumerate(row) if cell in starts}
    queue = deque(found)
    while queue:
        place = queue.popleft()
        for row, column in neighbours(cells, *place):
            if (row, column) not in found and cells[row][column] not in blocked:
                found[row, column] = found[place] + 1
                queue.append((row, column))
    return found


def islands(question: str, gold: str) -> bool:
    """Area of the largest island."""
    cells, best, seen = grid(question.split("An island")[0]), 0, set()
    for start in ((r, c) for r, row in enumerate(cells) for c, cell in enumerate(row) if cell == "1"):
        stack, size = [start], 0
        while stack:
            place = stack.pop()
            if place not in seen:
                seen.add(place)
                size += 1
                stack += [(r, c) for r, c in neighbours(cells, *place) if cells[r][c] == "1"]
        best = max(best, size)
    return best == int(gold)


def nearest_zero(question: str, gold: str) -> bool:
    """Distance of each cell to the nearest 0."""
    cells = grid(question)
    found = distances(cells, "0", "")
    return [[str(found[r, c]) for c in range(len(cells[0]))] for r in range(len(cells))] == [
        line.split() for line in gold.splitlines()
    ]


def oranges(question: str, gold: str) -> bool:
    """Minutes until all oranges are rotten, or -1."""
    cells = grid(question)
    found = distances(cells, "2", "0")
    fresh = [(r, c) for r, row in enumerate(cells) for c, cell in enumerate(row) if cell == "1"]
    return int(gold) == (
        -1 if any(place not in found for place in fresh) else max((found[p] for p in fresh), default=0)
    )


def path(question: str, gold: str) -> bool:
    """The directions lead from * to # in the fewest steps."""
    cells = grid(question)
    found = distances(cells, "*", "X")
    goal = next((r, c) for r, row in enumerate(cells) for c, cell in enumerate(row) if cell == "#")
    if gold == "infeasible":
        return goal not in found
    row, column = next((r, c) for r, line in enumerate(cells) for c, cell in enumerate(line) if cell == "*")
    for step in gold.split():
        row, column = row + (step == "down") - (step == "up"), column + (step == "right") - (step == "left")
        if (row, column) not in found:
            return False
    return (row, column) == goal and len(gold.split()) == found[goal]


def maze(question: str, gold: str) -> bool:
    """Fewest steps through a maze."""
    start, goal = re.search(r"'(.)' \(start\)", question)[1], re.search(r"'(.)' \(goal\)", question)[1]  # type: ignore[index]
    wall = re.search(r"'(.)' = Wall", question)[1]  # type: ignore[index]
    cells = [list(line) for line in re.search(r"```\n(.*)\n```\n", question, re.DOTALL)[1].splitlines()]  # type: ignore[index]
    found = distances(cells, start, wall)
    place = next((r, c) for r, row in enumerate(cells) for c, cell in enumerate(row) if cell == goal)
    return (str(found[place]) if place in found else "infeasible") == gold


def kakurasu(question: str, gold: str) -> bool:
    """Weighted sums of rows and columns."""
    rows, columns = (json.loads(found) for found in re.findall(r"sums(?: are|:)? (\[[\d, ]+\])", question))
    cells = [[int(cell) for cell in line.split()] for line in gold.splitlines()]
    across = [sum(cell * (index + 1) for index, cell in enumerate(row)) for row in cells]
    down = [sum(cell * (index + 1) for index, cell in enumerate(row)) for row in zip(*cells, strict=True)]
    return across == rows and down == columns


def queens(question: str, gold: str) -> bool:
    """No queen attacks another one, and the given ones are kept."""
    board, given = [line.split() for line in gold.splitlines()], grid(question)
    places = [(r, c) for r, row in enumerate(board) for c, cell in enumerate(row) if cell == "Q"]
    kept = all(board[r][c] == "Q" for r, row in enumerate(given) for c, cell in enumerate(row) if cell == "Q")
    apart = all(
        len({key(p) for p in places}) == len(places)
        for key in (lambda p: p[0], lambda p: p[1], sum, lambda p: p[0] - p[1])
    )  # type: ignore[arg-type]
    return kept and apart and len(places) == len(board)


def sudoku(question: str, gold: str) -> bool:
    """Rows, columns and boxes have each digit once, and the given digits are kept."""
    board = [line.split() for line in gold.splitlines()]
    given = [line.split() for line in question.splitlines() if re.fullmatch(r"(?:[\d_] ){3,8}[\d_]", line.strip())]
    size, box = len(board), math.isqrt(len(board))
    digits = {str(digit) for digit in range(1, size + 1)}
    boxes = [
        [board[r][c] for r in range(y, y + box) for c in range(x, x + box)]
        for x in range(0, size, box)
        for y in range(0, size, box)
    ]
    kept = all(cell in ("_", board[r][c]) for r, row in enumerate(given) for c, cell in enumerate(row))
    return kept and all(set(line) == digits for line in [*board, *map(list, zip(*board, strict=True)), *boxes])


def rotation(question: str, gold: str) -> bool:
    """A matrix, rotated clockwise."""
    cells = grid(question)
    for _ in range(int(re.search(r"by (\d+) degrees", question)[1]) // 90 % 4):  # type: ignore[index]
        cells = [list(row) for row in zip(*cells[::-1], strict=True)]
    return cells == [line.split() for line in gold.splitlines()]


def spiral(question: str, gold: str) -> bool:
    """A matrix in spiral order."""
    cells, found = [tuple(row) for row in grid(question)], []
    while cells:
        found += cells.pop(0)
        cells = list(zip(*cells, strict=True))[::-1]
    return found == gold.split()
