"""Text rendered as an image of a page."""

import numpy as np
from numpy.typing import NDArray

from render.draw.canvas import Canvas, text_image

PAPER = (250, 250, 248)
INK = (30, 34, 40)
SIZES = (28, 24, 20, 17, 14, 12)
"""Line heights in pixels. The largest that fits is used."""


def wrapped(text: str, size: int, width: int) -> list[str]:
    """Break a text into lines between words, or within words that are wider than a line.

    Args:
        text: the text; its own line breaks are kept.
        size: line height in pixels.
        width: maximum width of a line in pixels.
    """
    lines: list[str] = []
    for paragraph in text.splitlines():
        lines.append("")
        for word in paragraph.split(" "):
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if _width(longer, size) <= width:
                lines[-1] = longer
                continue
            if lines[-1]:
                lines.append("")
            while _width(word, size) > width and len(word) > 1:  # wider than a line
                fits = next(n for n in range(len(word), 0, -1) if n == 1 or _width(word[:n], size) <= width)
                lines[-1:] = [word[:fits], ""]
                word = word[fits:]
            lines[-1] = word
    return lines


def page(text: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the text as a page of `size` (H, W): uint8 [H, W, 3]. Text too long for the smallest font is cut."""
    height, width = size
    margin = max(width // 24, 2)
    text = text[:4000]
    for letters in SIZES:
        lines = wrapped(text, letters, width - 2 * margin)
        room = max((height - 2 * margin) // letters, 1)
        if len(lines) <= room:
            break
    else:
        lines = [*lines[: room - 1], "…"]
    frame = np.full((height, width, 3), PAPER, np.uint8)
    canvas = Canvas(frame)
    for row, line in enumerate(lines):
        canvas.text(line, (margin, margin + letters * (row + 0.5)), letters, INK)
    return frame


def _width(text: str, size: int) -> int:
    return int(text_image(text, size, INK).get_width()) if text else 0
