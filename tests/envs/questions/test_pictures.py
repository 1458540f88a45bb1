"""Images of question files are read with their true brightness, whatever their depth and mode."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from envs.questions.pictures import decode

HERE = Path(__file__).parent
GREY, COLOUR, PALETTE, GREY_ALPHA = 0, 2, 3, 4
"""Colour types of the PNG standard."""


def png(width: int, depth: int, kind: int, row: bytes, **chunks: bytes) -> bytes:
    """A PNG with one row, written by hand: Pillow does not write all depths."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0))]
    parts += [(name.encode(), data) for name, data in chunks.items()]
    parts += [(b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def shorts(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


RED_GREEN = bytes((255, 0, 0, 0, 255, 0))


@pytest.mark.parametrize(
    ("data", "pixels"),
    [
        (png(4, 16, GREY, shorts(0, 16448, 33153, 65535)), [0, 64, 129, 255]),  # v * 255 / 65535
        (png(4, 16, GREY, shorts(0, 16448, 16449, 300), tRNS=shorts(16448)), [0, 255, 64, 1]),  # clear becomes white
        (png(2, 1, GREY, b"\x40"), [0, 255]),
        (png(4, 2, GREY, b"\x1b"), [0, 85, 170, 255]),
        (png(4, 2, GREY, b"\x1b", tRNS=shorts(1)), [0, 255, 170, 255]),
        (png(2, 4, GREY, b"\x4f"), [68, 255]),
        (png(2, 4, GREY, b"\x4f", tRNS=shorts(4)), [255, 255]),
        (png(2, 8, GREY, b"\x40\x41", tRNS=shorts(64)), [255, 65]),
        (png(2, 16, GREY_ALPHA, shorts(0, 65535, 32768, 32768)), [0, 191]),  # 128 over white: 255 - 127 / 2
        (png(1, 16, COLOUR, shorts(0, 16448, 65535)), [[0, 64, 255]]),
        (png(2, 16, COLOUR, shorts(0, 16448, 200, 0, 0, 0), tRNS=shorts(0, 16448, 200)), [[255, 255, 255], [0, 0, 0]]),
        (png(2, 1, PALETTE, b"\x40", PLTE=RED_GREEN, tRNS=b"\0"), [[255, 255, 255], [0, 255, 0]]),
        (png(2, 8, PALETTE, b"\0\1", PLTE=RED_GREEN, tRNS=b"\x80"), [[255, 127, 127], [0, 255, 0]]),
    ],
)
def test_every_depth_of_a_png_keeps_its_brightness(data: bytes, pixels: list[int] | list[list[int]]) -> None:
    wanted = [[value] * 3 if isinstance(value, int) else value for value in pixels]
    assert decode(data, HERE)[0].tolist() == wanted


def test_a_16_bit_ramp_is_a_ramp() -> None:
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16)[None]
    buffer = io.BytesIO()
    Image.fromarray(ramp).save(buffer, "PNG")
    assert decode(buffer.getvalue(), HERE)[0, :, 0].tolist() == list(range(256))


def test_a_16_bit_image_keeps_its_orientation() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, 65535]], np.uint16)).save(buffer, "PNG", exif=exif)
    assert decode(buffer.getvalue(), HERE)[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize(
    ("mode", "ending"), [("1", "BMP"), ("L", "JPEG"), ("LA", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("YCbCr", "JPEG")]
)
def test_other_modes_keep_their_brightness(mode: str, ending: str) -> None:
    grey = Image.fromarray(np.repeat(np.array([0, 255], np.uint8), 8)[None].repeat(8, 0))
    buffer = io.BytesIO()
    grey.convert("RGB").convert(mode).save(buffer, ending)
    seen = decode(buffer.getvalue(), HERE).astype(int)
    assert seen.shape == (8, 16, 3)
    assert abs(seen[:, :8]).max() < 8 and abs(seen[:, 8:] - 255).max() < 8
