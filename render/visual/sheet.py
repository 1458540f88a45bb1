"""Shared drawing tools of the puzzles: a sheet of side 1, named colours and outlines of named shapes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pygame

from render.draw.canvas import Canvas, Colour, Frame

FINE = 3
"""Supersampling factor. Shapes are drawn larger and averaged, which smooths their edges."""

COLOURS: dict[str, Colour] = {
    "red": (222, 45, 38),
    "blue": (33, 102, 220),
    "green": (38, 160, 65),
    "yellow": (250, 212, 45),
    "purple": (136, 62, 186),
    "orange": (247, 132, 32),
    "black": (38, 40, 46),
}
SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond", "heart")
INK: Colour = (44, 48, 56)
PAPERS: tuple[Colour, ...] = ((255, 255, 255), (250, 247, 240), (241, 245, 250), (243, 247, 241))

LEGIBLE = 12
"""Smallest line height in pixels at which similar letters differ clearly."""

Point = tuple[float, float]


class Scene(Protocol):
    """Plain data that can be drawn."""

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        ...


class Sheet:
    """A sheet of paper with a centred square of side 1, x to the right and y down.

    Lengths are fractions of the side of the square, so an image looks the same at every size. Text is written last, at
    the resolution of the frame, so that it stays sharp.
    """

    def __init__(self, height: int, width: int, paper: Colour = PAPERS[0]) -> None:
        """Create an empty sheet.

        Args:
            height: height of the frame in pixels.
            width: width of the frame in pixels.
            paper: background colour, RGB.
        """
        self._side = min(height, width)
        self._left, self._top = (width - self._side) / 2, (height - self._side) / 2
        fine = np.empty((height * FINE, width * FINE, 3), np.uint8)
        fine[:] = paper
        self._canvas = Canvas(fine)
        self._texts: list[tuple[str, Point, int, Colour, str]] = []

    def _at(self, point: Point) -> Point:
        return (self._left + point[0] * self._side) * FINE, (self._top + point[1] * self._side) * FINE

    def pixels(self, count: float) -> float:
        """Return a number of pixels of the frame as a fraction of the side."""
        return count / self._side

    def _length(self, length: float) -> float:
        return length * self._side * FINE

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Draw a filled polygon."""
        pygame.draw.polygon(self._canvas.surface, colour, [self._at(point) for point in points])

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Draw a filled disc.

        Args:
            x: centre x, 0 to 1.
            y: centre y, 0 to 1.
            radius: radius as a fraction of the side.
            colour: RGB, 0 to 255.
        """
        pygame.draw.circle(self._canvas.surface, colour, self._at((x, y)), self._length(radius))

    def rectangle(
        self, left: float, top: float, right: float, bottom: float, colour: Colour, radius: float = 0
    ) -> None:
        """Draw a filled rectangle.

        Args:
            left: left edge, 0 to 1.
            top: top edge, 0 to 1.
            right: right edge, 0 to 1.
            bottom: bottom edge, 0 to 1.
            colour: RGB, 0 to 255.
            radius: radius of the rounded corners as a fraction of the side.
        """
        (x0, y0), (x1, y1) = self._at((left, top)), self._at((right, bottom))
        corner = pygame.Rect(round(x0), round(y0), round(x1) - round(x0), round(y1) - round(y0))
        pygame.draw.rect(self._canvas.surface, colour, corner, border_radius=round(self._length(radius)))

    def line(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        """Draw a straight line with round ends.

        Args:
            start: first end (x, y), 0 to 1.
            end: second end (x, y), 0 to 1.
            width: line width as a fraction of the side, at least one pixel.
            colour: RGB, 0 to 255.
        """
        (x0, y0), (x1, y1) = self._at(start), self._at(end)
        thick = max(self._length(width), FINE)  # at least one pixel
        length = math.hypot(x1 - x0, y1 - y0)
        for x, y in ((x0, y0), (x1, y1)):
            pygame.draw.circle(self._canvas.surface, colour, (x, y), thick / 2)
        if length:
            dx, dy = (y0 - y1) / length * thick / 2, (x1 - x0) / length * thick / 2
            corners = [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)]
            pygame.draw.polygon(self._canvas.surface, colour, corners)

    def path(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a polyline.

        Args:
            points: points (x, y) in order, 0 to 1.
            width: line width as a fraction of the side.
            colour: RGB, 0 to 255.
        """
        for start, end in itertools.pairwise(points):
            self.line(start, end, width, colour)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        colour: Colour = INK,
        anchor: str = "centre",
        least: int = 5,
    ) -> None:
        """Write one line of text.

        Args:
            text: the line of text.
            x: anchor x, 0 to 1.
            y: vertical middle of the line, 0 to 1.
            size: line height as a fraction of the side.
            colour: RGB, 0 to 255.
            anchor: horizontal position of `x` in the line: "left", "centre" or "right".
            least: minimum line height in pixels. Letters need `LEGIBLE`.
        """
        self._texts.append((text, (x, y), max(round(size * self._side), least), colour, anchor))

    def frame(self) -> Frame:
        """Return the finished image: uint8 [H, W, 3]."""
        fine = self._canvas.pixels
        total = np.zeros((fine.shape[0] // FINE, fine.shape[1] // FINE, 3), np.uint16)
        for row in range(FINE):
            for column in range(FINE):
                total += fine[row::FINE, column::FINE]
        frame = ((total + FINE * FINE // 2) // (FINE * FINE)).astype(np.uint8)
        canvas = Canvas(frame)
        for text, (x, y), size, colour, anchor in self._texts:
            place = (self._left + x * self._side, self._top + y * self._side)
            canvas.text(text, place, size, colour, anchor)
        return frame


def outline(shape: str, x: float, y: float, radius: float, angle: float = 0) -> list[Point]:
    """Return the corners of a named shape.

    Args:
        shape: one of `SHAPES`.
        x: centre x.
        y: centre y.
        radius: radius of the shape.
        angle: rotation in radians.
    """
    turned = math.cos(angle), math.sin(angle)
    return [
        (x + radius * (px * turned[0] - py * turned[1]), y + radius * (px * turned[1] + py * turned[0]))
        for px, py in _OUTLINES[shape]
    ]


def put_shape(
    sheet: Sheet,
    shape: str,
    place: Point,
    radius: float,
    colour: Colour,
    angle: float = 0,
    fill: str = "solid",
) -> None:
    """Draw a named shape with a dark edge.

    Args:
        sheet: sheet to draw on.
        shape: one of `SHAPES`.
        place: centre (x, y), 0 to 1.
        radius: radius as a fraction of the side.
        colour: RGB, 0 to 255.
        angle: rotation in radians.
        fill: "solid", "dotted" (outline with a dot inside) or "empty" (outline only).
    """
    points = outline(shape, *place, radius, angle)
    if fill == "solid":
        sheet.polygon(points, colour)
        sheet.path([*points, points[0]], radius * 0.09, INK)
        return
    sheet.path([*points, points[0]], radius * 0.24, colour)
    if fill == "dotted":
        sheet.disc(*place, radius * 0.26, colour)


def _round(corners: int) -> list[Point]:
    return [(math.sin(2 * math.pi * k / corners), -math.cos(2 * math.pi * k / corners)) for k in range(corners)]


def _heart() -> list[Point]:
    turns = [2 * math.pi * k / 48 for k in range(48)]
    return [
        (
            math.sin(t) ** 3 * 0.98,
            -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16.5 - 0.1,
        )
        for t in turns
    ]


_OUTLINES: dict[str, list[Point]] = {
    "circle": [(0.88 * x, 0.88 * y) for x, y in _round(48)],
    "square": [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)],
    "triangle": [(x, y + 0.15) for x, y in _round(3)],
    "star": [(x * s, y * s) for k, (x, y) in enumerate(_round(10)) for s in ((1.0, 0.45)[k % 2],)],
    "cross": [
        (x * 0.92, y * 0.92)
        for x, y in (
            (-0.34, -1), (0.34, -1), (0.34, -0.34), (1, -0.34), (1, 0.34), (0.34, 0.34),
            (0.34, 1), (-0.34, 1), (-0.34, 0.34), (-1, 0.34), (-1, -0.34), (-0.34, -0.34),
        )
    ],
    "diamond": [(0, -1), (0.6, 0), (0, 1), (-0.6, 0)],
    "heart": _heart(),
}  # fmt: skip
