"""A sprite atlas for compiled code: one block of bytes, in which each sprite is drawn on first use."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import pygame
from numpy.typing import NDArray

from render.draw.canvas import Sprite
from render.football.sprites import ANGLES, RINGS, SHIRTS, ball_sprite, card_sprite, player_sprite, ring_sprite

OFFSET, ROWS, COLUMNS, LEFT, TOP = range(5)
"""Columns of the table: byte offset of a sprite, its size, and its top left corner relative to its position."""
BALL_PHASES: Final = 4
HEIGHTS: Final = 8.0
"""Height in metres up to which the ball is drawn larger, by `GROWTH` of its radius per metre."""
GROWTH: Final = 0.09


class Atlas:
    """Numbered RGBA sprites (straight alpha): players, rings, cards, ball shadow, and the ball at each size."""

    def __init__(self, radius: float, ball_radius: float, phases: int) -> None:
        """Create an atlas without drawn sprites.

        Args:
            radius: radius of the player discs in pixels.
            ball_radius: radius of the ball on the ground in pixels.
            phases: number of subpixel positions along x and along y.
        """
        self.radius, self.ball_radius, self.phases = radius, ball_radius, phases
        self.rings = len(SHIRTS) * ANGLES * phases * phases
        self.cards = self.rings + RINGS * phases * phases
        self.shadow = self.cards + phases * phases
        self.balls = self.shadow + BALL_PHASES * BALL_PHASES
        self.smallest = round(4 * ball_radius)  # quarters of a pixel
        sizes = round(4 * ball_radius * (1 + GROWTH * HEIGHTS)) - self.smallest + 1
        self.table: NDArray[np.int64] = np.zeros((self.balls + sizes * BALL_PHASES * BALL_PHASES, 5), np.int64)
        first = phases, self.rings, self.cards, self.shadow, self.balls, self.smallest
        self.numbers: NDArray[np.int64] = np.array(first, np.int64)
        """Phases, first sprite numbers and smallest ball size, for compiled code."""
        self.bytes: NDArray[np.uint8] = np.zeros(1 << 16, np.uint8)
        self._end = 0

    def add(self, numbers: NDArray[np.int64]) -> None:
        """Draw the given sprites that are missing."""
        for number in np.unique(numbers[numbers >= 0]).tolist():
            if self.table[number, ROWS] == 0:
                self._store(number, self._draw(number))

    def _draw(self, number: int) -> Sprite:
        phases = self.phases
        if number < self.rings:
            return player_sprite(self.radius, phases, number)
        if number < self.shadow:
            kind, phase_x, phase_y = _unpack(number - self.rings, phases)
            if kind == RINGS:
                return card_sprite(self.radius, phases, phase_x, phase_y)
            return ring_sprite(self.radius, phases, kind, phase_x, phase_y)
        size, phase_x, phase_y = _unpack(number - self.shadow, BALL_PHASES)
        if size == 0:
            return ball_sprite("shadow", self.ball_radius, phase_x, phase_y)
        return ball_sprite("ball", (self.smallest + size - 1) / 4, phase_x, phase_y)

    def _store(self, number: int, sprite: Sprite) -> None:
        data = np.frombuffer(pygame.image.tobytes(sprite.image, "RGBA"), np.uint8)
        if self._end + data.size > self.bytes.size:
            grown = np.zeros(2 * (self._end + data.size), np.uint8)
            grown[: self._end] = self.bytes[: self._end]
            self.bytes = grown
        self.bytes[self._end : self._end + data.size] = data
        width, height = sprite.image.get_size()
        self.table[number] = self._end, height, width, sprite.left, sprite.top
        self._end += data.size


def _unpack(key: int, phases: int) -> tuple[int, int, int]:
    key, phase_y = divmod(key, phases)
    kind, phase_x = divmod(key, phases)
    return kind, phase_x, phase_y


@lru_cache(maxsize=32)
def atlas(radius: float, ball_radius: float, phases: int) -> Atlas:
    """Return the atlas of a sprite size, shared by all cameras.

    Args:
        radius: see `Atlas`.
        ball_radius: see `Atlas`.
        phases: see `Atlas`.
    """
    return Atlas(radius, ball_radius, phases)
