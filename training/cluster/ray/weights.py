"""Transfer of weights from learners to engines in pieces through Ray's object store.

Engines on the same machine read the pieces without a copy. Engines on other machines receive one.
"""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

PIECE = 512 * 2**20
"""Approximate number of bytes of weights in one object of the store."""


@dataclass(frozen=True)
class Packed:
    """A tensor as bytes: works for every dtype, and Ray does not copy it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: NDArray[np.uint8]


def pack(name: str, tensor: "torch.Tensor") -> Packed:
    """Return a tensor as bytes on the CPU."""
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return Packed(name, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape), flat.numpy())


def unpack(packed: Packed) -> "tuple[str, torch.Tensor]":
    """Return the name and the tensor. It shares memory with the store and must not be written to."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        flat = torch.from_numpy(packed.data)
    return packed.name, flat.view(getattr(torch, packed.dtype)).reshape(packed.shape)


def pieces(tensors: "Iterable[tuple[str, torch.Tensor]]", size: int = PIECE) -> Iterator[list[Packed]]:
    """Yield lists of packed tensors of about `size` bytes."""
    piece: list[Packed] = []
    held = 0
    for name, tensor in tensors:
        piece.append(pack(name, tensor))
        held += piece[-1].data.nbytes
        if held >= size:
            yield piece
            piece, held = [], 0
    if piece:
        yield piece
