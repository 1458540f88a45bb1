"""Joining of consecutive figures into one drawing, along a shared side or at opposite angles.

Two figures are joined only if a straight line separates them, so that they do not overlap.
"""

import math
from collections.abc import Iterable, Sequence

from envs.geometry.chain import Link
from envs.geometry.figure import Angle, Area, Asked, Figure, Length, Points
from envs.geometry.plane import Point

Signs = tuple[tuple[str, int], ...]

NEAR = 1e-6
LEAST = 0.11
"""Minimum length of a labelled line, as a fraction of the size of the joined figures."""


def join(chain: Sequence[Link]) -> list[list[Link]]:
    """Group the chain into drawings. A figure that fits onto the previous one is moved there.

    Other figures start a new drawing.
    """
    groups: list[list[Link]] = []
    for link in chain:
        moved = _onto([one.figure for one in groups[-1]], link.figure) if groups else None
        if moved is None:
            groups.append([link])
        else:
            groups[-1].append(link._replace(figure=moved))
    return groups


def _onto(group: list[Figure], figure: Figure) -> Figure | None:
    """Return the figure moved onto the value that the last of the group asks for, or None if it does not fit."""
    last = group[-1]
    if last.grid or figure.grid or _outlined(figure.asked):
        return None
    if sum(isinstance(mark, Area) for one in (*group, figure) for mark in (*one.given, one.asked)) > 1:
        return None  # it would be unclear which area is meant
    asked, given = last.asked, figure.given[0]
    if isinstance(asked, Length) and isinstance(given, Length):
        if _outlined(asked) or asked.points in last.wide:
            return None
        a, b = (last.points[name] for name in asked.points)
        c, d = (figure.points[name] for name in given.points)
        side = _side(group, a, b)
        other = _side([figure], c, d)
        if side == 0 or other == 0:
            return None
        moved = _carried(figure, (c, d), (a, b), mirror=side == other)
    elif isinstance(asked, Angle) and isinstance(given, Angle) and not asked.text and not given.text:
        first, vertex, second = (last.points[name] for name in asked.points)
        start, corner, end = (figure.points[name] for name in given.points)
        # the arms of one angle extend straight through the vertex as the arms of the other
        out = _unit(vertex, first), _unit(vertex, second)
        into = _unit(corner, start), _unit(corner, end)
        size = max(_reach([last], vertex), NEAR) / max(_reach([figure], corner), NEAR)
        turns = [p[0] * q[1] - p[1] * q[0] > 0 for p, q in (out, into)]
        target = (vertex[0] - out[0][0] * size, vertex[1] - out[0][1] * size)
        source = (corner[0] + into[0][0], corner[1] + into[0][1])
        moved = _carried(figure, (corner, source), (vertex, target), mirror=turns[0] != turns[1])
        middle = (out[0][0] + out[1][0], out[0][1] + out[1][1])
        edge = (vertex[0] - middle[1], vertex[1] + middle[0])
        if _side(group, vertex, edge) * _side([moved], vertex, edge) != -1:
            return None
    else:
        return None
    # equal marks mean equality: use new counts, except for what equals the shared line
    moved = moved._replace(
        ticks=_renumbered([one.ticks for one in group], moved.ticks, asked.points, given.points),
        arrows=_renumbered([one.arrows for one in group], moved.arrows, asked.points, given.points),
        arcs=_renumbered([one.arcs for one in group], moved.arcs, "", ""),
    )
    if any(count > 3 for _, count in (*moved.ticks, *moved.arrows, *moved.arcs)):
        return None
    return moved if _legible([*group, moved]) else None


def _renumbered(used: list[Signs], signs: Signs, asked: str, given: str) -> Signs:
    """Return the marks with counts above those in use. Marks equal to the shared line get its count."""
    most = max((count for one in used for _, count in one), default=0)
    shared = next((count for name, count in used[-1] if set(name) == set(asked)), None)
    own = next((count for name, count in signs if set(name) == set(given)), None)
    if shared is None or own is None:
        return tuple((name, most + count) for name, count in signs)
    return tuple((name, shared if count == own else most + count) for name, count in signs if set(name) != set(given))


def _outlined(asked: Asked) -> bool:
    """Return True for a perimeter or an arc, False for a single line."""
    return isinstance(asked, Length) and (len(asked.points) > 2 or asked.sweep != "")


def _unit(a: Point, b: Point) -> Point:
    apart = math.dist(a, b)
    return (b[0] - a[0]) / apart, (b[1] - a[1]) / apart


def _carried(figure: Figure, source: tuple[Point, Point], target: tuple[Point, Point], mirror: bool) -> Figure:
    """Move, rotate, scale and optionally mirror a figure so that `source` lands on `target`."""
    (c, d), (a, b) = (complex(*source[0]), complex(*source[1])), (complex(*target[0]), complex(*target[1]))
    points: Points = {}
    for name, p in figure.points.items():
        share = (complex(*p) - c) / (d - c)
        place = a + (b - a) * (share.conjugate() if mirror else share)
        points[name] = (place.real, place.imag)
    return figure._replace(points=points)


def _places(figures: Iterable[Figure]) -> list[tuple[Point, float]]:
    """Return the drawn points, each with the radius that the drawing extends around it."""
    found: list[tuple[Point, float]] = []
    for figure in figures:
        at = figure.points
        names = {name for line in (*figure.lines, *figure.dashed, *figure.sectors, figure.dots) for name in line}
        found += [(at[name], 0.0) for name in sorted(names)]
        found += [(at[c[0]], math.dist(at[c[0]], at[c[1]])) for c in (*figure.circles, *figure.sectors)]
    return found


def _side(figures: Iterable[Figure], a: Point, b: Point) -> int:
    """Return the side of the line ab that contains all figures: 1 left, -1 right, 0 both."""
    ux, uy = _unit(a, b)
    away = [((p[1] - a[1]) * ux - (p[0] - a[0]) * uy, radius) for p, radius in _places(figures)]
    size = max(abs(d) + radius for d, radius in away)
    if all(d - radius > -NEAR * size for d, radius in away):
        return 1
    return -1 if all(d + radius < NEAR * size for d, radius in away) else 0


def _reach(figures: Iterable[Figure], centre: Point) -> float:
    return max(math.dist(p, centre) + radius for p, radius in _places(figures))


def _legible(figures: list[Figure]) -> bool:
    """Return True if every value has room at its line and no figure is tiny relative to the whole."""
    places = _places(figures)
    wide = max(p[0] + r for p, r in places) - min(p[0] - r for p, r in places)
    tall = max(p[1] + r for p, r in places) - min(p[1] - r for p, r in places)
    whole = max(wide, tall)
    if min(wide, tall) < 0.4 * whole:
        return False
    for figure in figures:
        own = _places([figure])
        span = max(max(q[k] + r for q, r in own) - min(q[k] - r for q, r in own) for k in (0, 1))
        if span < 0.3 * whole:
            return False
        for mark in (*figure.given, figure.asked):
            if isinstance(mark, Length) and len(mark.points) == 2:
                if math.dist(*(figure.points[name] for name in mark.points)) < LEAST * whole:
                    return False
            elif isinstance(mark, Angle):
                arms = [math.dist(figure.points[mark.points[1]], figure.points[mark.points[k]]) for k in (0, 2)]
                if min(arms) < 2 * LEAST * whole:
                    return False
    return True
