"""How weights travel from a learner to vLLM engines: the two halves that a cluster joins.

Engine side, on every engine at the same time (`agents.engines.vllm.VLLMEngine`):

    await engine.begin_update()              # replies freeze, caches go
    await engine.receive(info)               # as often as the sender says
    await engine.end_update(version)         # replies go on; raises where the version does not come back

Learner side, through host memory (`engine.vllm.transfer=shared`; engines on the learner's machine):

    with SharedSender(learner.weights()) as sender:
        while (path := sender.next()) is not None:       # the file before is gone by then
            …every engine: receive({"path": path})

With engines elsewhere, `engine.load_weights(named_tensors, version)` does both halves there, from tensors that came
any other way.

Learner side, from GPU to GPU (`nccl`: engines on other GPUs; `ipc`: on the same ones), on every rank of the learner:

    sender = DirectSender("nccl", learner.weights, torch.bfloat16, rank, call, engines, tensor_parallel, (host, port))
    sender.send(version)                     # all three engine methods, through `call`

where `call(method, arguments)` runs a method of every engine, the i-th with arguments[i], waits for all of them and
raises what one of them raised. Only rank 0 calls it, from two threads.
"""

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


class DirectSender:
    """Sends weights from GPU to GPU with vLLM's own transfer; on every learner rank, each of which must `send`."""

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
        """Meets the engines, which must be there.

        Args:
            backend: nccl, or ipc (each engine on GPUs of the learner's).
            weights: gives full tensors on this GPU by their transformers names, in the same order every time.
            dtype: of the engines' weights; they are sent in it.
            rank: of this process in the learner; 0 sends.
            call: runs a method of all engines, as above.
            engines: how many there are.
            tensor_parallel: GPUs of each.
            address: of rank 0, with a free port.
        """
        from vllm.distributed.weight_transfer import WeightTransferTrainerFactory
        from vllm.distributed.weight_transfer.ipc_engine import IPCTrainerInitInfo
        from vllm.distributed.weight_transfer.nccl_engine import NCCLTrainerInitInfo

        self._client = EngineCalls(call, engines, tensor_parallel)
        meet: Any = IPCTrainerInitInfo(packed=True, rank=rank)
        if backend == "nccl":
            meet = NCCLTrainerInitInfo(*address, world_size=1 + engines * tensor_parallel, rank=rank)
        source: Any = Source(weights, dtype)
        self._trainer = WeightTransferTrainerFactory.trainer_init(meet, client=self._client, source=source)

    def send(self, version: int) -> None:
        """Bring the engines to the weights as they are now."""
        self._client.version = version
        self._trainer.send_weights()


class EngineCalls:
    """What vLLM's trainer side wants of the engines, in the words of ours (vLLM's `VLLMWeightSyncClient`)."""

    def __init__(self, call: Call, engines: int, tensor_parallel: int) -> None:
        self.version = 0
        self._call = call
        self._engines = engines
        self._tensor_parallel = tensor_parallel

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None:
        """Each engine's GPUs come after those of the engine before."""
        infos = [dict(init_info) for _ in range(self._engines)]
        if "rank_offset" in init_info:
            for number, info in enumerate(infos):
                info["rank_offset"] += number * self._tensor_parallel
        self._call("init_transfer", [(info,) for info in infos])

    def start_weight_update(self) -> None:
        """Begin, on all engines."""
        self._call("begin_update", [()] * self._engines)

    def update_weights(self, update_info: Any) -> None:
        """Send what all engines need to know to receive."""
        self._call("receive", [(update_info,)] * self._engines)

    def finish_weight_update(self, weight_version: str | None = None) -> None:
        """End, on all engines, with our version."""
        self._call("end_update", [(self.version,)] * self._engines)


class Described(NamedTuple):
    """A tensor without its values (vLLM's `ParamMeta`)."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]


class Source:
    """Weights for vLLM's trainer side (its `WeightSource`), in the engines' dtype."""

    def __init__(self, weights: Callable[[], Iterable[tuple[str, Tensor]]], dtype: torch.dtype) -> None:
        self._weights = weights
        self._dtype = dtype
        self._metadata: list[Described] = []

    def metadata(self) -> list[Described]:
        """What every pass yields, from a first one: all ranks make it together."""
        if not self._metadata:
            self._metadata = [Described(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in self]
        return self._metadata

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        for name, tensor in self._weights():
            yield name, tensor.detach().to(self._dtype)
