"""Top-down frames of a football pitch, drawn from plain arrays.

Positions are in Google Research Football units (x in [-1, 1], y in [-0.42, 0.42], +y down) and are drawn to scale in
metres. Discs, noses, lines and the ball have minimum sizes in pixels, so that an 84x84 frame stays legible.
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
"""Minimum frame height in pixels for the strip with score and clock."""
CARDS_FROM: Final = 5.0
"""Minimum player radius in pixels for drawing yellow cards."""
MODES: Final = ("", "kick-off", "goal kick", "free kick", "corner", "throw-in", "penalty")
HALVES: Final = ("", "1st  ", "2nd  ")
RESTART: Final[Colour] = (255, 226, 120)
AROUND: Final = 3.4
"""Margin around the pitch in metres. The goals are 2.4 m deep."""


class Scene(NamedTuple):
    """Visible state of N matches at one moment, as plain arrays."""

    players: NDArray[np.float64]
    """[N, 2, P, 4] x, y and facing direction (unit vector). The left team, which attacks to the right, is first."""
    marks: NDArray[np.int64]
    """[N, 2, P] sums of PRESENT, KEEPER, CONTROLLED, SPRINTING, COMPANION and BOOKED (`render.football.blit`)."""
    ball: NDArray[np.float64]
    """[N, 3] x, y and height above the grass in metres."""
    board: NDArray[np.int64]
    """[N, 5] goals of left and right, whole seconds played, half (0: no halves), GRF game mode."""


class PitchCamera:
    """A camera that draws scenes at one size. The static background is drawn once."""

    def __init__(self, size: tuple[int, int], camera: str = "pitch", hud: bool | None = None) -> None:
        """Create a camera.

        Args:
            size: (height, width) in pixels, at least (32, 32).
            camera: "pitch" (the whole pitch), "half" (the half that left attacks) or "ball" (follows the ball).
            hud: show a strip with score and clock above the pitch; None shows it from 160 pixels of height.

        Raises:
            ValueError: the camera is unknown or the size is too small.
        """
        if camera not in CAMERAS:
            raise ValueError(f"camera {camera!r} is unknown: choose one of {', '.join(CAMERAS)}")
        height, width = size
        if height < 32 or width < 32:
            raise ValueError(f"size {height}x{width} is too small to draw a pitch: use at least 32x32 pixels")
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
        """Return the camera position for a ball at (x, y): pixels of the ground left of and above the frame."""
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
        """Return the pixel of a pitch position in the frame.

        Args:
            x: x in GRF units.
            y: y in GRF units.
            ball: ball position (x, y) in GRF units, which the camera may follow.

        Returns:
            (column, row) in pixels.
        """
        left, top = self.origin(ball)
        column, row = self._ground_pixel(x, y)
        return column - left, row - top + self.strip

    def _ground_pixel(self, x: float, y: float) -> tuple[float, float]:
        window = self._window
        return (x * METRES_X - window.left) * window.scale, (y * METRES_Y - window.top) * window.scale

    def draw(self, scene: Scene) -> Frame:
        """Draw the matches of a scene into a new uint8 array [N, H, W, 3]."""
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
        """Return sprite positions [N, S, 3] (sprite or -1 at the end, column, row) and camera positions [N, 2]."""
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
        """Return the score strips, uint8 [N, strip, W, 3]. Only strips whose board has changed are redrawn."""
        if len(self._strips) != len(board):
            self._strips = np.zeros((len(board), self.strip, self.size[1], 3), np.uint8)
            self._boards = [[] for _ in board]
        for match, shown in enumerate(board.tolist()):
            if shown != self._boards[match]:
                self._boards[match] = shown
                self._strips[match] = score_strip(self.strip, self.size[1], *shown)
        return self._strips


class _Window(NamedTuple):
    """Extent of the ground: top left corner in metres, pixels per metre, size in pixels, axes that follow the ball."""

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
        # A wide frame that held the full width of the pitch would show both halves, so it follows the ball in y.
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
    """Return the strip with only the score, uint8 [height, width, 3]."""
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
    """Draw the strip with score, clock and restart.

    Args:
        height: height in pixels.
        width: width in pixels.
        left: goals of the left team.
        right: goals of the right team.
        seconds: whole seconds played.
        half: 1 or 2; 0 shows no half.
        mode: GRF game mode, an index into `MODES`.

    Returns:
        A new uint8 [height, width, 3].
    """
    canvas = Canvas(_score(height, width, left, right).copy())
    middle, size, edge = height / 2, round(height * 1.12), height * 0.4
    clock = HALVES[half] + f"{seconds // 60}:{seconds % 60:02d}"
    canvas.text(clock, (width - edge, middle), size, (176, 190, 204), "right")
    room = width / 2 - height * 2.3 - edge
    if mode and text_image(MODES[mode], size, RESTART).get_width() <= room:
        canvas.text(MODES[mode], (edge, middle), size, RESTART, "left")
    return canvas.pixels
