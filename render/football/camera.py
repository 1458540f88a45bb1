"""A football pitch from above, drawn from plain arrays.

Positions are in Google Research Football's units (x in [-1, 1], y in [-0.42, 0.42], +y down) and drawn true to
scale in metres. Nothing is ever smaller than a model can see: discs, noses, lines and the ball have least sizes
in pixels, so that an 84x84 frame stays legible.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from render.draw.canvas import Canvas, Colour, Frame, Ink, text_image
from render.football.atlas import atlas
from render.football.blit import arrange, blit
from render.football.pitch import HALF_LENGTH, HALF_WIDTH, METRES_X, METRES_Y, paint_pitch
from render.football.sprites import LEFT, RIGHT

HUD: Final[Colour] = (20, 27, 36)
CAMERAS: Final = ("pitch", "half", "ball")
HUD_FROM: Final = 160
"""Frames of this height and more show score and clock."""
CARDS_FROM: Final = 5.0
"""Players of this radius in pixels and more show their yellow cards."""
MODES: Final = ("", "kick-off", "goal kick", "free kick", "corner", "throw-in", "penalty")
HALVES: Final = ("", "1st  ", "2nd  ")
RESTART: Final[Colour] = (255, 226, 120)
AROUND: Final = 3.4
"""Metres shown around the pitch: the goals are 2.4 m deep."""


class Scene(NamedTuple):
    """All there is to see at one moment of N matches, in plain arrays."""

    players: NDArray[np.float64]
    """[N, 2, P, 4] x, y and where each faces, a unit vector; the left team, which attacks to the right, first."""
    marks: NDArray[np.int64]
    """[N, 2, P] sums of PRESENT, KEEPER, CONTROLLED, SPRINTING, COMPANION and BOOKED (`render.football.blit`)."""
    ball: NDArray[np.float64]
    """[N, 3] x, y and the height in metres above the grass."""
    board: NDArray[np.int64]
    """[N, 5] goals of left and right, whole seconds played, the half (0: there are none), GRF's game mode."""


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
        self._atlas = atlas(self.radius, self.ball_radius, 4 if self.radius < 4 else 2)
        self._ground = _ground(camera, height - self.strip, width)
        free = self._ground.shape[1] - width, self._ground.shape[0] - (height - self.strip)
        window = self._window
        self._view = np.array(
            [
                *(window.scale, window.left, window.top),
                *(free[0] if window.follow_x else 0, free[1] if window.follow_y else 0),
                *(width, height - self.strip, self.strip, self.ball_radius, self.radius >= CARDS_FROM),
            ],
            np.float64,
        )
        self._strips: Frame = np.zeros((0, self.strip, width, 3), np.uint8)
        self._boards: list[list[int]] = []

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
        """The frames of a scene's matches: a fresh uint8 array [N, H, W, 3]."""
        placed, corners = self.arrange(scene)
        frames = np.empty((len(corners), *self.size, 3), np.uint8)
        rows, width = self.size[0] - self.strip, self.size[1]
        for frame, (left, top) in zip(frames, corners.tolist(), strict=True):
            frame[self.strip :] = self._ground[top : top + rows, left : left + width]
        if self.strip:
            frames[:, : self.strip] = self._score_strips(scene.board)
        blit(frames, self.strip, placed, self._atlas.table, self._atlas.bytes)
        return frames

    def arrange(self, scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where everything goes: [N, S, 3] sprite (-1: no more), column, row; and the cameras' places, [N, 2]."""
        store, number = self._atlas, len(scene.marks)
        placed = np.empty((number, 6 * scene.marks.shape[2] + 2, 3), np.int64)
        corners = np.empty((number, 2), np.int64)
        missing = arrange(
            scene.players, scene.marks, scene.ball, corners, self._view, store.numbers, store.table, placed
        )
        if missing:
            store.add(placed[:, :, 0])
        return placed, corners

    def _score_strips(self, board: NDArray[np.int64]) -> Frame:
        """The strips above the pitches, uint8 [N, strip, W, 3]: drawn again only where the board has changed."""
        if len(self._strips) != len(board):
            self._strips = np.zeros((len(board), self.strip, self.size[1], 3), np.uint8)
            self._boards = [[] for _ in board]
        for match, shown in enumerate(board.tolist()):
            if shown != self._boards[match]:
                self._boards[match] = shown
                self._strips[match] = score_strip(self.strip, self.size[1], *shown)
        return self._strips


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


@lru_cache(maxsize=64)
def _score(height: int, width: int, left: int, right: int) -> Frame:
    """The strip with the score alone, uint8 [height, width, 3]."""
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
    canvas.pixels.setflags(write=False)
    return canvas.pixels


def score_strip(height: int, width: int, left: int, right: int, seconds: int, half: int, mode: int) -> Frame:
    """Score, clock and what is being restarted: a fresh uint8 [height, width, 3]."""
    canvas = Canvas(_score(height, width, left, right).copy())
    middle, size, edge = height / 2, round(height * 1.12), height * 0.4
    clock = HALVES[half] + f"{seconds // 60}:{seconds % 60:02d}"
    canvas.text(clock, (width - edge, middle), size, (176, 190, 204), "right")
    room = width / 2 - height * 2.3 - edge
    if mode and text_image(MODES[mode], size, RESTART).get_width() <= room:
        canvas.text(MODES[mode], (edge, middle), size, RESTART, "left")
    return canvas.pixels
