"""Instruments with a scale (thermometers, rulers and dials) and tangled lines."""

from __future__ import annotations

import math
from dataclasses import dataclass

from render.draw.canvas import Colour, Frame
from render.visual.sheet import COLOURS, INK, LEGIBLE, PAPERS, Point, Sheet

POINTER: Colour = (208, 48, 42)
CASE: Colour = (96, 104, 118)


@dataclass(frozen=True)
class Scale:
    """Scale from `low` to `high` with a mark every `fine` and a long, numbered mark every `coarse`."""

    low: int
    high: int
    fine: int
    coarse: int

    def marks(self) -> list[tuple[int, float, bool]]:
        """Return the marks as (value, position from 0 to 1, True if long)."""
        span = self.high - self.low
        steps = range(self.low, self.high + 1, self.fine)
        return [(mark, (mark - self.low) / span, (mark - self.low) % self.coarse == 0) for mark in steps]

    def place(self, value: int) -> float:
        """Return the position of a value on the scale, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Thermometers:
    """One thermometer, or two side by side, labelled with letters."""

    scale: Scale
    values: tuple[int, ...]
    paper: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        sheet = Sheet(height, width, PAPERS[self.paper])
        for index, value in enumerate(self.values):
            x = 0.56 if len(self.values) == 1 else (0.31, 0.81)[index]
            bottom, top = 0.78, 0.12
            sheet.disc(x, 0.87, 0.085, CASE)
            sheet.rectangle(x - 0.05, 0.05, x + 0.05, 0.88, CASE, 0.05)
            sheet.rectangle(x - 0.037, 0.065, x + 0.037, 0.86, (255, 255, 255), 0.037)
            sheet.disc(x, 0.87, 0.072, POINTER)
            level = bottom + (top - bottom) * self.scale.place(value)
            sheet.rectangle(x - 0.026, level, x + 0.026, 0.87, POINTER)
            for number, place, long in self.scale.marks():
                y = bottom + (top - bottom) * place
                sheet.line((x - (0.115 if long else 0.09), y), (x - 0.058, y), 0.007 if long else 0.004, INK)
                if long:
                    sheet.text(str(number), x - 0.135, y, 0.085, anchor="right")
            if len(self.values) > 1:
                sheet.text("AB"[index], x + 0.12, 0.12, 0.12)
        return sheet.frame()


@dataclass(frozen=True)
class Ruler:
    """A bar above a ruler in centimetres."""

    scale: Scale
    """Scale in millimetres."""
    start: int
    end: int
    colour: str = "blue"
    paper: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        sheet = Sheet(height, width, PAPERS[self.paper])
        left, right, top = 0.07, 0.93, 0.5

        def x(place: float) -> float:
            return left + (right - left) * place

        sheet.rectangle(0.02, top - 0.008, 0.98, top + 0.258, (150, 120, 60), 0.012)
        sheet.rectangle(0.028, top, 0.972, top + 0.25, (250, 226, 160), 0.01)
        for number, place, long in self.scale.marks():
            half = number % 5 == 0
            sheet.line((x(place), top), (x(place), top + (0.1 if long else 0.075 if half else 0.05)), 0.004, INK)
            if long:
                sheet.text(str(number // 10), x(place), top + 0.15, 0.085)
        sheet.text("cm", 0.93, top + 0.215, 0.06)
        begin, end = x(self.scale.place(self.start)), x(self.scale.place(self.end))
        sheet.rectangle(begin, top - 0.17, end, top - 0.03, COLOURS[self.colour])
        for edge in (begin, end):
            sheet.line((edge, top - 0.03), (edge, top), 0.003, COLOURS[self.colour])
        return sheet.frame()


@dataclass(frozen=True)
class Dial:
    """A round scale with a needle, clockwise from the lower left to the lower right."""

    scale: Scale
    value: int
    unit: str
    paper: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        sheet = Sheet(height, width, PAPERS[self.paper])
        middle = 0.53

        def point(place: float, length: float) -> Point:
            angle = math.radians(270 * place - 135)
            return 0.5 + 0.44 * length * math.sin(angle), middle - 0.44 * length * math.cos(angle)

        sheet.disc(0.5, middle, 0.46, CASE)
        sheet.disc(0.5, middle, 0.435, (255, 255, 255))
        for number, place, long in self.scale.marks():
            sheet.line(point(place, 0.82 if long else 0.88), point(place, 0.95), 0.009 if long else 0.004, INK)
            if long:
                sheet.text(str(number), *point(place, 0.66), 0.08)
        sheet.text(self.unit, 0.5, 0.83, 0.075)
        place = self.scale.place(self.value)
        sheet.line(point(place, -0.12), point(place, 0.5), 0.018, POINTER)
        sheet.line(point(place, 0.4), point(place, 0.86), 0.009, POINTER)
        sheet.disc(0.5, middle, 0.035, INK)
        return sheet.frame()


@dataclass(frozen=True)
class Tangle:
    """Lines from numbers on the left to letters on the right that cross on the way."""

    orders: tuple[tuple[int, ...], ...]
    """[stage][position from the top]: index of the line. Neighbours may swap from one stage to the next."""
    colours: tuple[str, ...]
    """Colour name of each line."""
    paper: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""
        paper = PAPERS[self.paper]
        sheet = Sheet(height, width, paper)
        count, stages = len(self.colours), len(self.orders) - 1
        left, right, thick = 0.13, 0.87, min(0.022, 0.09 / count)

        def y(place: float) -> float:
            return 0.06 + 0.88 * (place + 0.5) / count

        for line, colour in enumerate(self.colours):
            points = [(left - 0.02, y(self.orders[0].index(line)))]
            for stage in range(stages):
                one, other = self.orders[stage].index(line), self.orders[stage + 1].index(line)
                for step in range(17):
                    along = step / 16
                    smooth = along * along * (3 - 2 * along)
                    points.append((left + (right - left) * (stage + along) / stages, y(one + (other - one) * smooth)))
            points.append((right + 0.02, points[-1][1]))
            sheet.path(points, thick * 2.4, paper)  # cut the line below, so that the crossing is easy to follow
            sheet.path(points, thick, COLOURS[colour])
        for place in range(count):
            sheet.text(str(self.orders[0][place] + 1), 0.055, y(place), 0.1, least=LEGIBLE)
            sheet.text("ABCDEFGH"[place], 0.945, y(place), 0.1, least=LEGIBLE)
        return sheet.frame()
