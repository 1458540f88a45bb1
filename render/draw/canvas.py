"""Headless drawing on a pygame surface and a uint8 [H, W, 3] array that share memory.

This module needs no display: it uses surfaces and fonts, never `pygame.display`. `Ink` antialiases shapes with
distance fields. Each shape is drawn once and cached. `Canvas` composes a frame from a background copy and sprites,
which takes tens of microseconds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pygame
import pygame.font
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Frame = NDArray[np.uint8]
"""RGB image, uint8 [H, W, 3]."""
Field = NDArray[np.float32]


class Canvas:
    """A frame to draw on. `pixels` (uint8 [H, W, 3]) and `surface` share memory, so no conversion is needed."""

    def __init__(self, pixels: Frame) -> None:
        """Wrap `pixels` (uint8 [H, W, 3], C-contiguous). Drawing changes the array in place."""
        self.pixels = pixels
        height, width = pixels.shape[:2]
        self.surface = pygame.image.frombuffer(pixels.data, (width, height), "RGB")

    def text(self, text: str, position: tuple[float, float], size: int, colour: Colour, anchor: str = "left") -> int:
        """Write one line of text.

        Args:
            text: the line to write.
            position: anchor point (x, y) in pixels, y at the vertical middle of the line.
            size: line height in pixels.
            colour: RGB, 0 to 255.
            anchor: horizontal position of the anchor point in the line: "left", "centre" or "right".

        Returns:
            Width of the text in pixels.
        """
        image = text_image(text, size, colour)
        shift = {"left": 0.0, "centre": 0.5, "right": 1.0}[anchor]
        left = round(position[0] - shift * image.get_width())
        self.surface.blit(image, (left, round(position[1] - image.get_height() / 2)))
        return int(image.get_width())


class Sprite(NamedTuple):
    """A small image with an alpha channel and the pixel offset of its top left corner from its position."""

    image: pygame.Surface
    left: int
    top: int


class Ink:
    """Antialiased shapes on a transparent sheet of [H, W] pixels.

    Coordinates are in pixels, x to the right and y down. (0, 0) is the outer corner of the top left pixel. Later
    shapes cover earlier ones.
    """

    def __init__(self, height: int, width: int) -> None:
        """Create an empty, fully transparent sheet."""
        self.colour: Field = np.zeros((height, width, 3), np.float32)  # premultiplied, 0 to 255
        self.alpha: Field = np.zeros((height, width), np.float32)

    def _grid(self, box: tuple[float, float, float, float]) -> tuple[tuple[slice, slice], Field, Field] | None:
        """Return slices and pixel centres x [1, w], y [h, 1] of `box` (left, top, right, bottom) plus a margin."""
        height, width = self.alpha.shape
        left, top = max(int(box[0]) - 2, 0), max(int(box[1]) - 2, 0)
        right, bottom = min(int(box[2]) + 3, width), min(int(box[3]) + 3, height)
        if left >= right or top >= bottom:
            return None
        x = np.arange(left, right, dtype=np.float32)[None, :] + np.float32(0.5)
        y = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5)
        return (slice(top, bottom), slice(left, right)), x, y

    def _over(self, where: tuple[slice, slice], distance: Field, colour: Colour, opacity: float, soft: float) -> None:
        """Paint where `distance` (pixels, negative inside) is at most 0. `soft` is the edge width in pixels."""
        cover = np.clip(0.5 - distance / soft, 0, 1) * np.float32(opacity)
        self.colour[where] += cover[..., None] * (np.asarray(colour, np.float32) - self.colour[where])
        # colour is premultiplied: a transparent pixel (0) becomes cover * colour, exactly the "over" operator
        self.alpha[where] += cover * (1 - self.alpha[where])

    def rectangle(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        colour: Colour,
        opacity: float = 1,
        radius: float = 0,
    ) -> None:
        """Draw a filled rectangle.

        Args:
            left: left edge in pixels.
            top: top edge in pixels.
            right: right edge in pixels.
            bottom: bottom edge in pixels.
            colour: RGB, 0 to 255.
            opacity: 0 (invisible) to 1 (opaque).
            radius: radius of the rounded corners in pixels.
        """
        grid = self._grid((left, top, right, bottom))
        if grid is None:
            return
        where, x, y = grid
        dx = np.abs(x - (left + right) / 2) - (right - left) / 2 + radius
        dy = np.abs(y - (top + bottom) / 2) - (bottom - top) / 2 + radius
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
        self._over(where, outside + np.minimum(np.maximum(dx, dy), 0) - radius, colour, opacity, 1)

    def disc(self, x: float, y: float, radius: float, colour: Colour, opacity: float = 1, soft: float = 1) -> None:
        """Draw a filled disc.

        Args:
            x: centre x in pixels.
            y: centre y in pixels.
            radius: radius in pixels.
            colour: RGB, 0 to 255.
            opacity: 0 (invisible) to 1 (opaque).
            soft: width of the edge in pixels; several pixels make a shadow.
        """
        reach = radius + soft
        grid = self._grid((x - reach, y - reach, x + reach, y + reach))
        if grid is not None:
            self._over(grid[0], np.hypot(grid[1] - x, grid[2] - y) - radius, colour, opacity, soft)

    def ring(
        self,
        x: float,
        y: float,
        radius: float,
        width: float,
        colour: Colour,
        opacity: float = 1,
        dashes: int = 0,
        box: tuple[float, float, float, float] | None = None,
    ) -> None:
        """Draw a circle outline.

        Args:
            x: centre x in pixels.
            y: centre y in pixels.
            radius: radius of the middle of the line in pixels.
            width: line width in pixels.
            colour: RGB, 0 to 255.
            opacity: 0 (invisible) to 1 (opaque).
            dashes: number of dashes; 0 draws a solid line.
            box: clipping rectangle (left, top, right, bottom) in pixels; None draws the whole circle.
        """
        reach = radius + width
        grid = self._grid((x - reach, y - reach, x + reach, y + reach))
        if grid is None:
            return
        where, px, py = grid
        distance = np.abs(np.hypot(px - x, py - y) - radius) - width / 2
        if dashes:
            phase = np.mod(np.arctan2(py - y, px - x) / (2 * np.pi) * dashes, 1)
            distance = np.maximum(distance, (np.abs(phase - 0.5) - 0.33) * (2 * np.pi * radius / dashes))
        if box is not None:
            distance = np.maximum(distance, np.maximum(box[0] - px, px - box[2]))
            distance = np.maximum(distance, np.maximum(box[1] - py, py - box[3]))
        self._over(where, distance.astype(np.float32), colour, opacity, 1)

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        width: float,
        colour: Colour,
        opacity: float = 1,
        end_width: float | None = None,
    ) -> None:
        """Draw a straight line with round ends.

        Args:
            start: first end (x, y) in pixels.
            end: second end (x, y) in pixels.
            width: line width in pixels, at the start if `end_width` is given.
            colour: RGB, 0 to 255.
            opacity: 0 (invisible) to 1 (opaque).
            end_width: line width at the end in pixels; None keeps `width`.
        """
        last = width if end_width is None else end_width
        reach = max(width, last)
        (x0, y0), (x1, y1) = start, end
        grid = self._grid((min(x0, x1) - reach, min(y0, y1) - reach, max(x0, x1) + reach, max(y0, y1) + reach))
        if grid is None:
            return
        where, x, y = grid
        along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
        along = np.clip(along, 0, 1)
        distance = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
        self._over(where, (distance - (width + (last - width) * along) / 2).astype(np.float32), colour, opacity, 1)

    def pixels(self, background: Colour = (0, 0, 0)) -> Frame:
        """Return the sheet on an opaque background: uint8 [H, W, 3]."""
        under = np.asarray(background, np.float32) * (1 - self.alpha[..., None])
        return np.ascontiguousarray(np.clip(np.rint(self.colour + under), 0, 255).astype(np.uint8))

    def sprite(self, x: float = 0, y: float = 0) -> Sprite:
        """Return the visible part of the sheet as a sprite positioned at (x, y) pixels of the sheet."""
        rows, columns = (np.flatnonzero((self.alpha > 1 / 255).any(axis)) for axis in (1, 0))
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        alpha = self.alpha[top:bottom, left:right, None]
        straight = np.concatenate([self.colour[top:bottom, left:right] / np.maximum(alpha, 1e-6), alpha * 255], axis=-1)
        data = np.ascontiguousarray(np.clip(np.rint(straight), 0, 255).astype(np.uint8))
        image = pygame.image.frombytes(data.tobytes(), (data.shape[1], data.shape[0]), "RGBA")
        return Sprite(image, int(left - x), int(top - y))


def font(size: int) -> pygame.font.Font:
    """Return the font bundled with pygame, with lines of `size` pixels."""
    if not pygame.font.get_init():  # first use or after pygame.quit(): cached fonts would crash
        _font.cache_clear()
        pygame.font.init()
    return _font(size)


@lru_cache(maxsize=32)
def _font(size: int) -> pygame.font.Font:
    if not _font.cache_info().currsize:  # also when pygame.init() was called elsewhere first
        pygame.register_quit(_font.cache_clear)
    return pygame.font.Font(None, size)


@lru_cache(maxsize=2048)
def text_image(text: str, size: int, colour: Colour) -> pygame.Surface:
    """Return one line of antialiased text with an alpha channel. Results are cached.

    Args:
        text: the line of text; NUL characters are removed.
        size: line height in pixels.
        colour: RGB, 0 to 255.
    """
    return font(size).render(text.replace("\0", ""), True, colour)
