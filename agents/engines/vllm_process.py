"""vLLM's processes: their environment, their arguments, and the cause of a failure."""

import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from agents.engines.config import SHARE, EngineConfig, VLLMConfig
from agents.models.load import QWEN

CPU_ENVIRONMENT = {
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # otherwise all engines are bound to the same cores
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # one process fewer: the engine already has its own
    "TORCHDYNAMO_DISABLE": "1",  # skip 20 s of compiling the rank of log-probs, which is unused
    "OMP_WAIT_POLICY": "PASSIVE",
}
QUIET = {"VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
LOG_TAIL = 64 * 2**10
"""Number of bytes of the processes' output that are searched for the cause of a failure."""
PREFIX = re.compile(r"^(?:\(\w+ pid=\d+\) ?)?(?:[A-Z]+ \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\] ?)?")
"""Prefix of a line of vLLM's log: process, level, time and file."""
EXCEPTION = re.compile(r"^(?:\w+\.)*(?!SystemExit)\w*(?:Error|Exception)(?:: .*)?$")
"""Last line of a traceback."""
FATAL = re.compile(r"EngineCore (?:failed to start|encountered a fatal error)")
EXIT_CODE = re.compile(r"'(\w+)': (-?\d+)")
WRAPPER = re.compile(r"(?i)root cause|\bEngineDeadError\b")
"""Exception that only refers to another one."""


def environment(config: VLLMConfig, on_gpu: bool) -> dict[str, str]:
    """Return the environment variables in which vLLM is imported and its processes start."""
    if on_gpu:
        return QUIET
    return QUIET | CPU_ENVIRONMENT | {"OMP_NUM_THREADS": str(config.cpu_threads)}


def keep_environment(config: VLLMConfig) -> None:
    """Set the environment variables that vLLM reads as long as the engine exists. User settings keep their values.

    `spawn`: a forked process cannot use CUDA after this one has asked for GPUs. vLLM detects only an initialised CUDA.
    ipc: every message with GPU memory handles needs serialisation by pickle, on both sides. The sockets are local.
    """
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    if config.transfer == "ipc":
        os.environ.setdefault("VLLM_ALLOW_INSECURE_SERIALIZATION", "1")


def arguments(folder: str, family: str, engine: EngineConfig, on_gpu: bool) -> dict[str, Any]:
    """Return the arguments of vLLM's `AsyncEngineArgs`.

    Args:
        folder: Folder of the model.
        family: `model_type` of the model.
        engine: Settings of the engine.
        on_gpu: True on a GPU, False on a CPU.
    """
    config = engine.vllm
    found: dict[str, Any] = {
        "model": folder,
        "dtype": config.dtype if config.dtype != "auto" else ("bfloat16" if on_gpu else "float32"),
        "max_model_len": engine.max_context or None,
        "max_num_seqs": config.max_sequences,
        "logprobs_mode": "processed_logprobs",  # log-probs of the distribution that was sampled from
        "generation_config": "vllm",  # ignore sampling defaults in the model folder
        "worker_extension_cls": "agents.engines.vllm_worker.WorkerExtension",
        "weight_transfer_config": {"backend": config.transfer},
        "enable_sleep_mode": on_gpu and config.sleep > 0,
        "limit_mm_per_prompt": {"video": 0},  # vLLM would measure its memory with the longest video
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
    }
    if config.max_pixels and family in QWEN:
        found["mm_processor_kwargs"] = {"max_pixels": config.max_pixels}
    if not on_gpu:
        return found | {
            "kv_cache_memory_bytes": int(config.cpu_cache_gb * 2**30),
            "enforce_eager": True,
            "enable_chunked_prefill": False,  # a CPU generator cannot be rewound for half a prompt
        }
    return found | {
        "tensor_parallel_size": config.tensor_parallel,
        # Separate processes: inside a Ray actor, vLLM would claim the whole placement group.
        "distributed_executor_backend": "mp" if config.tensor_parallel > 1 else None,
        "gpu_memory_utilization": config.gpu_memory or SHARE,
        "enforce_eager": config.eager,
    }


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables inside the context. Variables set by the user keep their values."""
    added = {key: value for key, value in values.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


class ProcessLog:
    """Output of vLLM's processes, kept to name the cause of a failure: their exceptions do not reach this process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()

    @contextmanager
    def inherited(self) -> Iterator[None]:
        """Redirect standard output and error to the log. Processes that start inside keep this for their lifetime."""
        saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        _flush()
        for descriptor in saved:
            os.dup2(self._file.fileno(), descriptor)
        try:
            yield
        finally:
            _flush()
            for descriptor, copy in saved.items():
                os.dup2(copy, descriptor)
                os.close(copy)

    def text(self) -> str:
        """Return the end of the log."""
        descriptor = self._file.fileno()
        size = os.fstat(descriptor).st_size
        # pread: the processes share the file's position
        return os.pread(descriptor, LOG_TAIL, max(0, size - LOG_TAIL)).decode(errors="replace")

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def cause(log: str) -> str:
    """Return the exception that ended a process, from its log, or an empty string."""
    lines = [PREFIX.sub("", line).rstrip() for line in log.splitlines()]
    raised = [number for number, line in enumerate(lines) if EXCEPTION.match(line) and not WRAPPER.search(line)]
    fatal = next((number for number, line in enumerate(lines) if FATAL.search(line)), len(lines))
    after = [number for number in raised if number > fatal]  # a chain of exceptions begins with the cause
    before = [number for number in raised if number < fatal]  # of a tensor-parallel worker
    chosen = after[:1] or before[-1:]
    return lines[chosen[0]] if chosen else ""


def death(log: str, exit_codes: Mapping[str, int]) -> str:
    """Return why processes have died, from their log and their exit codes by name.

    A signal counts more than an exception that was logged before, unless vLLM calls that one fatal.
    """
    how = ended(exit_codes)
    if how.startswith("killed") and not FATAL.search(log):
        return how
    return cause(log) or how


def start_failure(error: Exception, log: str) -> str:
    """Return the cause of a failed start: an exception in vLLM's process, or the one raised here."""
    if "root cause" in str(error):  # then: Failed core proc(s): {'EngineCore': -9}
        return death(log, {name: int(code) for name, code in EXIT_CODE.findall(str(error))})
    lines = [line.strip() for line in str(error).splitlines() if "Value error, " in line]  # pydantic: after a heading
    return (
        (lines or str(error).splitlines() or [type(error).__name__])[0]
        .removeprefix("Value error, ")
        .split(" [type=")[0]
    )


def ended(exit_codes: Mapping[str, int]) -> str:
    """Return how processes ended, from their exit codes by name, such as `killed by SIGKILL`."""
    for code in exit_codes.values():
        if code < 0:
            name = signal.Signals(-code).name
            return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
        if code:
            return f"exit code {code}"
    return "no message"


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
