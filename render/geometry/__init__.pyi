from .figure import draw
from .scene import Scene

__all__ = [
    "Scene",
    "draw",
]
