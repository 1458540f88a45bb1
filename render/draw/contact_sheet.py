"""Contact sheets: titled sections of captioned images, for inspection by eye."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pygame
from numpy.typing import NDArray

from render.draw.canvas import Colour

GAP = 12
MOST_LINES = 2
NARROWEST = 150
"""Minimum width of a tile in pixels, so that small images have legible captions."""
PAPER, INK, MUTED, EDGE = (250, 250, 248), (30, 34, 40), (96, 104, 116), (208, 212, 218)


class Tile(NamedTuple):
    """One image with its captions."""

    title: str
    image: NDArray[np.uint8]
    """uint8 [h, w, 3]."""
    note: str = ""
    """Smaller text below the title. Both are cut after `MOST_LINES` lines."""


class Section(NamedTuple):
    """A heading and its tiles."""

    heading: str
    tiles: Sequence[Tile]


def sheet(sections: Sequence[Section], width: int = 1430) -> NDArray[np.uint8]:
    """Return the sections stacked vertically, with unscaled images in rows of at most `width` pixels.

    Args:
        sections: the sections. All tiles of a section have the width of its widest image.
        width: width of the sheet in pixels. It is larger if an image is wider.

    Returns:
        uint8 [H, W, 3].
    """
    widest = max([width, *(tile.image.shape[1] + 2 * GAP for section in sections for tile in section.tiles)])
    strips = [strip for section in sections for strip in _strips(section, widest)]
    return np.concatenate([*strips, np.full((GAP, widest, 3), PAPER, np.uint8)])


def _strips(section: Section, width: int) -> list[NDArray[np.uint8]]:
    """Return the heading and the rows of a section."""
    heading = _font(22, bold=True)
    strip = np.full((GAP + heading.get_linesize(), width, 3), PAPER, np.uint8)
    _write(strip, section.heading, heading, (GAP, GAP), INK)
    across = max([NARROWEST, *(tile.image.shape[1] for tile in section.tiles)])
    columns = max(1, (width - GAP) // (across + GAP))
    rows = [section.tiles[first : first + columns] for first in range(0, len(section.tiles), columns)]
    return [strip, *(_row(row, across, width) for row in rows)]


def _row(tiles: Sequence[Tile], across: int, width: int) -> NDArray[np.uint8]:
    """Return one row of tiles, each `across` pixels wide."""
    bold, plain = _font(13, bold=True), _font(12)
    titles = [_lines(re.findall("[^_]+_?|_", tile.title), "", bold, across) for tile in tiles]
    notes = [_lines(tile.note.split(), " ", plain, across) for tile in tiles]
    below = GAP + max(map(len, titles)) * bold.get_linesize()
    top = below + max(map(len, notes)) * plain.get_linesize() + 3
    strip = np.full((top + max(tile.image.shape[0] for tile in tiles) + 1, width, 3), PAPER, np.uint8)
    for number, (tile, title, note) in enumerate(zip(tiles, titles, notes, strict=True)):
        left = GAP + number * (across + GAP)
        for line, text in enumerate(title):
            _write(strip, text, bold, (left, GAP + line * bold.get_linesize()), INK)
        for line, text in enumerate(note):
            _write(strip, text, plain, (left, below + line * plain.get_linesize()), MUTED)
        height, wide = tile.image.shape[:2]
        strip[top - 1 : top + height + 1, left - 1 : left + wide + 1] = EDGE
        strip[top : top + height, left : left + wide] = tile.image
    return strip


def _lines(pieces: list[str], glue: str, font: pygame.font.Font, width: int) -> list[str]:
    """Return the first lines of a text that can be broken between its pieces."""
    lines: list[str] = []
    for piece in pieces:
        if lines and font.size(f"{lines[-1]}{glue}{piece}")[0] <= width:
            lines[-1] += f"{glue}{piece}"
        elif len(lines) == MOST_LINES:
            lines[-1] = _cut(f"{lines[-1]} …", font, width)
            break
        else:
            lines.append(_cut(piece, font, width))
    return lines


def _cut(text: str, font: pygame.font.Font, width: int) -> str:
    """Return a text of at most `width` pixels, with an ellipsis if it was cut."""
    if font.size(text)[0] <= width:
        return text
    fits = max((n for n in range(len(text)) if font.size(f"{text[:n]}…")[0] <= width), default=0)
    return f"{text[:fits]}…"


def _write(
    pixels: NDArray[np.uint8], text: str, font: pygame.font.Font, place: tuple[int, int], colour: Colour
) -> None:
    surface = pygame.image.frombuffer(pixels.data, (pixels.shape[1], pixels.shape[0]), "RGB")
    surface.blit(font.render(text, True, colour), place)


def _font(size: int, bold: bool = False) -> pygame.font.Font:
    """Return a font with kerning. The one that pygame bundles has none at small sizes."""
    import matplotlib  # slow to import

    pygame.font.init()  # an environment may have called pygame.quit()
    face = "DejaVuSans-Bold" if bold else "DejaVuSans"
    return pygame.font.Font(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf", size)
