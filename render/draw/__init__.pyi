from .canvas import Canvas, Frame, Ink
from .images import fit, png
from .jit import njit

__all__ = [
    "Canvas",
    "Frame",
    "Ink",
    "fit",
    "njit",
    "png",
]
