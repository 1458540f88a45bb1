"""How weights travel from a learner to vLLM engines: the two halves that a cluster joins.

Engine side, on every engine at the same time (`agents.engines.vllm.VLLMEngine`):

    await engine.begin_update()              # replies freeze, caches go
    await engine.receive(info)               # as often as the sender says, the same or its own `info` to each engine
    await engine.end_update(version)         # replies go on; raises where the version does not come back

Learner side, through host memory (`transfer=shared`; engines on the learner's machine):

    with SharedSender(learner.weights()) as sender:
        while (path := sender.next()) is not None:       # the file before is gone by then
            …every engine: receive({"path": path})

With engines elsewhere, `engine.load_weights(named_tensors, version)` does both halves there, from tensors that came
any other way.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from safetensors.torch import save_file
from torch import Tensor

SHARED = Path("/dev/shm")
CHUNK = 256 * 2**20
"""Bytes of weights in one file, about; a single tensor may be larger."""


class SharedSender:
    """Writes weights to files in shared memory, one after the other: never more than one is there."""

    def __init__(self, weights: Iterable[tuple[str, Tensor]], chunk: int = CHUNK) -> None:
        self._weights = iter(weights)
        self._chunk = chunk
        self._file: Path | None = None

    def next(self) -> str | None:
        """The path of the next file, which stays until the next call; None after the last."""
        self._remove()
        tensors: dict[str, Tensor] = {}
        storages: set[tuple[int, tuple[int, ...]]] = set()
        size = 0
        for name, tensor in self._weights:
            held = tensor.detach().to("cpu").contiguous()
            if (key := (held.data_ptr(), tuple(held.shape))) in storages:
                continue  # tied weights, once
            storages.add(key)
            tensors[name] = held
            size += held.nbytes
            if size >= self._chunk:
                break
        if not tensors:
            return None
        handle, path = tempfile.mkstemp(".safetensors", "kickoff-", _folder(size))
        os.close(handle)
        self._file = Path(path)
        save_file(tensors, path)
        return path

    def _remove(self) -> None:
        if self._file is not None:
            self._file.unlink(missing_ok=True)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._remove()


def _folder(size: int) -> Path:
    """Shared memory where there is room for `size` bytes, else the folder for temporary files."""
    if SHARED.is_dir() and os.access(SHARED, os.W_OK) and shutil.disk_usage(SHARED).free > size + 2**20:
        return SHARED
    return Path(tempfile.gettempdir())
