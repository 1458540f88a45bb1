"""Temporary exchange of the trained weights for others, such as the reference weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def exchanged(trained: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Iterator[None]:
    """Swap the values of `trained` with those of `weights`, by name, inside the context."""
    _exchange(trained, weights)
    try:
        yield
    finally:
        _exchange(trained, weights)


@torch.no_grad()
def _exchange(trained: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    for name, parameter in trained.items():
        own = parameter.clone()
        parameter.copy_(weights[name])
        weights[name].copy_(own)
