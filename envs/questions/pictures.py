"""Decoding of images from question files (path, bytes or base64) to RGB arrays."""

import base64
import binascii
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image, ImageFile

MAX_BYTES = 64 << 20
MAX_PIXELS = 50_000_000
LONGEST_NAME = 1024
"""Maximum length of a path in characters. A longer text is base64."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


def decode(picture: Any, folder: Path) -> NDArray[np.uint8]:
    """Decode an image to uint8 [H, W, 3]. Transparent pixels become white.

    Args:
        picture: Path within `folder` (also `file://…`), encoded bytes, Hugging Face's `{"bytes": …, "path": …}`, or
            base64 (`data:image/png;base64,…`, or without the prefix).
        folder: Folder that must contain the file.

    Raises:
        ValueError: The value has another form, the path is outside `folder`, or the image is broken or too large.
    """
    from PIL import Image, ImageOps

    with _opened(picture, folder) as opened:
        upright = ImageOps.exif_transpose(_eight_bits(opened))
        if upright.has_transparency_data:
            paper = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(paper, upright.convert("RGBA"))
        return np.array(upright.convert("RGB"))


def check(picture: Any, folder: Path) -> None:
    """Raise ValueError if `decode` could not decode the image. Decodes a JPEG at an eighth of its size."""
    with _opened(picture, folder) as opened:
        opened.draft("RGB", (opened.width // 8, opened.height // 8))
        opened.load()


@contextmanager
def _opened(picture: Any, folder: Path) -> Iterator["ImageFile.ImageFile"]:
    """Open an image. Raise ValueError, also inside the context, for a broken or too large image."""
    from PIL import Image, UnidentifiedImageError

    data = _bytes(picture, folder)
    if not data:
        raise ValueError("the image is empty (0 bytes)")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise ValueError(f"the image has {opened.width}x{opened.height} pixels, {MAX_PIXELS} is the maximum")
            yield opened
    except UnidentifiedImageError:
        raise ValueError(f"the image format is none of {', '.join(FORMATS)}") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"the image is broken: {error}") from None


def _eight_bits(opened: "ImageFile.ImageFile") -> "Image.Image":
    """Return an image with 8 bits per channel. Pillow cuts 16-bit grey at 255, and keeps a transparent value as is."""
    from PIL import Image

    clear, layout = opened.info.get("transparency"), opened.tile[0][3] if opened.tile else ""
    if opened.mode.startswith("I"):
        grey = np.asarray(opened).astype(np.int64)
        scaled = Image.fromarray(((grey * 255 + 32767) // 65535).clip(0, 255).astype(np.uint8))
        if isinstance(clear, int):
            scaled.putalpha(Image.fromarray(np.where(grey == clear, 0, 255).astype(np.uint8)))
        scaled.info = {key: value for key, value in opened.info.items() if key != "transparency"}  # EXIF orientation
        return scaled
    if isinstance(clear, int) and layout in ("L;2", "L;4"):
        opened.info["transparency"] = clear * (85 if layout == "L;2" else 17)
    elif isinstance(clear, tuple) and layout == "RGB;16B":
        opened.info["transparency"] = tuple(value >> 8 for value in clear)
    return opened


def _bytes(picture: Any, folder: Path) -> bytes:
    """Return the encoded image."""
    picture = source(picture)
    if isinstance(picture, bytes):
        return picture
    if not isinstance(picture, str) or not picture:
        raise ValueError(f"an image must be a path, bytes or base64, got {type(picture).__name__}")
    if picture.startswith("data:") or len(picture) > LONGEST_NAME:
        try:
            return base64.b64decode(
                picture.partition(",")[2] if picture.startswith("data:") else picture, validate=True
            )
        except binascii.Error as error:
            raise ValueError(f"the image is not valid base64: {error}") from None
    return find(picture, folder).read_bytes()


def source(picture: Any) -> Any:
    """Return the path or the bytes in Hugging Face's form of an image, and an image in another form unchanged."""
    if not isinstance(picture, dict):
        return picture
    return picture.get("path") if picture.get("bytes") is None else picture["bytes"]


def find(picture: str, folder: Path) -> Path:
    """Return the path of an image file in the folder. Raise ValueError if it does not exist or is too large."""
    parts = urlsplit(picture)
    if parts.scheme in ("http", "https"):
        raise ValueError(f"images are not downloaded: {picture!r}; give a path within {folder}")
    path = (folder / (unquote(parts.path) if parts.scheme == "file" else picture)).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"the image {picture!r} is outside {folder}")
    if not path.is_file():
        raise ValueError(f"there is no image {picture!r} in {folder}")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"the image {picture!r} has more than {MAX_BYTES} bytes")
    return path
