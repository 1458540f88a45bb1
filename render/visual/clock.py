"""Analogue clock faces."""

from __future__ import annotations

import math
from dataclasses import dataclass

from render.draw.canvas import Colour, Frame
from render.visual.sheet import Sheet

NUMERALS = ("all", "roman", "quarters", "none")
ROMAN = ("XII", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")


@dataclass(frozen=True)
class ClockStyle:
    """Colours of a clock."""

    paper: Colour
    rim: Colour
    face: Colour
    ink: Colour
    hour: Colour
    minute: Colour


STYLES = (
    ClockStyle((238, 241, 245), (60, 66, 78), (255, 255, 255), (40, 44, 52), (30, 32, 38), (30, 32, 38)),
    ClockStyle((247, 240, 228), (120, 78, 44), (255, 251, 240), (72, 48, 30), (72, 48, 30), (150, 60, 40)),
    ClockStyle((226, 236, 245), (32, 84, 140), (250, 253, 255), (24, 56, 96), (24, 56, 96), (208, 60, 50)),
    ClockStyle((222, 224, 228), (188, 192, 200), (38, 42, 52), (232, 235, 240), (245, 247, 250), (245, 200, 70)),
    ClockStyle((240, 246, 238), (52, 128, 84), (255, 255, 255), (40, 60, 48), (36, 92, 60), (36, 92, 60)),
)


@dataclass(frozen=True)
class Clocks:
    """One clock, or two at the upper left and lower right."""

    times: tuple[tuple[int, int], ...]
    """Hour and minute of each clock."""
    numerals: str = "all"
    """One of `NUMERALS`."""
    style: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        style = STYLES[self.style]
        sheet = Sheet(height, width, style.paper)
        if len(self.times) == 1:
            self._clock(sheet, style, 0.5, 0.46, self.times[0])
        else:
            self._clock(sheet, style, 0.29, 0.28, self.times[0])
            self._clock(sheet, style, 0.71, 0.28, self.times[1])
        return sheet.frame()

    def _clock(self, sheet: Sheet, style: ClockStyle, middle: float, radius: float, time: tuple[int, int]) -> None:
        def point(turn: float, length: float) -> tuple[float, float]:
            """Return a point on the face. `turn` is in full turns clockwise from twelve o'clock."""
            angle = 2 * math.pi * turn
            return middle + radius * length * math.sin(angle), middle - radius * length * math.cos(angle)

        sheet.disc(middle, middle, radius, style.rim)
        sheet.disc(middle, middle, radius * 0.94, style.face)
        for minute in range(60):
            whole = minute % 5 == 0
            sheet.line(
                point(minute / 60, 0.82 if whole else 0.86), point(minute / 60, 0.9),
                radius * (0.028 if whole else 0.01), style.ink,
            )  # fmt: skip
        for hour in range(12):
            if self.numerals in ("all", "roman") or (self.numerals == "quarters" and hour % 3 == 0):
                text = ROMAN[hour] if self.numerals == "roman" else str(hour or 12)
                size = radius * (0.21 if self.numerals == "roman" else 0.27)
                sheet.text(text, *point(hour / 12, 0.68), size, style.ink)
        minute = time[1]
        turn = (time[0] + minute / 60) / 12
        sheet.line(point(turn, -0.1), point(turn, 0.46), radius * 0.085, style.hour)
        sheet.line(point(minute / 60, -0.12), point(minute / 60, 0.8), radius * 0.045, style.minute)
        sheet.disc(middle, middle, radius * 0.065, style.rim)
