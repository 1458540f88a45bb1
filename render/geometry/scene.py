"""Records that describe a figure of plane geometry, in arbitrary units, y up."""

from __future__ import annotations

import math
from typing import NamedTuple

from render.draw.canvas import Colour

Point = tuple[float, float]

GROUNDS: tuple[Colour, ...] = ((255, 255, 255), (251, 248, 241), (243, 247, 251), (244, 248, 243))
FILLS: tuple[Colour, ...] = ((190, 215, 240), (250, 218, 180), (198, 228, 196), (224, 208, 240))
LETTERS: tuple[Colour, ...] = ((196, 38, 46), (20, 92, 196), (16, 122, 66), (140, 48, 160))
"""Colours of the unknown of the last scene and of the unknowns that scenes share."""
INK: Colour = (40, 46, 58)
PALE: Colour = (218, 222, 228)
SQUARES: Colour = (184, 191, 202)


class Corner(NamedTuple):
    """The angle at `vertex` between two points, marked by arcs or a right-angle square, with an optional text."""

    start: Point
    vertex: Point
    end: Point
    text: str = ""
    letter: int = -1
    """Index into `LETTERS` for an unknown. -1 for a plain value."""
    arcs: int = 1
    square: bool = False


class Side(NamedTuple):
    """A text next to the line from a to b. `wide` adds a dimension line with an end mark at each point."""

    a: Point
    b: Point
    text: str
    letter: int = -1
    wide: bool = False


class Mark(NamedTuple):
    """Ticks (equal lengths) or arrows (parallel lines) on the line from a to b."""

    a: Point
    b: Point
    number: int
    arrow: bool = False


class Round(NamedTuple):
    """A circle, or the anticlockwise arc from `start` to `end` in degrees."""

    centre: Point
    radius: float
    start: float = 0
    end: float = 360


class Scene(NamedTuple):
    """One figure of plane geometry."""

    lines: tuple[tuple[Point, Point], ...]
    dashed: tuple[tuple[Point, Point], ...] = ()
    rounds: tuple[Round, ...] = ()
    fills: tuple[tuple[Point, ...], ...] = ()
    """Outlines of shaded regions."""
    holes: tuple[tuple[Point, ...], ...] = ()
    corners: tuple[Corner, ...] = ()
    sides: tuple[Side, ...] = ()
    marks: tuple[Mark, ...] = ()
    dots: tuple[Point, ...] = ()
    names: tuple[tuple[Point, str], ...] = ()
    captions: tuple[tuple[str, int], ...] = ()
    """Texts below the figure, each with its colour index (see `Corner.letter`)."""
    grid: tuple[int, int, int, int] | None = None
    """Squared paper: left, bottom, right, top."""
    fill: int = 0


def extent(scene: Scene) -> tuple[float, float, float, float]:
    """Return the bounding box of a scene in its own units: left, bottom, right, top."""
    places = [p for line in (*scene.lines, *scene.dashed) for p in line] + list(scene.dots)
    for c in scene.rounds:
        turns = [c.start, c.end, *(t for t in range(-720, 721, 90) if c.start < t < c.end)]
        places += [polar(c.centre, c.radius, turn) for turn in turns]
    if scene.grid:
        places += [scene.grid[:2], scene.grid[2:]]
    xs, ys = [p[0] for p in places], [p[1] for p in places]
    left, bottom, right, top = min(xs), min(ys), max(xs), max(ys)
    least = 0.12 * max(right - left, top - bottom, 1e-9)
    if right - left < least:
        left, right = (left + right - least) / 2, (left + right + least) / 2
    if top - bottom < least:
        bottom, top = (bottom + top - least) / 2, (bottom + top + least) / 2
    return left, bottom, right, top


def polar(centre: Point, radius: float, degrees: float) -> Point:
    """Return the point at a distance and direction from a centre.

    Args:
        centre: the centre (x, y).
        radius: the distance.
        degrees: the direction in degrees from +x towards +y.
    """
    turn = math.radians(degrees)
    return centre[0] + radius * math.cos(turn), centre[1] + radius * math.sin(turn)
