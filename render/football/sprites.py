"""Sprites of a football pitch, drawn with distance fields: players, their marks and the ball."""

from __future__ import annotations

from typing import Final

import numpy as np

from render.draw.canvas import Colour, Ink, Sprite

LEFT: Final[Colour] = (232, 62, 48)
RIGHT: Final[Colour] = (44, 96, 236)
LEFT_KEEPER: Final[Colour] = (255, 184, 28)
RIGHT_KEEPER: Final[Colour] = (92, 236, 226)
ACTIVE: Final[Colour] = (255, 240, 80)
"""Ring around the controlled player."""
SPRINTING: Final[Colour] = (255, 64, 232)
"""Dashed ring while the controlled player sprints."""
COMPANION: Final[Colour] = (250, 250, 250)
"""Thin ring around a player controlled by another policy."""
CARD: Final[Colour] = (255, 226, 40)
BALL: Final[Colour] = (255, 255, 255)
DARK: Final[Colour] = (14, 20, 26)

SHIRTS: Final = (RIGHT, LEFT, RIGHT_KEEPER, LEFT_KEEPER)
ANGLES: Final = 32
"""Number of facing directions."""
RINGS: Final = 3


def player_sprite(radius: float, phases: int, key: int) -> Sprite:
    """Draw a player: shadow, nose and disc.

    The subpixel offset from the sprite position is (phase + 0.5) / phases pixels to the right and down.

    Args:
        radius: radius of the disc in pixels.
        phases: number of subpixel positions along x and along y.
        key: shirt, direction and phases packed as ((shirt * ANGLES + turn) * phases + phase_x) * phases + phase_y.
    """
    key, phase_y = divmod(key, phases)
    key, phase_x = divmod(key, phases)
    shirt, turn = divmod(key, ANGLES)
    colour = SHIRTS[shirt]
    half = int(np.ceil(radius + max(3.0, 0.85 * radius))) + 2
    ink = Ink(2 * half + 1, 2 * half + 1)
    x, y = half + (phase_x + 0.5) / phases, half + (phase_y + 0.5) / phases
    angle = 2 * np.pi * turn / ANGLES
    dx, dy = float(np.cos(angle)), float(np.sin(angle))
    edge = max(0.8, 0.16 * radius)
    ink.disc(x + 0.28 * radius, y + 0.38 * radius, radius * 1.02, (0, 0, 0), 0.38, soft=1 + 0.35 * radius)
    tip = radius + max(2.6, 0.7 * radius)
    base, point = max(2.2, 1.0 * radius), max(1.2, 0.28 * radius)
    start, end = (x + 0.2 * radius * dx, y + 0.2 * radius * dy), (x + tip * dx, y + tip * dy)
    ink.disc(x, y, radius, DARK)
    ink.line(start, end, base + edge, DARK, end_width=point + edge)
    ink.disc(x, y, radius - edge, colour)
    ink.line(start, end, base - 0.6 * edge, _pale(colour), end_width=point)
    ink.disc(x - 0.1 * radius * dx, y - 0.1 * radius * dy, 0.62 * radius, colour)
    return ink.sprite(half, half)


def ring_sprite(radius: float, phases: int, kind: int, phase_x: int, phase_y: int) -> Sprite:
    """Draw a ring around a player. It lies on the grass, below the players.

    Args:
        radius: radius of the player's disc in pixels.
        phases: number of subpixel positions along x and along y.
        kind: 0 for the controlled player, 1 if that player sprints, 2 for a companion (thin).
        phase_x: subpixel position along x.
        phase_y: subpixel position along y.
    """
    thick, edge = max(1.4, 0.26 * radius), max(0.8, 0.16 * radius)
    around = radius + edge + 0.75 * thick
    half = int(np.ceil(around + thick)) + 2
    ink = Ink(2 * half + 1, 2 * half + 1)
    x, y = half + (phase_x + 0.5) / phases, half + (phase_y + 0.5) / phases
    if kind == 2:
        ink.ring(x, y, around, 0.5 * thick, COMPANION, 0.9)
        return ink.sprite(half, half)
    ink.ring(x, y, around, thick + 1.2, DARK, 0.55)
    ink.ring(x, y, around, thick, (ACTIVE, SPRINTING)[kind], dashes=6 * kind)
    return ink.sprite(half, half)


def card_sprite(radius: float, phases: int, phase_x: int, phase_y: int) -> Sprite:
    """Draw a yellow card at a player's shoulder.

    Args:
        radius: radius of the player's disc in pixels.
        phases: number of subpixel positions along x and along y.
        phase_x: subpixel position along x.
        phase_y: subpixel position along y.
    """
    half = int(np.ceil(2 * radius)) + 3
    ink = Ink(2 * half + 1, 2 * half + 1)
    x, y = half + (phase_x + 0.5) / phases + 0.85 * radius, half + (phase_y + 0.5) / phases - 0.85 * radius
    wide, high = max(0.3 * radius, 1.5), max(0.42 * radius, 2.0)
    ink.rectangle(x - wide - 0.8, y - high - 0.8, x + wide + 0.8, y + high + 0.8, DARK)
    ink.rectangle(x - wide, y - high, x + wide, y + high, CARD)
    return ink.sprite(half, half)


def _pale(colour: Colour) -> Colour:
    """Return the colour of the nose, a pale shirt colour, since only the ball may be white."""
    red, green, blue = (round(255 - 0.3 * (255 - part)) for part in colour)
    return red, green, blue


def ball_sprite(kind: str, radius: float, phase_x: int, phase_y: int) -> Sprite:
    """Draw the ball or its shadow.

    Args:
        kind: "ball" or "shadow".
        radius: radius of the ball in pixels.
        phase_x: subpixel position along x, in quarters of a pixel.
        phase_y: subpixel position along y, in quarters of a pixel.
    """
    edge = max(0.9, 0.22 * radius)
    half = int(np.ceil(radius + edge)) + 2
    ink = Ink(2 * half + 1, 2 * half + 1)
    x, y = half + (phase_x + 0.5) / 4, half + (phase_y + 0.5) / 4
    if kind == "shadow":
        ink.disc(x + 0.25 * radius, y + 0.35 * radius, radius + 0.5 * edge, (0, 0, 0), 0.6, soft=1 + 0.3 * radius)
        return ink.sprite(half, half)
    ink.disc(x, y, radius + edge, DARK)
    ink.disc(x, y, radius, BALL)
    if radius >= 5:
        ink.disc(x, y, 0.3 * radius, DARK, 0.85)
        for spoke in range(5):
            angle = 2 * np.pi * (spoke / 5 - 0.25)
            dx, dy = float(np.cos(angle)), float(np.sin(angle))
            ink.disc(x + 0.86 * radius * dx, y + 0.86 * radius * dy, 0.2 * radius, DARK, 0.85)
    return ink.sprite(half, half)
