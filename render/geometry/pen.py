"""The pen that draws one scene of plane geometry into its cell of a frame and places its labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pygame

from render.draw.canvas import Colour
from render.draw.labels import Labels
from render.geometry.lines import along, bow, crossing, normal, off, part
from render.geometry.scene import FILLS, GROUNDS, INK, LETTERS, SQUARES, Corner, Mark, Point, Scene, Side, extent, polar

TINY = 84
"""Side in pixels of the images that the embedded weights were trained on. Their labels are placed by older rules."""


class Pen:
    """Draws one scene into its cell. `at` maps scene coordinates to pixels of the frame."""

    def __init__(
        self,
        surface: pygame.Surface,
        scene: Scene,
        cell: tuple[float, float, float, float],
        text: int,
        fine: int,
        ground: int,
    ) -> None:
        """Fit `scene` into `cell` (left, top, right, bottom in pixels of the frame).

        `surface` is `fine` times the size of the frame. `text` is the height of a line of text in pixels. `ground` is
        an index into `GROUNDS`, modulo its length.
        """
        self.surface, self.scene, self.text, self.fine = surface, scene, text, fine
        self.ground = GROUNDS[ground % len(GROUNDS)]
        self.cell = cell
        left, bottom, right, top = extent(scene)
        outside = [1.45 if side.wide else 1.1 for side in scene.sides] + [1.0] * (len(scene.names) > 0)
        pad = text * max([0.7, *outside])
        foot = (len(scene.captions) + 0.3 * bool(scene.captions)) * text * 0.95
        wide, tall = cell[2] - cell[0] - 2 * pad, cell[3] - cell[1] - 2 * pad - foot
        self.scale = min(wide / (right - left), tall / (top - bottom))
        self.x = (cell[0] + cell[2]) / 2 - self.scale * (left + right) / 2
        self.y = (cell[1] + cell[3] - foot) / 2 + self.scale * (bottom + top) / 2
        self.width = max(1.25, text / 11)

    def at(self, p: Point) -> Point:
        """Return the pixel of a scene point in the frame."""
        return self.x + p[0] * self.scale, self.y - p[1] * self.scale

    def stroke(self, places: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a polyline through pixel `places`, `width` pixels wide, with round joints."""
        fine = self.fine
        thick = width * fine
        for (x0, y0), (x1, y1) in pairwise(places):
            x0, y0, x1, y1 = x0 * fine, y0 * fine, x1 * fine, y1 * fine
            apart = math.hypot(x1 - x0, y1 - y0)
            if apart < 1e-6:
                continue
            dx, dy = (y0 - y1) / apart * thick / 2, (x1 - x0) / apart * thick / 2
            corners = [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)]
            pygame.draw.polygon(self.surface, colour, corners)
        for x, y in places:
            pygame.draw.circle(self.surface, colour, (x * fine, y * fine), thick / 2)

    def polygon(self, places: Sequence[Point], colour: Colour) -> None:
        """Draw a filled polygon with corners at pixel `places`."""
        pygame.draw.polygon(self.surface, colour, [(x * self.fine, y * self.fine) for x, y in places])

    def arc(self, centre: Point, radius: float, start: float, end: float, width: float, colour: Colour) -> None:
        """Draw an arc in pixels, anticlockwise as displayed from `start` to `end` degrees, `width` pixels wide."""
        self.stroke(bow(centre, radius, start, end), width, colour)

    def draw(self) -> None:
        """Draw everything except the texts."""
        scene, at = self.scene, self.at
        for outline in scene.fills:
            self.polygon([at(p) for p in outline], FILLS[scene.fill % len(FILLS)])
        for outline in scene.holes:
            self.polygon([at(p) for p in outline], self.ground)
        if scene.grid:
            left, bottom, right, top = scene.grid
            for column in range(left, right + 1):
                self.stroke([at((column, bottom)), at((column, top))], 1, SQUARES)
            for row in range(bottom, top + 1):
                self.stroke([at((left, row)), at((right, row))], 1, SQUARES)
        for corner in scene.corners:
            self._corner(corner)
        for a, b in scene.dashed:
            self._dashes(at(a), at(b))
        for c in scene.rounds:
            centre, radius = at(c.centre), c.radius * self.scale
            if c.end - c.start >= 360:
                fine = self.fine
                place = (centre[0] * fine, centre[1] * fine)
                thick = self.width * fine
                pygame.draw.circle(self.surface, INK, place, radius * fine + thick / 2, max(round(thick), 1))
            else:
                self.arc(centre, radius, c.start, c.end, self.width, INK)
        for a, b in scene.lines:
            self.stroke([at(a), at(b)], self.width, INK)
        for mark in scene.marks:
            self._mark(mark)
        for side in scene.sides:
            if side.wide:
                a, b = self._beside(side)
                self.stroke([a, b], 1, LETTERS[side.letter] if side.letter >= 0 else INK)
                nx, ny = normal(a, b)
                for x, y in (a, b):
                    reach = self.text * 0.22
                    ends = [(x - nx * reach, y - ny * reach), (x + nx * reach, y + ny * reach)]
                    self.stroke(ends, 1, LETTERS[side.letter] if side.letter >= 0 else INK)
        for p in scene.dots:
            x, y = at(p)
            pygame.draw.circle(self.surface, INK, (x * self.fine, y * self.fine), self.width * 1.7 * self.fine)

    def _dashes(self, a: Point, b: Point) -> None:
        apart = math.dist(a, b)
        count = max(1, round(apart / (self.text * 0.55)))
        for k in range(count):
            s, t = (k + 0.2) / count, (k + 0.8) / count
            ends = [(a[0] + (b[0] - a[0]) * w, a[1] + (b[1] - a[1]) * w) for w in (s, t)]
            self.stroke(ends, self.width * 0.85, INK)

    def _turns(self, corner: Corner) -> tuple[float, float]:
        """Return the directions of a corner's arms in degrees, anticlockwise from the first to the second."""
        vertex = corner.vertex
        first, second = (
            math.degrees(math.atan2(p[1] - vertex[1], p[0] - vertex[0])) for p in (corner.start, corner.end)
        )
        return (first, first + (second - first) % 360) if (second - first) % 360 <= 180 else (
            second, second + (first - second) % 360)  # fmt: skip

    def reach(self, corner: Corner) -> float:
        """Return the arc radius of a corner in pixels: larger for narrow angles, limited by its arms."""
        arms = min(math.dist(corner.vertex, p) for p in (corner.start, corner.end)) * self.scale
        start, end = self._turns(corner)
        if corner.square:
            return min(self.text * 0.55, arms * 0.3)
        wide = end - start
        wanted = self.text * (1.5 if wide < 35 else 1.15 if wide < 60 else 0.85)
        inner = [self.reach(other) for other in self.scene.corners if self._within(other, corner)]
        wanted = max([wanted, *(radius + 0.4 * self.text for radius in inner)])
        return min(wanted, arms * 0.45)

    def _within(self, one: Corner, other: Corner) -> bool:
        """Return True if the angle `one` lies inside the angle `other`."""
        if one.square or one is other or one.vertex != other.vertex:
            return False
        (start, end), (first, last) = self._turns(one), self._turns(other)
        return (start - first + 0.01) % 360 < last - first and (end - first - 0.01) % 360 < last - first

    def _away(self, p: Point, corner: Corner) -> float:
        """Return the distance from a point to a corner's arc in pixels, plus 1e4 outside the angle."""
        x, y = self.at(corner.vertex)
        start, end = self._turns(corner)
        within = (math.degrees(math.atan2(y - p[1], p[0] - x)) - start) % 360 <= end - start
        return math.hypot(p[0] - x, p[1] - y) - self.reach(corner) + (0 if within else 1e4)

    def _parted(self, p: Point, corner: Corner, lines: list[tuple[Point, Point]]) -> bool:
        """Return True if a line of the figure lies between a corner's arc and a point in its angle."""
        x, y = vertex = self.at(corner.vertex)
        turn = math.atan2(p[1] - y, p[0] - x)
        from_arc = (x + self.reach(corner) * math.cos(turn), y + self.reach(corner) * math.sin(turn))
        if math.dist(vertex, p) <= self.reach(corner):
            return False
        return any(crossing(from_arc, p, a, b) is not None for a, b in lines)

    def _corner(self, corner: Corner) -> None:
        x, y = vertex = self.at(corner.vertex)
        start, end = self._turns(corner)
        radius = self.reach(corner)
        colour = LETTERS[corner.letter] if corner.letter >= 0 else INK
        thin = max(1.0, self.width * 0.8)
        if corner.square:
            (ax, ay), (bx, by) = (polar((0, 0), radius, -turn) for turn in (start, end))
            self.stroke([(x + ax, y + ay), (x + ax + bx, y + ay + by), (x + bx, y + by)], thin, colour)
            return
        if corner.letter >= 0:
            pale = (*(round(c * 0.22 + g * 0.78) for c, g in zip(colour, self.ground, strict=True)),)
            self.polygon([vertex, *bow(vertex, radius, start, end)], pale)  # type: ignore[arg-type]
        for k in range(corner.arcs):
            self.arc(vertex, radius - k * (thin + 1.6), start, end, thin, colour)

    def _mark(self, mark: Mark) -> None:
        (ax, ay), (bx, by) = self.at(mark.a), self.at(mark.b)
        apart = math.hypot(bx - ax, by - ay)
        ux, uy = (bx - ax) / apart, (by - ay) / apart
        reach = min(self.text * 0.3, apart * 0.16)
        if mark.arrow and (ux, -uy) < (0, 0):
            ux, uy = -ux, -uy  # parallels point the same way
        share = self._clear(mark, apart, reach * (1.2 + mark.number / 2))
        x, y = ax + (bx - ax) * share, ay + (by - ay) * share
        for k in range(mark.number):
            shift = (k - (mark.number - 1) / 2) * reach * (0.95 if mark.arrow else 0.75)
            px, py = x + ux * shift, y + uy * shift
            if mark.arrow:
                tip = (px + ux * reach * 0.6, py + uy * reach * 0.6)
                tails = [(px - ux * reach * 0.5 + s * uy * reach * 0.75, py - uy * reach * 0.5 - s * ux * reach * 0.75)
                         for s in (-1, 1)]  # fmt: skip
                self.stroke([tails[0], tip, tails[1]], max(1.0, self.width * 0.9), INK)
            else:
                ends = [(px + s * uy * reach * 0.8, py - s * ux * reach * 0.8) for s in (-1, 1)]
                self.stroke(ends, max(1.0, self.width * 0.9), INK)

    def _clear(self, mark: Mark, apart: float, room: float) -> float:
        """Return the fraction of a mark's line, preferably 0.5, at which nothing else meets the line."""
        taken: list[tuple[float, float]] = []
        for a, b in (*self.scene.lines, *self.scene.dashed):
            at = crossing(mark.a, mark.b, a, b)
            taken += [] if at is None else [(at, room)]
        for c in self.scene.rounds:  # the point nearest to the centre, if the line touches the circle there
            share = along(mark.a, mark.b, c.centre)
            if abs(math.dist(part(mark.a, mark.b, share), c.centre) - c.radius) < 0.02 * c.radius:
                taken.append((share, room))
        for corner in self.scene.corners:
            share = along(mark.a, mark.b, corner.vertex)
            if math.dist(part(mark.a, mark.b, share), corner.vertex) * self.scale < 1:
                taken.append((share, self.reach(corner) + 0.5 * room))
        for share in (0.5, 0.6, 0.4, 0.7, 0.3, 0.8, 0.2, 0.88, 0.12):
            if all(abs(share - at) * apart > near for at, near in taken):
                return share
        return 0.5

    def _beside(self, side: Side) -> tuple[Point, Point]:
        """Return the dimension line of a wide side, on the side away from the middle of the figure."""
        a, b = self.at(side.a), self.at(side.b)
        nx, ny = normal(a, b)
        left, bottom, right, top = extent(self.scene)
        mx, my = self.at(((left + right) / 2, (bottom + top) / 2))
        if (a[0] + b[0]) / 2 * nx + (a[1] + b[1]) / 2 * ny < mx * nx + my * ny:
            nx, ny = -nx, -ny
        away = self.text * 0.65
        return (a[0] + nx * away, a[1] + ny * away), (b[0] + nx * away, b[1] + ny * away)

    def write(self, labels: Labels) -> None:
        """Write the texts, those with the fewest possible positions first."""
        scene, at = self.scene, self.at
        labels.within = self.cell
        middle = at(((extent(scene)[0] + extent(scene)[2]) / 2, (extent(scene)[1] + extent(scene)[3]) / 2))
        line = 0.95 * self.text
        first = self.at((0, extent(scene)[1]))[1] + line * (1.7 if any(side.wide for side in scene.sides) else 1.3)
        first = min(first, self.cell[3] - line * (len(scene.captions) - 0.4))
        for k, (text, letter) in enumerate(scene.captions):
            labels.put(text, [((self.cell[0] + self.cell[2]) / 2, first + k * line)], _colour(letter))
        corners = [corner for corner in scene.corners if corner.text]
        lines = [(at(a), at(b)) for a, b in (*scene.lines, *scene.dashed)]
        spacious = min(labels.canvas.pixels.shape[:2]) > TINY
        for corner in corners:
            start, end = self._turns(corner)
            others = [other for other in corners if other is not corner]

            def amiss(p: Point, own: Corner = corner, others: list[Corner] = others) -> bool:
                if any(self._away(p, other) < self._away(p, own) for other in others):
                    return True
                return spacious and self._parted(p, own, lines)

            vertex, radius = at(corner.vertex), self.reach(corner)
            labels.in_corner(corner.text, vertex, radius, start, end, _colour(corner.letter), amiss)
        ends = [self._beside(side) if side.wide else (at(side.a), at(side.b)) for side in scene.sides]
        for side, (a, b) in zip(scene.sides, ends, strict=True):
            rest = [line for line in (*lines, *ends) if max(off(p, line) for p in (a, b)) > 1]

            ticks = [at(part(m.a, m.b, 0.5)) for m in scene.marks if not m.arrow and {m.a, m.b} == {side.a, side.b}]

            def astray(
                p: Point,
                own: tuple[Point, Point] = (a, b),
                rest: list[tuple[Point, Point]] = rest,
                ticks: list[Point] = ticks,
            ) -> bool:
                length = math.dist(*own)
                if spacious and any(
                    abs(along(*own, p) - along(*own, tick)) * length < 0.3 * self.text for tick in ticks
                ):
                    return True  # a tick in front of a number looks like a minus sign
                return any(off(p, line) < 0.8 * off(p, own) for line in rest)

            labels.along(side.text, a, b, middle, _colour(side.letter), astray)
        for place, name in scene.names:
            labels.around(name, at(place), middle, INK)


def _colour(letter: int) -> Colour:
    return LETTERS[letter % len(LETTERS)] if letter >= 0 else INK
