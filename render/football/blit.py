"""Compiled drawing of many matches at once: sprite positions first, then pixels."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from render.draw.jit import njit
from render.football.atlas import BALL_PHASES, COLUMNS, GROWTH, HEIGHTS, LEFT, OFFSET, ROWS, TOP
from render.football.pitch import METRES_X, METRES_Y
from render.football.sprites import ANGLES

PRESENT: Final = 1
KEEPER: Final = 2
CONTROLLED: Final = 4
"""The player controlled by the viewer of this frame, marked with the ring."""
SPRINTING: Final = 8
"""Sticky sprint of the controlled player."""
COMPANION: Final = 16
"""A player controlled by another policy."""
BOOKED: Final = 32

_PHASES, _RINGS, _CARDS, _SHADOW, _BALLS, _SMALLEST = 0, 1, 2, 3, 4, 5


@njit
def _put(placed: NDArray[np.int64], count: int, number: int, column: int, row: int) -> int:
    placed[count, 0], placed[count, 1], placed[count, 2] = number, column, row
    return count + 1


@njit
def arrange(
    players: NDArray[np.float64],
    marks: NDArray[np.int64],
    balls: NDArray[np.float64],
    corners: NDArray[np.int64],
    view: NDArray[np.float64],
    numbers: NDArray[np.int64],
    table: NDArray[np.int64],
    placed: NDArray[np.int64],
) -> int:
    """Compute the position of every sprite.

    Args:
        players: [N, 2, P, 4] x, y (GRF units) and facing direction (unit vector); left team first.
        marks: [N, 2, P] sums of the flags above.
        balls: [N, 3] x, y (GRF units) and height above the grass in metres.
        corners: [N, 2] output, camera positions: pixels of the ground left of and above the frame.
        view: scale (pixels per metre), left and top of the ground in metres, range of the camera along x and along y
            in pixels, frame width, rows below the strip, rows of the strip, radius of the ball in pixels, and 1 if
            yellow cards are drawn, else 0.
        numbers: `Atlas.numbers`.
        table: `Atlas.table`.
        placed: [N, 6 P + 2, 3] output, (sprite number, column, row) from back to front, then (-1, ...).

    Returns:
        Number of placed sprites that are not in the atlas yet.
    """
    scale, ground_left, ground_top, free_x, free_y = view[0], view[1], view[2], view[3], view[4]
    width, rows, strip, ball_radius, cards = view[5], view[6], view[7], view[8], view[9]
    phases = numbers[_PHASES]
    across, down = METRES_X * scale * phases, METRES_Y * scale * phases
    turns = ANGLES / (2 * math.pi)
    count_players = players.shape[2]
    missing = 0
    for match in range(players.shape[0]):
        x, y, height = balls[match, 0], balls[match, 1], balls[match, 2]
        column = (x * METRES_X - ground_left) * scale
        row = (y * METRES_Y - ground_top) * scale
        left = min(max(round(column - width / 2), 0.0), free_x)
        top = min(max(round(row - rows / 2), 0.0), free_y)
        corners[match, 0], corners[match, 1] = int(left), int(top)
        offset_x, offset_y = left + ground_left * scale, top - strip + ground_top * scale
        count = 0
        out = placed[match]
        for layer in range(4):  # rings lie on the grass, companions' rings at the bottom; controlled players are on top
            for side in range(2):
                team = 1 - side
                for player in range(count_players):
                    mark = marks[match, team, player]
                    own = 1 if mark & CONTROLLED else 0
                    ringed = mark & (CONTROLLED | COMPANION) != 0
                    if mark & PRESENT == 0 or layer % 2 != own or (layer < 2 and not ringed):
                        continue
                    place_x = math.floor(players[match, team, player, 0] * across - offset_x * phases)
                    place_y = math.floor(players[match, team, player, 1] * down - offset_y * phases)
                    phase = (place_x % phases) * phases + place_y % phases
                    place_x, place_y = place_x // phases, place_y // phases
                    if layer < 2:
                        kind = 2 if mark & COMPANION else (1 if mark & SPRINTING else 0)
                        number = numbers[_RINGS] + kind * phases * phases + phase
                        count = _put(out, count, number, place_x, place_y)
                        continue
                    facing = math.atan2(players[match, team, player, 3], players[match, team, player, 2])
                    turn = round(facing * turns) % ANGLES
                    shirt = 1 - team + (2 if mark & KEEPER else 0)
                    number = (shirt * ANGLES + turn) * phases * phases + phase
                    count = _put(out, count, number, place_x, place_y)
                    if mark & BOOKED and cards > 0.0:
                        count = _put(out, count, numbers[_CARDS] + phase, place_x, place_y)
        column, row = x * METRES_X * scale - offset_x, y * METRES_Y * scale - offset_y
        rise = 0.8 * max(height, 0.0) * max(scale, 1.2)
        grown = round(4 * ball_radius * (1 + GROWTH * min(max(height, 0.0), HEIGHTS)))
        for kind in range(2):
            lift = rise if kind == 1 else 0.0
            place_x, place_y = math.floor(4 * column), math.floor(4 * (row - lift))
            phase = (place_x % BALL_PHASES) * BALL_PHASES + place_y % BALL_PHASES
            size = grown - numbers[_SMALLEST]
            first = numbers[_SHADOW] if kind == 0 else numbers[_BALLS] + size * BALL_PHASES * BALL_PHASES
            count = _put(out, count, first + phase, place_x // BALL_PHASES, place_y // BALL_PHASES)
        for index in range(count):
            missing += table[out[index, 0], ROWS] == 0
        out[count:, 0] = -1
    return missing


@njit
def blit(
    frames: NDArray[np.uint8],
    strip: int,
    placed: NDArray[np.int64],
    table: NDArray[np.int64],
    sprites: NDArray[np.uint8],
) -> None:
    """Draw placed sprites onto frames, below their score strips.

    Args:
        frames: uint8 [N, H, W, 3], changed in place.
        strip: height of the score strip in pixels.
        placed: output of `arrange`.
        table: `Atlas.table`.
        sprites: `Atlas.bytes`.
    """
    number, height, width, _ = frames.shape
    for match in range(number):
        frame = frames[match]
        for sprite in range(placed.shape[1]):
            which = placed[match, sprite, 0]
            if which < 0:
                break
            columns = table[which, COLUMNS]
            left = placed[match, sprite, 1] + table[which, LEFT]
            top = placed[match, sprite, 2] + table[which, TOP]
            for row in range(max(strip - top, 0), min(table[which, ROWS], height - top)):
                pixel = table[which, OFFSET] + row * columns * 4
                for column in range(max(-left, 0), min(columns, width - left)):
                    at = pixel + 4 * column
                    alpha = np.int32(sprites[at + 3])
                    if alpha == 0:
                        continue
                    for part in range(3):  # the "over" operator with SDL's rounding
                        under = np.int32(frame[top + row, left + column, part])
                        ink = np.int32(sprites[at + part])
                        frame[top + row, left + column, part] = under + np.int32((ink - under) * alpha / 255)
