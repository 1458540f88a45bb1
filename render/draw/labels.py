"""Placement of text labels next to what they name, without covering ink."""

import math
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
import pygame

from render.draw.canvas import Canvas, Colour, Frame, text_image

Point = tuple[float, float]
Box = tuple[float, float, float, float]
Place = tuple[int, int, int, int]
Doubt = Callable[[Point], bool] | None

DARK = 165
"""Green value (0 to 255) below which a pixel counts as ink. Grids and shades are lighter."""

TEXT = 8
"""Cost of covering one pixel of text, in pixels of ink."""

DOUBT = 2.5
"""Cost of an ambiguous position, in pixels of ink for each pixel of text height."""


@lru_cache(maxsize=1024)
def _cut(text: str, size: int, colour: Colour) -> pygame.Surface:
    """Return one line of text, cropped to its visible pixels."""
    image = text_image(text, size, colour)
    return image.subsurface(image.get_bounding_rect(min_alpha=40))


class Labels:
    """Labels on a finished drawing, placed one by one where they cover neither ink nor another label."""

    def __init__(self, frame: Frame, size: int, ground: Colour) -> None:
        """Prepare to write on a frame.

        Args:
            frame: uint8 [H, W, 3], changed in place.
            size: line height in pixels.
            ground: background colour, RGB.
        """
        self.canvas = Canvas(frame)
        self.size, self.ground = size, ground
        self.used = (frame[..., 1] < DARK).astype(np.int32)
        self.within: Box = (0, 0, frame.shape[1], frame.shape[0])
        self.boxes: list[Place] = []
        """Boxes of the written labels: left, top, right, bottom in pixels."""
        self.covered: list[int] = []
        """Number of ink pixels below each label."""

    def put(self, text: str, places: Iterable[Point], colour: Colour, doubt: Doubt = None) -> Place:
        """Write a label at the first clear position, or at the one that covers the least ink.

        Args:
            text: the label.
            places: candidate positions (x, y) of the middle of the label in pixels, best first.
            colour: RGB, 0 to 255.
            doubt: returns True for a position where the label would seem to name something else.

        Returns:
            Box of the label (left, top, right, bottom) in pixels, inside the frame if it fits.
        """
        image = _cut(text, self.size, colour)
        w, h = image.get_size()
        gap = max(1, self.size // 13)
        best: tuple[float, int, int] | None = None
        for rank, (x, y) in enumerate(places):
            left = round(min(max(x - w / 2, self.within[0] + 1), self.within[2] - w - 1))
            top = round(min(max(y - h / 2, self.within[1] + 1), self.within[3] - h - 1))
            left, top = max(left, 0), max(top, 0)
            moved = abs(left + w / 2 - x) + abs(top + h / 2 - y)
            covered = int(self.used[max(top - gap, 0) : top + h + gap, max(left - gap, 0) : left + w + gap].sum())
            cost = covered + (10 * moved if moved > 2 else 0) + 0.01 * rank
            if best is not None and cost >= best[0]:
                continue
            if doubt is not None and doubt((left + w / 2, top + h / 2)):
                cost += DOUBT * self.size
            if best is None or cost < best[0]:
                best = (cost, left, top)
            if cost < 1:
                break
        assert best is not None
        _, left, top = best
        box = (left, top, left + w, top + h)
        self.covered.append(int((self.used[top : top + h, left : left + w] > 0).sum()))
        if self.covered[-1]:  # a thin halo keeps the label readable
            halo = _cut(text, self.size, self.ground)
            for dx in (-1, 0, 1):
                for dy in (-1, 0, 1):
                    self.canvas.surface.blit(halo, (left + dx, top + dy))
        self.canvas.surface.blit(image, (left, top))
        self.used[top : top + h, left : left + w] = TEXT
        self.boxes.append(box)
        return box

    def _half(self, text: str) -> Point:
        image = _cut(text, self.size, (0, 0, 0))
        return image.get_width() / 2, image.get_height() / 2

    def along(self, text: str, a: Point, b: Point, middle: Point, colour: Colour, doubt: Doubt = None) -> Place:
        """Write a label next to a line, near its middle, preferably on the side away from `middle`.

        Args:
            text: the label.
            a: start of the line (x, y) in pixels.
            b: end of the line (x, y) in pixels.
            middle: middle of the figure (x, y) in pixels.
            colour: RGB, 0 to 255.
            doubt: see `put`.

        Returns:
            Box of the label (left, top, right, bottom) in pixels.
        """
        w, h = self._half(text)
        apart = max(math.dist(a, b), 1e-9)
        nx, ny = (b[1] - a[1]) / apart, (a[0] - b[0]) / apart
        if ((a[0] + b[0]) / 2 - middle[0]) * nx + ((a[1] + b[1]) / 2 - middle[1]) * ny < -1e-6:
            nx, ny = -nx, -ny
        away = abs(nx) * w + abs(ny) * h + self.size * 0.2

        def places() -> Iterable[Point]:
            for further in (0.0, 0.25, 0.6):
                for share in (0.5, 0.42, 0.58, 0.34, 0.66):
                    for side in (1, -1):
                        off = side * (away + further * self.size)
                        yield (a[0] + (b[0] - a[0]) * share + nx * off, a[1] + (b[1] - a[1]) * share + ny * off)

        return self.put(text, places(), colour, doubt)

    def in_corner(
        self,
        text: str,
        vertex: Point,
        radius: float,
        start: float,
        end: float,
        colour: Colour,
        doubt: Doubt = None,
    ) -> Place:
        """Write a label inside an angle, just outside its arc.

        Args:
            text: the label.
            vertex: vertex of the angle (x, y) in pixels.
            radius: radius of the arc in pixels.
            start: direction of the first arm in degrees, anticlockwise.
            end: direction of the second arm in degrees, anticlockwise.
            colour: RGB, 0 to 255.
            doubt: see `put`.

        Returns:
            Box of the label (left, top, right, bottom) in pixels.
        """
        w, h = self._half(text)

        def places() -> Iterable[Point]:
            for further in (0.15, 0.35, 0.6, 0.9, 1.25, 1.7, 2.2):
                for share in (0.5, 0.4, 0.6, 0.3, 0.7):
                    turn = math.radians(start + (end - start) * share)
                    ux, uy = math.cos(turn), -math.sin(turn)
                    away = radius + abs(ux) * w + abs(uy) * h + (further - 0.1) * self.size
                    yield vertex[0] + ux * away, vertex[1] + uy * away

        return self.put(text, places(), colour, doubt)

    def around(self, text: str, place: Point, middle: Point, colour: Colour) -> Place:
        """Write a label close to a point, preferably on the side away from `middle`.

        Args:
            text: the label.
            place: the point (x, y) in pixels.
            middle: middle of the figure (x, y) in pixels.
            colour: RGB, 0 to 255.

        Returns:
            Box of the label (left, top, right, bottom) in pixels.
        """
        w, h = self._half(text)
        out = math.atan2(place[1] - middle[1], place[0] - middle[0])

        def places() -> Iterable[Point]:
            for further in (0.15, 0.4, 0.75):
                for step in range(16):
                    turn = out + (step + 1) // 2 * (math.pi / 8) * (1 if step % 2 else -1)
                    ux, uy = math.cos(turn), math.sin(turn)
                    away = further * self.size
                    yield place[0] + ux * (w + away), place[1] + uy * (h + away)

        return self.put(text, places(), colour)
