"""Contact sheets: labelled rows of images for manual inspection."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from render.draw.canvas import Canvas
from render.draw.page import INK, PAPER, wrapped

GAP = 12
LINE = 22
FONT = 17


class Row(NamedTuple):
    """One labelled row of a contact sheet."""

    title: str
    images: Sequence[NDArray[np.uint8]]
    """uint8 [h, w, 3] each, of any size."""
    note: str = ""
    """Smaller text below the title."""


def sheet(rows: Sequence[Row], width: int = 1200) -> NDArray[np.uint8]:
    """Return the rows stacked vertically, with unscaled images wrapped at `width` pixels: uint8 [H, W, 3]."""
    widest = max([width, *(image.shape[1] + 2 * GAP for row in rows for image in row.images)])
    strips = [_strip(row, widest) for row in rows]
    return np.concatenate(strips) if strips else np.full((GAP, widest, 3), PAPER, np.uint8)


def _strip(row: Row, width: int) -> NDArray[np.uint8]:
    lines: list[list[NDArray[np.uint8]]] = [[]]
    used = GAP
    for image in row.images:
        if used + image.shape[1] + GAP > width and lines[-1]:
            lines.append([])
            used = GAP
        lines[-1].append(image)
        used += image.shape[1] + GAP
    notes = wrapped(row.note, FONT, width - 2 * GAP)
    heights = [max((image.shape[0] for image in line), default=0) for line in lines]
    top = GAP + LINE * (1 + len(notes))
    strip = np.full((top + sum(heights) + GAP * len(heights), width, 3), PAPER, np.uint8)
    canvas = Canvas(strip)
    canvas.text(row.title, (GAP, GAP + LINE / 2), FONT + 4, INK)
    for number, note in enumerate(notes, 1):
        canvas.text(note, (GAP, GAP + LINE * (number + 0.5)), FONT, (96, 104, 116))
    for line, height in zip(lines, heights, strict=True):
        left = GAP
        for image in line:
            strip[top : top + image.shape[0], left : left + image.shape[1]] = image
            left += image.shape[1] + GAP
        top += height + GAP
    return strip
