"""What a drawn figure of plane geometry is made of: plain records, in their own units, y up."""

from __future__ import annotations

import math
from typing import NamedTuple

from render.draw.canvas import Colour

Point = tuple[float, float]

GROUNDS: tuple[Colour, ...] = ((255, 255, 255), (251, 248, 241), (243, 247, 251), (244, 248, 243))
FILLS: tuple[Colour, ...] = ((190, 215, 240), (250, 218, 180), (198, 228, 196), (224, 208, 240))
LETTERS: tuple[Colour, ...] = ((196, 38, 46), (20, 92, 196), (16, 122, 66), (140, 48, 160))
"""Of the unknown of the last scene, and of those that scenes share."""
INK: Colour = (40, 46, 58)
PALE: Colour = (218, 222, 228)
SQUARES: Colour = (184, 191, 202)


class Corner(NamedTuple):
    """The angle at `vertex` between two points: a square where it is right, else arcs; a text may stand in it."""

    start: Point
    vertex: Point
    end: Point
    text: str = ""
    letter: int = -1
    """Which of the colours for unknowns; -1 for a plain value."""
    arcs: int = 1
    square: bool = False


class Side(NamedTuple):
    """A text beside the line from a to b; `wide` gives it a line of its own, with an end at each point."""

    a: Point
    b: Point
    text: str
    letter: int = -1
    wide: bool = False


class Mark(NamedTuple):
    """Ticks (equal) or arrows (parallel) on the line from a to b."""

    a: Point
    b: Point
    number: int
    arrow: bool = False


class Round(NamedTuple):
    """A circle, or the arc from `start` to `end` in degrees, anticlockwise."""

    centre: Point
    radius: float
    start: float = 0
    end: float = 360


class Scene(NamedTuple):
    """One figure."""

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
    """Texts below the figure and their colour, as in `Corner.letter`."""
    grid: tuple[int, int, int, int] | None = None
    """Squared paper: left, bottom, right, top."""
    fill: int = 0


def extent(scene: Scene) -> tuple[float, float, float, float]:
    """What a scene covers in its own units: left, bottom, right, top."""
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
    """The point at this distance and direction from the centre."""
    turn = math.radians(degrees)
    return centre[0] + radius * math.cos(turn), centre[1] + radius * math.sin(turn)
