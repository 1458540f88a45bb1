"""Texts beside the things they name, where they cover no ink."""

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
"""Pixels whose green is below are ink; grids and shades are lighter."""

TEXT = 8
"""A pixel of text counts as so many of ink."""

DOUBT = 2.5
"""A place that misleads counts as so many pixels of ink for each pixel of the text's height."""


@lru_cache(maxsize=1024)
def _cut(text: str, size: int, colour: Colour) -> pygame.Surface:
    """One line of text, cut to what is visible."""
    image = text_image(text, size, colour)
    return image.subsurface(image.get_bounding_rect(min_alpha=40))


class Labels:
    """Puts one text after the other on a finished drawing, each where it covers neither ink nor another text."""

    def __init__(self, frame: Frame, size: int, ground: Colour) -> None:
        """Write on `frame` (uint8 [H, W, 3]) with lines of `size` pixels; `ground` is the paper's colour."""
        self.canvas = Canvas(frame)
        self.size, self.ground = size, ground
        self.used = (frame[..., 1] < DARK).astype(np.int32)
        self.within: Box = (0, 0, frame.shape[1], frame.shape[0])
        self.boxes: list[Place] = []
        """What has been written: left, top, right, bottom."""
        self.covered: list[int] = []
        """The pixels of ink below each of them."""

    def put(self, text: str, places: Iterable[Point], colour: Colour, doubt: Doubt = None) -> Place:
        """Write `text` with its middle at the first of the places where it is clear, or where it covers least.

        `doubt` says of a place whether the text would seem to belong to something else there.

        Returns: its box (left, top, right, bottom), always inside the frame where it fits.
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
        if self.covered[-1]:  # a thin halo keeps it readable
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

    def beside(self, text: str, a: Point, b: Point, middle: Point, colour: Colour, doubt: Doubt = None) -> Place:
        """Beside the line from a to b, near its middle, rather on the side away from `middle`."""
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
        """In the angle from `start` to `end` (degrees anticlockwise), just outside its arc of that radius."""
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
        """Around a point, rather on the side away from `middle`."""
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
