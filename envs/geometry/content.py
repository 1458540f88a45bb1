"""Content of a geometry question, equal for questions with the same text and the same picture."""

from typing import Any

from envs.geometry.compose import Composed
from render.geometry.scene import Scene


def content(composed: Composed) -> str:
    """Return the question and its pictures as text, without colours, positions on the page and orders of drawing.

    Coordinates are rounded, so that the text is equal on all machines.
    """
    return "\n".join([composed.question.text, *map(_picture, composed.scenes)])


def _picture(scene: Scene) -> str:
    plain = scene._replace(fill=0, grid=None)  # the points determine the size of the grid
    points = list(_points(plain))
    left, low = (min(point[axis] for point in points) for axis in (0, 1))
    return " ".join(f"{name}={_text(items, left, low)}" for name, items in plain._asdict().items())


def _is_point(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and all(isinstance(value, float) for value in item)


def _points(item: Any) -> Any:
    """Yield the points in nested tuples."""
    if _is_point(item):
        yield item
    elif isinstance(item, tuple):
        for part in item:
            yield from _points(part)


def _text(item: Any, left: float, low: float) -> str:
    """Return nested tuples as text, sorted and with points relative to (left, low)."""
    if _is_point(item):
        return f"({round(item[0] - left, 6) + 0.0} {round(item[1] - low, 6) + 0.0})"
    if isinstance(item, tuple):
        return f"[{' '.join(sorted(_text(part, left, low) for part in item))}]"
    return str(round(item, 6) + 0.0 if isinstance(item, float) else item)
