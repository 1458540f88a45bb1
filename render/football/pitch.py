"""The ground of a football pitch: mown grass, lines and goals, in metres from the centre spot."""

from __future__ import annotations

import math
from typing import Final

from render.draw.canvas import Colour, Frame, Ink

METRES_X: Final = 54.4
"""Metres per GRF unit of x. The pitch is 108.8 m long."""
METRES_Y: Final = 83.6
"""Metres per GRF unit of y. The pitch is 70.2 m wide."""
HALF_LENGTH: Final = 54.4
HALF_WIDTH: Final = 0.42 * METRES_Y
GOAL_HALF: Final = 0.044 * METRES_Y
GOAL_DEPTH: Final = 2.4

STRIPES: Final = 18
LIGHT: Final[Colour] = (70, 148, 66)
DARK: Final[Colour] = (60, 136, 60)
AROUND: Final[Colour] = (43, 104, 52)
BEYOND: Final[Colour] = (29, 62, 44)
LINE: Final[Colour] = (238, 246, 238)
POST: Final[Colour] = (255, 255, 255)


def paint_pitch(rows: int, columns: int, left: float, top: float, scale: float) -> Frame:
    """Paint the ground.

    Args:
        rows: height in pixels.
        columns: width in pixels.
        left: x of the left edge in metres.
        top: y of the top edge in metres.
        scale: pixels per metre.

    Returns:
        uint8 [rows, columns, 3].
    """
    ink = Ink(rows, columns)

    def at(x: float, y: float) -> tuple[float, float]:
        return (x - left) * scale, (y - top) * scale

    def box(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        return (*at(x0, y0), *at(x1, y1))

    ink.rectangle(-4, -4, columns + 4, rows + 4, BEYOND)
    ink.rectangle(*box(-HALF_LENGTH - 8, -HALF_WIDTH - 8, HALF_LENGTH + 8, HALF_WIDTH + 8), AROUND, radius=2 * scale)
    stripe = 2 * HALF_LENGTH / STRIPES
    ink.rectangle(*box(-HALF_LENGTH, -HALF_WIDTH, HALF_LENGTH, HALF_WIDTH), DARK)
    for index in range(0, STRIPES, 2):
        x = -HALF_LENGTH + index * stripe
        ink.rectangle(*box(x, -HALF_WIDTH, x + stripe, HALF_WIDTH), LIGHT)

    width = max(0.22 * scale, 1.0)
    opacity = min(1.0, 0.62 + 0.06 * scale)

    def crisp(place: tuple[float, float]) -> tuple[float, float]:
        """Snap a thin line to one row of pixels instead of two half-covered ones."""
        return place if width > 1.5 else (math.floor(place[0]) + 0.5, math.floor(place[1]) + 0.5)

    def line(x0: float, y0: float, x1: float, y1: float) -> None:
        ink.line(crisp(at(x0, y0)), crisp(at(x1, y1)), width, LINE, opacity)

    line(-HALF_LENGTH, -HALF_WIDTH, HALF_LENGTH, -HALF_WIDTH)
    line(-HALF_LENGTH, HALF_WIDTH, HALF_LENGTH, HALF_WIDTH)
    line(0, -HALF_WIDTH, 0, HALF_WIDTH)
    ink.ring(*at(0, 0), 9.15 * scale, width, LINE, opacity)
    spot = max(0.3 * scale, 0.8)
    ink.disc(*at(0, 0), spot, LINE, opacity)
    for side in (-1, 1):
        goal = side * HALF_LENGTH
        line(goal, -HALF_WIDTH, goal, HALF_WIDTH)
        for depth, half in ((16.5, 20.16), (5.5, 9.16)):
            line(goal, -half, goal - side * depth, -half)
            line(goal, half, goal - side * depth, half)
            line(goal - side * depth, -half, goal - side * depth, half)
        ink.disc(*at(goal - side * 11, 0), spot, LINE, opacity)
        edge = goal - side * 16.5
        arc = box(min(edge, 0), -10, max(edge, 0), 10)
        ink.ring(*at(goal - side * 11, 0), 9.15 * scale, width, LINE, opacity, box=arc)
        for corner in (-1, 1):
            y = corner * HALF_WIDTH
            quarter = box(min(goal, 0), min(y, 0), max(goal, 0), max(y, 0))
            if scale > 1.5:
                ink.ring(*at(goal, y), 1.2 * scale, width, LINE, opacity, box=quarter)
        _goal(ink, at(goal, 0), side, scale)
    return ink.pixels()


def _goal(ink: Ink, mouth: tuple[float, float], side: int, scale: float) -> None:
    """Draw a goal behind its line: shade, net and frame. `mouth` is the middle of the goal line in pixels."""
    x, y = mouth
    depth, half = side * max(GOAL_DEPTH * scale, 2.5), max(GOAL_HALF * scale, 2.5)
    back = x + depth
    ink.rectangle(min(x, back), y - half, max(x, back), y + half, (12, 30, 22), 0.55)
    mesh = max(0.6 * scale, 2.2)
    if scale > 1.5:
        thread = max(0.06 * scale, 0.6)
        for row in range(1, math.ceil(2 * half / mesh)):
            ink.line((x, y - half + row * mesh), (back, y - half + row * mesh), thread, POST, 0.4)
        for column in range(1, math.ceil(abs(depth) / mesh)):
            across = x + side * column * mesh
            ink.line((across, y - half), (across, y + half), thread, POST, 0.4)
    post = max(0.34 * scale, 1.3)
    for start, end in (((x, y - half), (back, y - half)), ((x, y + half), (back, y + half))):
        ink.line(start, end, post, POST)
    ink.line((back, y - half), (back, y + half), 0.8 * post, POST, 0.85)
    for end_y in (y - half, y + half):
        ink.disc(x, end_y, max(0.36 * scale, 1.1), POST)
