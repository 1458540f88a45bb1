"""Pictures of Twins: up to nine symbols in a 3 x 3 grid, each displaced at random inside and around its cell."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import pygame
from numpy.typing import NDArray

from render.draw.canvas import text_image

ARROWS: Final = {"R": 0, "D": 270, "L": 180, "U": 90}
"""Symbol → rotation in degrees of an arrow that points to the right."""
PAPER: Final = (244, 241, 232)
INK: Final = (28, 34, 46)
GRID: Final = 3


def picture(symbols: str, size: tuple[int, int], shifts: Sequence[tuple[float, float]]) -> NDArray[np.uint8]:
    """Return the picture of an item, uint8 [H, W, 3].

    Args:
        symbols: Up to nine symbols, one per cell, row by row.
        size: (height, width) in pixels.
        shifts: (x, y) displacement of each symbol, as a fraction of a cell.
    """
    height, width = size
    sheet = pygame.Surface((width, height))
    sheet.fill(PAPER)
    side = min(height, width) / GRID
    for index, (symbol, (dx, dy)) in enumerate(zip(symbols, shifts, strict=True)):
        glyph = _glyph(symbol, round(side))
        row, column = divmod(index, GRID)
        x, y = (column + 0.5 + dx) * side, (row + 0.5 + dy) * side
        sheet.blit(glyph, glyph.get_rect(center=(round(x), round(y))))
    return np.ascontiguousarray(pygame.surfarray.array3d(sheet).transpose(1, 0, 2))


@lru_cache(maxsize=256)
def _glyph(symbol: str, side: int) -> pygame.Surface:
    """Return a symbol that fills most of a cell of `side` pixels."""
    if symbol in ARROWS:
        return pygame.transform.rotate(_arrow(side), ARROWS[symbol])
    return text_image(symbol, round(1.5 * side), INK)


def _arrow(side: int) -> pygame.Surface:
    """Return an arrow that points to the right."""
    large = pygame.Surface((4 * side, 4 * side), pygame.SRCALPHA)
    unit = 4 * side
    shaft = [(0.2, 0.44), (0.52, 0.44), (0.52, 0.3), (0.82, 0.5), (0.52, 0.7), (0.52, 0.56), (0.2, 0.56)]
    pygame.draw.polygon(large, INK, [(x * unit, y * unit) for x, y in shaft])
    return pygame.transform.smoothscale(large, (side, side))
