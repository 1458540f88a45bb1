"""A football pitch from above, drawn from plain arrays.

Positions are in Google Research Football's units (x in [-1, 1], y in [-0.42, 0.42], +y down) and drawn true to
scale in metres. Nothing is ever smaller than a model can see: discs, noses, lines and the ball have least sizes
in pixels, so that an 84x84 frame stays legible.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import pygame
from numpy.typing import NDArray

from render.canvas import Canvas, Colour, Frame, Ink, Sprite
from render.footballers import (
    ANGLES,
    LEFT,
    LEFT_KEEPER,
    RIGHT,
    RIGHT_KEEPER,
    SHIRTS,
    ball_sprite,
    player_sprite,
    ring_sprite,
)
from render.pitch import HALF_LENGTH, HALF_WIDTH, METRES_X, METRES_Y, paint_pitch

HUD: Final[Colour] = (20, 27, 36)
CAMERAS: Final = ("pitch", "half", "ball")
HUD_FROM: Final = 160
"""Frames of this height and more show score and clock."""
_TEAM_SHIRTS: Final = tuple(
    (SHIRTS.index(player), SHIRTS.index(keeper)) for player, keeper in ((RIGHT, RIGHT_KEEPER), (LEFT, LEFT_KEEPER))
)
_TURNS: Final = ANGLES / (2 * math.pi)
AROUND: Final = 3.4
"""Metres shown around the pitch: the goals are 2.4 m deep."""


class Scene(NamedTuple):
    """All there is to see at one moment, in plain arrays."""

    left: NDArray[np.floating]
    """[N, 2] positions of the left team (it attacks to the right)."""
    left_direction: NDArray[np.floating]
    """[N, 2] unit vectors: where each faces."""
    right: NDArray[np.floating]
    """[M, 2] positions of the right team."""
    right_direction: NDArray[np.floating]
    """[M, 2] unit vectors: where each faces."""
    left_keeper: int
    """Index of the left keeper, -1: none."""
    right_keeper: int
    """Index of the right keeper, -1: none."""
    active: int
    """Index of the controlled player of the left team, -1: none."""
    sprinting: bool
    """The controlled player's sticky sprint."""
    ball: NDArray[np.floating]
    """[3] x, y and the height in metres above the grass."""
    score: tuple[int, int]
    """Goals of left and right."""
    seconds: float
    """The clock: game time since the start."""


