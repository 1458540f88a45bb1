"""The sprites of a pitch in one block of bytes for compiled code, each drawn when it is first needed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import pygame
from numpy.typing import NDArray

from render.draw.canvas import Sprite
from render.football.sprites import ANGLES, RINGS, SHIRTS, ball_sprite, card_sprite, player_sprite, ring_sprite

OFFSET, ROWS, COLUMNS, LEFT, TOP = range(5)
"""Columns of the table: where a sprite's bytes begin, its size, and its top left corner as seen from its place."""
BALL_PHASES: Final = 4
HEIGHTS: Final = 8.0
"""Metres: the ball grows up to this height, by `GROWTH` of its radius a metre."""
GROWTH: Final = 0.09


class Atlas:
    """Straight RGBA sprites of one size, numbered: players, rings, cards, the ball's shadow, the ball at each size."""

    def __init__(self, radius: float, ball_radius: float, phases: int) -> None:
        """Sprites for discs of `radius` pixels, each at phases x phases places within a pixel."""
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
        """What compiled code has to know of all this."""
        self.bytes: NDArray[np.uint8] = np.zeros(1 << 16, np.uint8)
        self._end = 0

    def add(self, numbers: NDArray[np.int64]) -> None:
        """Draw those of these sprites that are not there yet."""
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
    """The sprites of that size: one atlas for all cameras."""
    return Atlas(radius, ball_radius, phases)
