"""What a model received, from content blocks: the text and hashes of the images. It needs Pillow alone."""

import base64
import hashlib
import io
from typing import Any

from PIL import Image


def seen(content: list[dict[str, Any]]) -> dict[str, Any]:
    """The text and the images of one turn."""
    images = [Image.open(io.BytesIO(base64.b64decode(block["image_url"]["url"].partition("base64,")[2])))
              for block in content if block["type"] == "image_url"]  # fmt: skip
    return {
        "text": "\n".join(block["text"] for block in content if block["type"] == "text"),
        "images": [hashlib.sha256(image.convert("RGB").tobytes()).hexdigest() for image in images],
    }
