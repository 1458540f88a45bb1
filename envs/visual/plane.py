"""Points and segments in the plane."""

import math

Point = tuple[float, float]


def crossing(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Return True if the segments ab and cd cross. Shared endpoints do not count.

    Args:
        a: Start of the first segment.
        b: End of the first segment.
        c: Start of the second segment.
        d: End of the second segment.
    """

    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def distance(point: Point, a: Point, b: Point) -> float:
    """Return the distance from a point to the segment ab.

    Args:
        point: Point.
        a: Start of the segment.
        b: End of the segment.
    """
    dx, dy = b[0] - a[0], b[1] - a[1]
    along = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / max(dx * dx + dy * dy, 1e-12)
    along = min(max(along, 0.0), 1.0)
    return math.dist(point, (a[0] + along * dx, a[1] + along * dy))
