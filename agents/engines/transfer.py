"""Weight transfer from a learner to vLLM engines.

Engine side, on every engine at the same time (`agents.engines.vllm.VLLMEngine`):

    await engine.begin_update()              # pause replies, drop caches
    await engine.receive(info)               # once for each message of the sender
    await engine.end_update(version)         # resume replies; raises unless the engine reports this version

Learner side, through host memory (`engine.vllm.transfer=shared`; engines on the learner's machine):

    with SharedSender(learner.weights()) as sender:
        while (path := sender.next()) is not None:       # deletes the previous file
            …every engine: receive({"path": path})

On other machines, `engine.load_weights(named_tensors, version)` performs both sides locally, from tensors received by
any other means.

Learner side, from GPU to GPU (`nccl`: engines on other GPUs; `ipc`: on the same GPUs), on every rank of the learner:

    sender = DirectSender("nccl", learner.weights, torch.bfloat16, rank, call, engines, tensor_parallel, (host, port))
    sender.send(version)                     # runs all three engine methods, through `call`

`call(method, arguments)` runs a method of every engine, the i-th with arguments[i]. It waits for all of them and
re-raises the first error. Only rank 0 calls it, from two threads.
"""

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import torch
from safetensors.torch import save_file
from torch import Tensor

Call = Callable[[str, list[tuple[Any, ...]]], None]

SHARED = Path("/dev/shm")
CHUNK = 256 * 2**20
"""Approximate bytes of weights per file. A single larger tensor is not split."""
BUFFER = 2**30
"""Minimum bytes of the buffer for a transfer within a GPU."""


class SharedSender:
    """Writer of weights to files in shared memory, one file at a time."""

    def __init__(self, weights: Iterable[tuple[str, Tensor]], chunk: int = CHUNK) -> None:
        self._weights = iter(weights)
        self._chunk = chunk
        self._file: Path | None = None

    def next(self) -> str | None:
        """Return the path of the next file, which exists until the next call, or None after the last file."""
        self._remove()
        tensors: dict[str, Tensor] = {}
        storages: set[tuple[int, tuple[int, ...]]] = set()
        size = 0
        for name, tensor in self._weights:
            held = tensor.detach().to("cpu").contiguous()
            if (key := (held.data_ptr(), tuple(held.shape))) in storages:
                continue  # skip tied weights
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
    """Return the shared memory folder if `size` bytes fit there, else the folder for temporary files."""
    if SHARED.is_dir() and os.access(SHARED, os.W_OK) and shutil.disk_usage(SHARED).free > size + 2**20:
        return SHARED
    return Path(tempfile.gettempdir())


class DirectSender:
    """Sender of weights from GPU to GPU with vLLM's own transfer. Every rank of the learner must call `send`."""

    def __init__(
        self,
        backend: str,
        weights: Callable[[], Iterable[tuple[str, Tensor]]],
        dtype: torch.dtype,
        rank: int,
        call: Call,
        engines: int,
        tensor_parallel: int,
        address: tuple[str, int],
    ) -> None:
        """Connect to the engines, which must be running.

        Args:
            backend: nccl, or ipc (each engine on GPUs of the learner).
            weights: returns full tensors on this GPU by their transformers names, in the same order every time.
            dtype: data type of the engines' weights, used for the transfer.
            rank: rank of this process in the learner; rank 0 sends.
            call: runs a method of all engines (see the module docstring).
            engines: number of engines.
            tensor_parallel: number of GPUs per engine.
            address: host of rank 0 and a free port.
        """
        from vllm.distributed.weight_transfer import WeightTransferTrainerFactory
        from vllm.distributed.weight_transfer.ipc_engine import IPCTrainerInitInfo
        from vllm.distributed.weight_transfer.nccl_engine import NCCLTrainerInitInfo

        self._client = EngineCalls(call, engines, tensor_parallel)
        source: Any = Source(weights, dtype)
        if backend == "nccl":
            meet: Any = NCCLTrainerInitInfo(*address, world_size=1 + engines * tensor_parallel, rank=rank)
        else:
            meet = IPCTrainerInitInfo(packed=True, packed_buffer_size_bytes=buffer_size(source), rank=rank)
        self._trainer = WeightTransferTrainerFactory.trainer_init(meet, client=self._client, source=source)

    def send(self, version: int) -> None:
        """Send the current weights to the engines."""
        self._client.version = version
        self._trainer.send_weights()

    def close(self) -> None:
        """Release the connection. Engines release theirs when they connect again."""
        self._trainer.shutdown()


def buffer_size(source: "Source") -> int:
    """Return the size of the buffer for packed weights in bytes. vLLM does not split a weight over two buffers."""
    return max(BUFFER, *(math.prod(one.shape) * one.dtype.itemsize for one in source.metadata()))


class EngineCalls:
    """Adapter from vLLM's trainer interface (`VLLMWeightSyncClient`) to this package's engine methods."""

    def __init__(self, call: Call, engines: int, tensor_parallel: int) -> None:
        self.version = 0
        self._call = call
        self._engines = engines
        self._tensor_parallel = tensor_parallel

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None:
        """Initialise the transfer on all engines. Engine GPUs are numbered consecutively."""
        infos = [dict(init_info) for _ in range(self._engines)]
        if "rank_offset" in init_info:
            for number, info in enumerate(infos):
                info["rank_offset"] += number * self._tensor_parallel
        self._call("init_transfer", [(info,) for info in infos])

    def start_weight_update(self) -> None:
        """Start the update on all engines."""
        self._call("begin_update", [()] * self._engines)

    def update_weights(self, update_info: Any) -> None:
        """Send all engines the metadata of the next transfer."""
        self._call("receive", [(update_info,)] * self._engines)

    def finish_weight_update(self, weight_version: str | None = None) -> None:
        """Finish the update on all engines, with this package's version number."""
        self._call("end_update", [(self.version,)] * self._engines)


class Described(NamedTuple):
    """Name, data type and shape of a tensor (vLLM's `ParamMeta`)."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]


class Source:
    """Weights for vLLM's trainer interface (its `WeightSource`), in the engines' data type."""

    def __init__(self, weights: Callable[[], Iterable[tuple[str, Tensor]]], dtype: torch.dtype) -> None:
        self._weights = weights
        self._dtype = dtype
        self._metadata: list[Described] = []

    def metadata(self) -> list[Described]:
        """Return the metadata of all weights. The first call iterates over them, which all ranks do together."""
        if not self._metadata:
            self._metadata = [Described(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in self]
        return self._metadata

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        for name, tensor in self._weights():
            yield name, tensor.detach().to(self._dtype)
