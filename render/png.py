"""Frames as PNG."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def png(frame: NDArray[np.uint8]) -> bytes:
    """A frame [H, W, 3] as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "PNG")
    return buffer.getvalue()
