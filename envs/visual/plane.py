"""Points and segments in the plane."""

import math

Point = tuple[float, float]


def crossing(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments ab and cd cross, ends apart."""

    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def distance(point: Point, a: Point, b: Point) -> float:
    """How far a point is from the segment ab."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    along = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / max(dx * dx + dy * dy, 1e-12)
    along = min(max(along, 0.0), 1.0)
    return math.dist(point, (a[0] + along * dx, a[1] + along * dy))
