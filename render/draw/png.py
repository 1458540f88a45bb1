"""PNG encoding of frames."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def png(frame: NDArray[np.uint8]) -> bytes:
    """Encode a frame [H, W, 3] as PNG, in half the time of the smallest encoding and a sixth larger."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