class PitchCamera:
    """Draws scenes at one size from one camera; what does not move is drawn once."""

    def __init__(self, size: tuple[int, int], camera: str = "pitch", hud: bool | None = None) -> None:
        """A camera.

        Args:
            size: (height, width) in pixels, at least (32, 32).
            camera: "pitch" (all of it), "half" (the half that left attacks) or "ball" (follows the ball).
            hud: a strip with score and clock above the pitch; None: from a height of 160 pixels on.

        Raises:
            ValueError: for another camera or a smaller size.
        """
        if camera not in CAMERAS:
            raise ValueError(f"camera {camera!r} is unknown: choose one of {', '.join(CAMERAS)}")
        height, width = size
        if height < 32 or width < 32:
            raise ValueError(f"size {height}x{width} is too small to draw a pitch in: at least 32x32 pixels")
        self.size = (height, width)
        self.camera = camera
        self.hud = height >= HUD_FROM if hud is None else hud
        self.strip = max(13, round(height / 15)) if self.hud else 0
        self._window = _window(camera, height - self.strip, width)
        self.scale = self._window.scale
        small = min(height, width)
        self.radius = max(1.1 * self.scale, 2.1 + 0.0115 * small)
        self.ball_radius = max(0.55 * self.scale, 1.2 + 0.0045 * small)
        self._phases = 4 if self.radius < 4 else 2
        self._kept: dict[int, Sprite] = {}
        self._ground = _ground(camera, height - self.strip, width)
        self._hud_key: tuple[int, int, int] | None = None
        self._hud_strip: Frame = np.zeros((self.strip, width, 3), np.uint8)

    def origin(self, ball: tuple[float, float]) -> tuple[int, int]:
        """The camera's place when the ball is at (x, y): pixels of the ground left of and above the frame."""
        rows, width = self.size[0] - self.strip, self.size[1]
        window = self._window
        if not window.follow_x and not window.follow_y:
            return 0, 0
        x, y = self._ground_pixel(*ball)
        most_x, most_y = self._ground.shape[1] - width, self._ground.shape[0] - rows
        left = min(max(round(x - width / 2), 0), most_x) if window.follow_x else 0
        top = min(max(round(y - rows / 2), 0), most_y) if window.follow_y else 0
        return left, top

    def pixel(self, x: float, y: float, ball: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
        """Where the game's (x, y) is in the frame while the ball is at `ball`: (column, row) in pixels."""
        left, top = self.origin(ball)
        column, row = self._ground_pixel(x, y)
        return column - left, row - top + self.strip

    def _ground_pixel(self, x: float, y: float) -> tuple[float, float]:
        window = self._window
        return (x * METRES_X - window.left) * window.scale, (y * METRES_Y - window.top) * window.scale

    def draw(self, scene: Scene) -> Frame:
        """The frame of a scene: a fresh uint8 array [H, W, 3]."""
        height, width = self.size
        ball_x, ball_y, ball_height = (float(value) for value in scene.ball)
        left, top = self.origin((ball_x, ball_y))
        frame = np.empty((height, width, 3), np.uint8)
        if self.strip:
            frame[: self.strip] = self._score_strip(scene)
        frame[self.strip :] = self._ground[top : top + height - self.strip, left : left + width]
        canvas = Canvas(frame)
        if self.strip:
            canvas.surface.set_clip((0, self.strip, width, height - self.strip))
        offset = (left + self._window.left * self.scale, top - self.strip + self._window.top * self.scale)
        canvas.surface.blits(self._sprites(scene, offset), doreturn=False)
        self._draw_ball(canvas, ball_x, ball_y, ball_height, offset)
        return frame

    def _sprites(self, scene: Scene, offset: tuple[float, float]) -> list[tuple[pygame.Surface, tuple[int, int]]]:
        """The players' sprites and their places: the ring, right, left, the controlled player on top."""
        # Plain numbers, not arrays: for two dozen players each numpy call costs more than all of its work.
        phases, keeper = self._phases, (scene.right_keeper, scene.left_keeper)
        across, down = METRES_X * self.scale * phases, METRES_Y * self.scale * phases
        left, top = offset[0] * phases, offset[1] * phases
        sprites: list[tuple[pygame.Surface, tuple[int, int]]] = []
        controlled: list[tuple[pygame.Surface, tuple[int, int]]] = []
        teams = ((scene.right, scene.right_direction), (scene.left, scene.left_direction))
        for team, (places, directions) in enumerate(teams):
            for player, ((x, y), (dx, dy)) in enumerate(zip(places.tolist(), directions.tolist(), strict=True)):
                column, phase_x = divmod(math.floor(x * across - left), phases)
                row, phase_y = divmod(math.floor(y * down - top), phases)
                turn = round(math.atan2(dy, dx) * _TURNS) % ANGLES
                shirt = _TEAM_SHIRTS[team][player == keeper[team]]
                key = ((shirt * ANGLES + turn) * phases + phase_x) * phases + phase_y
                kept = self._kept.get(key)
                if kept is None:
                    kept = self._kept[key] = player_sprite(self.radius, phases, key)
                sprite = (kept.image, (column + kept.left, row + kept.top))
                if team == 1 and player == scene.active:
                    ring = ring_sprite(self.radius, phases, scene.sprinting, phase_x, phase_y)
                    sprites.insert(0, (ring.image, (column + ring.left, row + ring.top)))
                    controlled.append(sprite)
                else:
                    sprites.append(sprite)
        return sprites + controlled

    def _draw_ball(self, canvas: Canvas, x: float, y: float, height: float, offset: tuple[float, float]) -> None:
        """The ball over its shadow: the shadow lies where the ball is, the ball rises from it and grows."""
        column, row = x * METRES_X * self.scale - offset[0], y * METRES_Y * self.scale - offset[1]
        rise = 0.8 * max(height, 0.0) * max(self.scale, 1.2)
        grown = round(4 * self.ball_radius * (1 + 0.09 * min(max(height, 0.0), 8.0))) / 4
        for kind, radius, down in (("shadow", self.ball_radius, 0.0), ("ball", grown, -rise)):
            place_x, place_y = int(np.floor(4 * column)), int(np.floor(4 * (row + down)))
            image, across, below = ball_sprite(kind, radius, place_x % 4, place_y % 4)
            canvas.surface.blit(image, (place_x // 4 + across, place_y // 4 + below))

    def _score_strip(self, scene: Scene) -> Frame:
        """The strip above the pitch, uint8 [strip, W, 3]: drawn again only when score or second change."""
        key = (scene.score[0], scene.score[1], int(scene.seconds))
        if key != self._hud_key:
            self._hud_key = key
            self._hud_strip = _strip(self.strip, self.size[1], *key)
        return self._hud_strip


class _Window(NamedTuple):
    """What the ground covers: top left corner in metres, pixels a metre, size in pixels, what follows the ball."""

    left: float
    top: float
    scale: float
    rows: int
    columns: int
    follow_x: bool
    follow_y: bool


def _window(camera: str, height: int, width: int) -> _Window:
    """Fit a camera into height x width pixels, with one scale for x and y."""
    aspect = width / height
    long, wide = 2 * (HALF_LENGTH + AROUND), 2 * (HALF_WIDTH + AROUND)
    if camera == "pitch":
        scale = min(width / long, height / wide)
        return _Window(-width / scale / 2, -height / scale / 2, scale, height, width, False, False)
    if camera == "half":
        # A wide frame would show both halves if it had to hold the full width of the pitch: it follows the ball in y.
        across = max(0.575 * long, min(wide * aspect, wide))
        scale = width / across
        rows = height if height / scale >= wide * 0.999 else round(wide * scale)
        return _Window(HALF_LENGTH + AROUND - across, -rows / scale / 2, scale, rows, width, False, rows > height)
    scale = width / (45.0 * aspect**0.5)
    columns, rows = max(round(long * scale), width), max(round(wide * scale), height)
    return _Window(-columns / scale / 2, -rows / scale / 2, scale, rows, columns, columns > width, rows > height)


@lru_cache(maxsize=16)
def _ground(camera: str, height: int, width: int) -> Frame:
    window = _window(camera, height, width)
    ground = paint_pitch(window.rows, window.columns, window.left, window.top, window.scale)
    ground.setflags(write=False)
    return ground


def _strip(height: int, width: int, left: int, right: int, seconds: int) -> Frame:
    """Score and clock: uint8 [height, width, 3]."""
    ink = Ink(height, width)
    ink.rectangle(-2, -2, width + 2, height + 2, HUD)
    middle, centre, size = height / 2, width / 2, round(height * 1.12)
    chip = height * 0.24
    for side, colour in ((-1, LEFT), (1, RIGHT)):
        x = centre + side * height * 1.75
        ink.rectangle(x - 1.6 * chip, middle - chip, x + 1.6 * chip, middle + chip, colour, radius=chip / 2)
    ink.rectangle(-2, height - max(1, height / 24), width + 2, height + 2, (58, 72, 88))
    canvas = Canvas(ink.pixels())
    canvas.text(f"{left} – {right}", (centre, middle), size, (246, 248, 250), "centre")
    canvas.text(f"{seconds // 60}:{seconds % 60:02d}", (width - height * 0.4, middle), size, (176, 190, 204), "right")
    return canvas.pixels
