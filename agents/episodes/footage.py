"""Compressed frames of an episode's video: one minute of a full pitch takes 25 MB instead of 600 MB."""

import zlib
from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np

from render.draw.canvas import Frame


class PackedFrames(Sequence[Frame]):
    """Sequence of compressed frames, uint8 [H, W, 3]. Frames are decompressed on access and read-only."""

    def __init__(self) -> None:
        self._packed: list[tuple[tuple[int, ...], bytes]] = []

    def extend(self, frames: Iterable[Frame]) -> None:
        """Add copies of frames."""
        self._packed += [(frame.shape, zlib.compress(frame.tobytes(), 1)) for frame in frames]

    def __len__(self) -> int:
        return len(self._packed)

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> list[Frame]: ...
    def __getitem__(self, index: int | slice) -> Frame | list[Frame]:
        if isinstance(index, slice):
            return [_unpacked(*packed) for packed in self._packed[index]]
        return _unpacked(*self._packed[index])


def _unpacked(shape: tuple[int, ...], packed: bytes) -> Frame:
    return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(shape)
