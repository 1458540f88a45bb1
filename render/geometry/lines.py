"""Distances, crossings and arcs of segments in the plane."""

from __future__ import annotations

import math

from render.geometry.scene import Point, polar


def along(a: Point, b: Point, p: Point) -> float:
    """Return the fraction of the way from a to b at which the projection of p lies."""
    return ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / math.dist(a, b) ** 2


def off(p: Point, line: tuple[Point, Point]) -> float:
    """Return the distance from a point to a segment."""
    return math.dist(p, part(*line, min(max(along(*line, p), 0), 1)))


def part(a: Point, b: Point, share: float) -> Point:
    """Return the point at a fraction of the way from a to b."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def crossing(a: Point, b: Point, c: Point, d: Point) -> float | None:
    """Return the fraction of the way from a to b at which the segment cd meets it, or None."""
    across = (b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0])
    if abs(across) < 1e-9 * math.dist(a, b) * math.dist(c, d):
        return None
    share = ((c[0] - a[0]) * (d[1] - c[1]) - (c[1] - a[1]) * (d[0] - c[0])) / across
    other = ((c[0] - a[0]) * (b[1] - a[1]) - (c[1] - a[1]) * (b[0] - a[0])) / across
    return share if -1e-6 <= share <= 1 + 1e-6 and -1e-6 <= other <= 1 + 1e-6 else None


def normal(a: Point, b: Point) -> Point:
    """Return the unit vector perpendicular to the line from a to b."""
    apart = math.dist(a, b)
    return (b[1] - a[1]) / apart, (a[0] - b[0]) / apart


def bow(centre: Point, radius: float, start: float, end: float) -> list[Point]:
    """Return points along an arc in the frame (y down), with degrees anticlockwise as displayed."""
    steps = max(4, int(abs(end - start) * radius / 180) + 2)
    return [polar(centre, radius, -(start + (end - start) * k / steps)) for k in range(steps + 1)]
