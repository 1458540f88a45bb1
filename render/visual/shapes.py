"""Images of coloured shapes: scattered, in a grid, or as a pattern matrix with options."""

from __future__ import annotations

from dataclasses import dataclass

from render.draw.canvas import Frame
from render.visual.sheet import COLOURS, INK, LEGIBLE, PAPERS, Sheet, put_shape

LETTERS = "ABCDEFGH"


@dataclass(frozen=True)
class Item:
    """One shape. Lengths and positions are fractions of the shorter side of the image."""

    colour: str
    """Key of `COLOURS`."""
    shape: str
    """One of `SHAPES`."""
    x: float
    y: float
    radius: float
    angle: float = 0
    """Rotation in radians."""


@dataclass(frozen=True)
class Shapes:
    """Shapes on paper. Later shapes cover earlier ones."""

    items: tuple[Item, ...]
    paper: int = 0
    """Index into `PAPERS`."""
    grid: tuple[int, int] | None = None
    """Rows and columns of the grid behind the shapes, or None for no grid."""

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        sheet = Sheet(height, width, PAPERS[self.paper])
        if self.grid is not None:
            rows, columns = self.grid
            box = grid_box(rows, columns)
            for row in range(rows + 1):
                y = box[1] + row * box[2]
                sheet.line((box[0], y), (box[0] + columns * box[2], y), 0.004, (165, 172, 182))
            for column in range(columns + 1):
                x = box[0] + column * box[2]
                sheet.line((x, box[1]), (x, box[1] + rows * box[2]), 0.004, (165, 172, 182))
        for item in self.items:
            put_shape(sheet, item.shape, (item.x, item.y), item.radius, COLOURS[item.colour], item.angle)
        return sheet.frame()


def grid_box(rows: int, columns: int) -> tuple[float, float, float]:
    """Return left edge, top edge and cell side of a grid centred in the image."""
    cell = 0.92 / max(rows, columns)
    return 0.5 - columns * cell / 2, 0.5 - rows * cell / 2, cell


@dataclass(frozen=True)
class Cell:
    """One cell of a pattern matrix with `count` equal shapes."""

    shape: str
    colour: str
    count: int
    """Number of shapes, 1 to 4."""
    fill: str
    """Fill of the shapes: "solid", "dotted" or "empty"."""


@dataclass(frozen=True)
class Matrix:
    """A 3 × 3 matrix of cells without its last cell, and the options below it."""

    cells: tuple[Cell, ...]
    """The eight visible cells, row by row."""
    options: tuple[Cell, ...]
    """Four or six options."""
    paper: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        sheet = Sheet(height, width, PAPERS[self.paper])
        side = 0.185
        for index in range(9):
            x, y = 0.5 + (index % 3 - 1.5) * side, 0.01 + index // 3 * side
            _tile(sheet, x, y, side, self.cells[index] if index < 8 else None)
        columns = len(self.options) // 2
        for index, option in enumerate(self.options):
            x = 0.5 + (index % columns - columns / 2) * 0.3 + 0.1
            y = 0.59 + index // columns * 0.205
            _tile(sheet, x, y, side, option)
            sheet.text(LETTERS[index], x - 0.045, y + side / 2, 0.095, least=LEGIBLE)
        return sheet.frame()


_SPOTS = {
    1: ((0.5, 0.5),),
    2: ((0.28, 0.5), (0.72, 0.5)),
    3: ((0.5, 0.27), (0.27, 0.72), (0.73, 0.72)),
    4: ((0.27, 0.27), (0.73, 0.27), (0.27, 0.73), (0.73, 0.73)),
}


def _tile(sheet: Sheet, x: float, y: float, side: float, cell: Cell | None) -> None:
    """Draw a cell with its border. None draws the missing cell."""
    corners = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
    sheet.polygon(corners, (255, 255, 255))
    sheet.path([*corners, corners[0]], 0.006, INK)
    if cell is None:
        sheet.text("?", x + side / 2, y + side / 2, side * 0.75, (200, 60, 50))
        return
    radius = side * (0.33 if cell.count == 1 else 0.185)
    for px, py in _SPOTS[cell.count]:
        place = (x + px * side, y + py * side)
        put_shape(sheet, cell.shape, place, radius, COLOURS[cell.colour], fill=cell.fill)
