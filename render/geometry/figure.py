"""Textbook-style figures of plane geometry, drawn from scenes into uint8 [H, W, 3].

Each scene is fitted into its cell of the frame. Shapes are drawn at a higher resolution and averaged, which smooths
their edges. Labels are then placed where they cover no line (`render.draw.labels`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pygame

from render.draw.canvas import Frame
from render.draw.labels import Labels
from render.geometry.pen import Pen
from render.geometry.scene import GROUNDS, PALE, Scene, extent


def draw(scenes: Sequence[Scene], size: tuple[int, int], ground: int = 0) -> Frame:
    """Draw one to four scenes side by side.

    Args:
        scenes: the scenes, one to four.
        size: (height, width) in pixels.
        ground: index into `GROUNDS`, modulo its length.

    Returns:
        uint8 [height, width, 3].
    """
    return labelled(scenes, size, ground).canvas.pixels


def labelled(scenes: Sequence[Scene], size: tuple[int, int], ground: int = 0) -> Labels:
    """Draw scenes and return the labels with their boxes.

    Args:
        scenes: see `draw`.
        size: see `draw`.
        ground: see `draw`.
    """
    height, width = size
    cells = cells_of(scenes, height, width)
    cell = min(min(right - left, bottom - top) for left, top, right, bottom in cells)
    side = (cell + min(height, width)) / 2  # several figures share a frame: their labels shrink less than they do
    text = max(12, round(min(side * 0.085, 10 + side * 0.042, cell * 0.1)))
    fine = 3 if min(height, width) < 300 else 2
    sheet = np.empty((height * fine, width * fine, 3), np.uint8)
    sheet[0] = GROUNDS[ground % len(GROUNDS)]
    sheet[1:] = sheet[0]  # copying rows is five times faster than filling pixels
    surface = pygame.image.frombuffer(sheet.data, (width * fine, height * fine), "RGB")
    pens = [Pen(surface, scene, cell, text, fine, ground) for scene, cell in zip(scenes, cells, strict=True)]
    if len(pens) > 1:
        for left, top, _, _ in cells:
            if left > 0:
                pens[0].stroke([(left, top + text / 2), (left, cells[0][3] + top - text / 2)], 1, PALE)
            if top > 0:
                pens[0].stroke([(left + text / 2, top), (width - text / 2, top)], 1, PALE)
    for pen in pens:
        pen.draw()
    frame = _averaged(sheet, fine)
    labels = Labels(frame, text, GROUNDS[ground % len(GROUNDS)])
    for pen in pens:
        pen.write(labels)
    return labels


def _averaged(sheet: Frame, fine: int) -> Frame:
    rows = sheet[0::fine].astype(np.uint16)
    for k in range(1, fine):
        rows += sheet[k::fine]
    columns = rows.reshape(rows.shape[0], -1, fine, 3)
    total = columns[:, :, 0] + columns[:, :, 1]
    for k in range(2, fine):
        total += columns[:, :, k]
    total += fine * fine // 2
    total //= fine * fine
    return total.astype(np.uint8)


def cells_of(scenes: Sequence[Scene], height: int, width: int) -> list[tuple[float, float, float, float]]:
    """Divide a frame into the rows and columns that make the figures largest.

    Args:
        scenes: the scenes.
        height: height of the frame in pixels.
        width: width of the frame in pixels.

    Returns:
        Cell of each scene (left, top, right, bottom) in pixels.
    """
    best: tuple[float, int] = (-1, 1)
    for columns in range(1, len(scenes) + 1):
        rows = math.ceil(len(scenes) / columns)
        pad = 0.1 * min(height, width)
        scale = 0.0
        for scene in scenes:
            left, bottom, right, top = extent(scene)
            scale += min((width / columns - pad) / (right - left), (height / rows - pad) / (top - bottom)) * max(
                right - left, top - bottom
            )
        best = max(best, (scale, columns))
    columns = best[1]
    rows = math.ceil(len(scenes) / columns)
    found = []
    for k in range(len(scenes)):
        row, column = divmod(k, columns)
        in_row = min(columns, len(scenes) - row * columns)
        w, h = width / in_row, height / rows
        found.append((column * w, row * h, (column + 1) * w, (row + 1) * h))
    return found
