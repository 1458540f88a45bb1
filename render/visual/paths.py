"""Mazes, networks of lettered nodes, and cell patterns with rotated copies."""

from __future__ import annotations

from dataclasses import dataclass

from render.draw.canvas import Colour, Frame
from render.visual.sheet import COLOURS, INK, LEGIBLE, PAPERS, Sheet

MARK: Colour = (214, 58, 48)
GOAL: Colour = (24, 120, 60)


@dataclass(frozen=True)
class Maze:
    """A maze of cells with walls, and letters in some cells."""

    rows: int
    columns: int
    doors: frozenset[tuple[tuple[int, int], tuple[int, int]]]
    """Pairs of neighbouring cells (row, column) without a wall between them, the smaller cell first."""
    letters: tuple[tuple[str, int, int], ...]
    """Letter, row and column. S is drawn in red, other letters in green."""
    paper: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        sheet = Sheet(height, width, PAPERS[self.paper])
        cell = 0.94 / max(self.rows, self.columns)
        left, top = 0.5 - self.columns * cell / 2, 0.5 - self.rows * cell / 2
        thick = min(0.014, cell * 0.13)
        for row in range(self.rows + 1):
            for column in range(self.columns + 1):
                x, y = left + column * cell, top + row * cell
                if column < self.columns and ((row - 1, column), (row, column)) not in self.doors:
                    sheet.line((x, y), (x + cell, y), thick, INK)
                if row < self.rows and ((row, column - 1), (row, column)) not in self.doors:
                    sheet.line((x, y), (x, y + cell), thick, INK)
        for letter, row, column in self.letters:
            place = left + (column + 0.5) * cell, top + (row + 0.5) * cell
            sheet.disc(*place, cell * 0.37, MARK if letter == "S" else GOAL)
            sheet.text(letter, *place, cell * 0.85, (255, 255, 255))
        return sheet.frame()

    def symbols(self) -> str:
        """Return the maze as text: +, - and | are walls, letters and spaces are cells."""
        letters = {(row, column): letter for letter, row, column in self.letters}
        lines = []
        for row in range(self.rows + 1):
            walls = ["  " if ((row - 1, c), (row, c)) in self.doors else "--" for c in range(self.columns)]
            lines.append("+" + "+".join(walls) + "+")
            if row < self.rows:
                cells = [letters.get((row, c), " ") + " " for c in range(self.columns)]
                sides = [" " if ((row, c - 1), (row, c)) in self.doors else "|" for c in range(self.columns)]
                lines.append("".join(side + cell for side, cell in zip(sides, cells, strict=True)) + "|")
        return "\n".join(lines)


@dataclass(frozen=True)
class Network:
    """Lettered nodes and the lines between them."""

    nodes: tuple[tuple[str, float, float], ...]
    """Letter, x and y of each node."""
    lines: tuple[tuple[str, str, int], ...]
    """Two letters and the number on the line between them. 0 means no number."""
    style: int = 0
    """Index into `NODES`."""

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        paper, fill, ink = NODES[self.style]
        sheet = Sheet(height, width, paper)
        places = {letter: (x, y) for letter, x, y in self.nodes}
        for one, other, _ in self.lines:
            sheet.line(places[one], places[other], 0.01, (120, 128, 140))
        for one, other, number in self.lines:
            if number:
                x, y = ((a + b) / 2 for a, b in zip(places[one], places[other], strict=True))
                sheet.disc(x, y, max(0.042, sheet.pixels(4.5)), paper)
                sheet.text(str(number), x, y + 0.003, 0.085, INK, least=LEGIBLE)
        radius = max(0.055, sheet.pixels(6.3))
        for letter, (x, y) in places.items():
            sheet.disc(x, y, radius + 0.007, INK)
            sheet.disc(x, y, radius, fill)
            sheet.text(letter, x, y + 0.003, 0.095, ink, least=LEGIBLE)
        return sheet.frame()


NODES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((255, 255, 255), (255, 221, 120), (44, 48, 56)),
    ((243, 247, 250), (38, 108, 196), (255, 255, 255)),
    ((250, 247, 240), (46, 140, 90), (255, 255, 255)),
    ((246, 244, 250), (255, 255, 255), (44, 48, 56)),
)
"""Colours of paper, node and letter."""

Pattern = tuple[tuple[str, ...], ...]
"""Rows of cells, each a colour name or empty."""


@dataclass(frozen=True)
class Turned:
    """A pattern of coloured cells next to its four options."""

    pattern: Pattern
    options: tuple[Pattern, ...]
    paper: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        sheet = Sheet(height, width, PAPERS[self.paper])
        _pattern(sheet, self.pattern, 0.22, 0.45, 0.36)
        sheet.line((0.445, 0.06), (0.445, 0.94), 0.004, (170, 176, 186))
        for index, option in enumerate(self.options):
            x, y = (0.585, 0.86)[index % 2], (0.19, 0.67)[index // 2]
            _pattern(sheet, option, x, y, 0.23)
            sheet.text("ABCD"[index], x, y + 0.175, 0.1, least=LEGIBLE)
        return sheet.frame()


def _pattern(sheet: Sheet, pattern: Pattern, x: float, y: float, side: float) -> None:
    """Draw a square pattern centred on (x, y)."""
    cell = side / len(pattern)
    left, top = x - side / 2, y - side / 2
    sheet.rectangle(left, top, left + side, top + side, (255, 255, 255))
    for row, cells in enumerate(pattern):
        for column, colour in enumerate(cells):
            if colour:
                x0, y0 = left + column * cell, top + row * cell
                sheet.rectangle(x0, y0, x0 + cell, y0 + cell, COLOURS[colour])
    for line in range(len(pattern) + 1):
        thick = 0.008 if line in (0, len(pattern)) else 0.004
        sheet.line((left, top + line * cell), (left + side, top + line * cell), thick, INK)
        sheet.line((left + line * cell, top), (left + line * cell, top + side), thick, INK)
