"""Named tensors on disk, written in the background by all ranks and readable by any number of ranks.

The format is torch.distributed.checkpoint with safetensors shards, without pickle.
"""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import async_save

from configs.errors import UserError
from render.records.files import reset_modes


def replace_folder(fresh: Path, folder: Path) -> None:
    """Replace `folder` with the finished folder `fresh`, after its files are synced to disk."""
    reset_modes(fresh)
    for file in fresh.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


class Writer:
    """Background writer of tensor folders, one at a time. Every rank has one."""

    def __init__(self, group: dist.ProcessGroup | None) -> None:
        """Create the writer of this rank.

        Args:
            group: CPU process group of all ranks, not used elsewhere. None for a single process.
        """
        self._group = group
        self._first = group is None or dist.get_rank(group) == 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: Future[None] | None = None

    def write(
        self,
        folder: Path,
        tensors: Mapping[str, Tensor],
        documents: Mapping[str, Any],
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Copy the tensors, start to write them, and return. `folder` appears when it is complete.

        Args:
            folder: Folder to write. It replaces an older one.
            tensors: Name → tensor.
            documents: File name → content of JSON files to add.
            then: Called on the first rank after the folder is complete.

        Raises:
            UserError: the previous write failed, or this one cannot start. The next `write` or `wait` raises later
                errors.
        """
        self.wait()
        fresh = folder.with_name(f".{folder.name}.new")
        if self._first:
            try:
                shutil.rmtree(fresh, ignore_errors=True)
                fresh.mkdir(parents=True)
            except OSError as error:
                raise UserError(f"cannot save {folder}: {error}") from error
        if self._group is not None:
            dist.barrier(self._group)
        _one_process_is_meant()
        written = async_save(
            dict(tensors),
            storage_writer=HuggingFaceStorageWriter(str(fresh), save_distributed=True),
            process_group=self._group,
            no_dist=self._group is None,
        )
        assert isinstance(written, Future)
        self._pending = self._pool.submit(self._finish, written, fresh, folder, dict(documents), then)

    def _finish(
        self, written: Future[Any], fresh: Path, folder: Path, documents: dict[str, Any], then: Callable[[], None]
    ) -> None:
        try:
            written.result()  # the first rank waits for all ranks
            if not self._first:
                return
            for name, document in documents.items():
                (fresh / name).write_text(json.dumps(document, indent=1), encoding="utf-8")
            replace_folder(fresh, folder)
            then()
        except (Exception, CheckpointException) as error:
            if self._first:
                shutil.rmtree(fresh, ignore_errors=True)
            raise UserError(f"cannot save {folder}: {_line(error)}; earlier checkpoints are intact") from error

    def wait(self) -> None:
        """Wait until the pending write is complete, and raise its error."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """Wait for the pending write and stop the thread."""
        try:
            self.wait()
        finally:
            self._pool.shutdown()


def names(folder: Path) -> set[str]:
    """Return the names of the tensors in a folder."""
    try:
        return set(HuggingFaceStorageReader(str(folder)).read_metadata().state_dict_metadata)
    except Exception as error:  # damaged files raise many kinds of errors
        raise UserError(f"{folder} is damaged: {error}") from error


def read(folder: Path, tensors: Mapping[str, Tensor], group: dist.ProcessGroup | None) -> None:
    """Read tensors in place. Each rank reads only its shards.

    Args:
        folder: Folder that `Writer` wrote.
        tensors: Name → tensor to fill.
        group: CPU process group of all ranks. None for a single process.

    Raises:
        UserError: the folder is damaged, or its tensors have other names or shapes.
    """
    _one_process_is_meant()
    try:
        with torch.no_grad():
            load(
                dict(tensors),
                storage_reader=HuggingFaceStorageReader(str(folder)),
                process_group=group,
                no_dist=group is None,
            )
    except (Exception, CheckpointException) as error:
        raise UserError(f"{folder} is damaged or from another model: {_line(error)}") from error


def _line(error: BaseException) -> str:
    """Return the first line of an error's message, or of the first rank's error."""
    if isinstance(error, CheckpointException) and error.failures:
        error = next(iter(error.failures.values()))[0]
    return (str(error).splitlines() or [type(error).__name__])[0]


def _one_process_is_meant() -> None:
    warnings.filterwarnings("ignore", message="torch.distributed is disabled, unavailable or uninitialized")
