"""Conversion of figures to drawable scenes."""

import math
from collections.abc import Sequence
from typing import Any

from envs.geometry.chain import Link
from envs.geometry.figure import Angle, Area, Asked, Figure, Length, Mark, Points, angle_of
from envs.geometry.plane import Point
from render.geometry.scene import Corner, Round, Scene, Side
from render.geometry.scene import Mark as Sign


def written(mark: Mark, letter: str = "") -> str:
    """Return the label of a value: 7, 40°, x°, (3x+10)°. A letter replaces an unknown value."""
    if isinstance(mark, Angle):
        return mark.text.format(letter or "x") if mark.text else f"{letter or mark.value}°"
    return letter or str(mark.value)


def scene(link: Link, chained: bool, lettered: bool, show: bool, hidden: set[int], fill: int) -> Scene:
    """Return the scene of one figure.

    Args:
        link: Figure of a chain.
        chained: True if the chain has several figures.
        lettered: Draw the letters of the points.
        show: Draw the letter of the value asked for.
        hidden: Indices of given values to omit.
        fill: Colour of shaded regions.
    """
    figure, at = link.figure, link.figure.points
    colour = {letter: (0 if letter == "x" else i + 1) for i, letter in enumerate("abcx")}
    corners: list[Corner] = [_corner(at, name, square=True) for name in figure.right]
    arcs = dict(figure.arcs)
    shown = {mark.points for mark in (*figure.given, *figure.extra) if isinstance(mark, Angle)}
    corners += [_corner(at, name, arcs=count) for name, count in figure.arcs if name not in shown]
    sides: list[Side] = []
    captions: list[tuple[str, int]] = []
    fills: list[tuple[Point, ...]] = []
    holes: list[tuple[Point, ...]] = []
    marks: list[tuple[Asked, str]] = []
    for i, given in enumerate((*figure.given, *figure.extra)):
        if i not in hidden:
            marks.append((given, link.takes if i == 0 else ""))
    marks.append((figure.asked, link.gives))
    for mark, letter in marks:
        asked = mark is figure.asked
        own = colour[letter] if letter else -1
        if isinstance(mark, Angle):
            if asked and not show:
                continue
            text = written(mark, link.gives if mark.text else letter)
            corners.append(_corner(at, mark.points, text=text, letter=own, arcs=arcs.get(mark.points, 1)))
        elif isinstance(mark, Area):
            for shape in mark.shapes:
                (fills if shape.sign > 0 else holes).append(_outline(shape.points, shape.kind, figure))
            if not asked or (chained and show):
                captions.append((f"area = {letter or mark.value}", own))
        elif isinstance(mark, Length):
            text = letter or str(mark.value)
            if len(mark.points) > 2 or mark.sweep:
                if chained and show:
                    captions.append((f"{'arc' if mark.sweep else 'perimeter'} = {text}", own))
            elif not asked or show:
                sides.append(Side(at[mark.points[0]], at[mark.points[1]], text, own, mark.points in figure.wide))
        elif mark.name and chained:
            captions.append((f"slope = {letter}", own))
    signs = [Sign(at[name[0]], at[name[1]], count) for name, count in figure.ticks]
    signs += [Sign(at[name[0]], at[name[1]], count, arrow=True) for name, count in figure.arrows]
    rounds = [Round(at[name[0]], math.dist(at[name[0]], at[name[1]])) for name in figure.circles]
    for name in figure.sectors:
        centre, start, end = (at[n] for n in name)
        first = angle_of(centre, start)
        rounds.append(Round(centre, math.dist(centre, start), first, first + (angle_of(centre, end) - first) % 360))
    bare = not any("O" in name for name in (*figure.lines, *figure.sectors, figure.dots))
    unseen = {name[0] for name in figure.circles if bare}  # the centre is not drawn
    grid = None
    if figure.grid:
        xs, ys = [p[0] for p in at.values()], [p[1] for p in at.values()]
        grid = (math.floor(min(xs)) - 1, math.floor(min(ys)) - 1, math.ceil(max(xs)) + 1, math.ceil(max(ys)) + 1)
    return Scene(
        lines=tuple((at[name[0]], at[name[1]]) for name in figure.lines),
        dashed=tuple((at[name[0]], at[name[1]]) for name in figure.dashed),
        rounds=tuple(rounds),
        fills=tuple(fills),
        holes=tuple(holes),
        corners=tuple(corners),
        sides=tuple(sides),
        marks=tuple(signs),
        dots=tuple(at[name] for name in figure.dots),
        captions=tuple(captions),
        grid=grid,
        fill=fill,
        names=tuple((p, name) for name, p in at.items() if lettered and name.isupper() and name not in unseen),
    )


def merged(scenes: Sequence[Scene]) -> Scene:
    """Merge scenes with shared coordinates into one."""
    first = scenes[0]
    lists = [field for field in first._fields if field not in ("grid", "fill")]
    both: dict[str, Any] = {field: tuple(item for one in scenes for item in getattr(one, field)) for field in lists}
    return first._replace(**both)


def _corner(at: Points, name: str, **rest: Any) -> Corner:
    start, vertex, end = (at[letter] for letter in name)
    return Corner(start, vertex, end, **rest)


def _outline(points: str, kind: str, figure: Figure) -> tuple[Point, ...]:
    """Return the outline of a region, with curves as short segments."""
    at = figure.points
    if kind == "polygon":
        return tuple(at[name] for name in points)
    centre, start = at[points[0]], at[points[1]]
    radius, first = math.dist(centre, start), math.atan2(start[1] - centre[1], start[0] - centre[0])
    sweep = 2 * math.pi
    if kind == "sector":
        end = at[points[2]]
        sweep = (math.atan2(end[1] - centre[1], end[0] - centre[0]) - first) % (2 * math.pi)
    steps = 96
    turns = [first + sweep * k / steps for k in range(steps + 1)]
    arc = [(centre[0] + radius * math.cos(t), centre[1] + radius * math.sin(t)) for t in turns]
    return tuple([centre, *arc] if kind == "sector" else arc)
