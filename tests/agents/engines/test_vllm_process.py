"""vLLM's processes: how they start, sleep, wake and die, and what an error says about it."""

import asyncio
import gc
import importlib.util
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from agents.chat.conversation import Conversation
from agents.chat.types import Prompt
from agents.engines.base import EngineDead
from agents.engines.config import EngineConfig, VLLMConfig
from agents.engines.vllm import VLLMEngine
from agents.engines.vllm_process import ProcessLog, arguments, cause, death, ended, keep_environment, start_failure
from agents.models.load import LoadedModel, wrap
from agents.models.tiny import build

if importlib.util.find_spec("vllm") is None:  # importing it takes seconds
    pytest.skip("vllm is not installed", allow_module_level=True)

Run = Callable[[Coroutine[Any, Any, Any]], Any]
KEPT = ("VLLM_WORKER_MULTIPROC_METHOD", "VLLM_ALLOW_INSECURE_SERIALIZATION")

STARTED = """\
(EngineCore pid=77) ERROR 11-30 18:00:01 [core.py:1510] EngineCore failed to start.
(EngineCore pid=77) ERROR 11-30 18:00:01 [core.py:1510] Traceback (most recent call last):
(EngineCore pid=77) ERROR 11-30 18:00:01 [core.py:1510]   File "core.py", line 1480, in run_engine_core
(EngineCore pid=77) ERROR 11-30 18:00:01 [core.py:1510]     engine_core = EngineCoreProc(*args)
(EngineCore pid=77) ERROR 11-30 18:00:01 [core.py:1510] ValueError: Free memory on device cuda:0 (63.6/79.1 GiB) is low.
Traceback (most recent call last):
  File "process.py", line 314, in _bootstrap
RuntimeError: cleaning up failed too
"""
SHARDED = """\
(Worker_TP1 pid=78) ERROR 11-30 18:00:01 [multiproc_executor.py:953] WorkerProc hit an exception.
(Worker_TP1 pid=78) ERROR 11-30 18:00:01 [multiproc_executor.py:953] torch.OutOfMemoryError: CUDA out of memory.
(EngineCore pid=77) ERROR 11-30 18:00:01 [core.py:1512] EngineCore encountered a fatal error.
(EngineCore pid=77) ERROR 11-30 18:00:01 [core.py:1512] RuntimeError: Worker failed, see the log for the root cause.
"""


def test_cause_is_the_first_exception_of_the_engine_or_the_last_of_a_worker() -> None:
    assert cause(STARTED) == "ValueError: Free memory on device cuda:0 (63.6/79.1 GiB) is low."
    assert cause(SHARDED) == "torch.OutOfMemoryError: CUDA out of memory."
    assert cause("loading\nKeyError: 'first'\nmore\nKeyError: 'last'\n") == "KeyError: 'last'"
    assert cause("(EngineCore pid=77) INFO 11-30 18:00:01 [core.py:1] no error here\n") == ""


def test_ended_names_the_signal_or_the_exit_code() -> None:
    assert ended({"EngineCore": -signal.SIGKILL}) == "killed by SIGKILL (out of memory?)"
    assert ended({"EngineCore": -signal.SIGSEGV}) == "killed by SIGSEGV"
    assert ended({"EngineCore": 3}) == "exit code 3"
    assert ended({}) == "no message"


def test_death_is_the_signal_unless_vllm_logged_a_fatal_exception() -> None:
    killed, failed = {"EngineCore": -signal.SIGKILL}, {"EngineCore": 1}
    harmless = "Exception ignored in: <function Context.__del__>\nTypeError: a late warning\n"
    assert death(harmless, killed) == "killed by SIGKILL (out of memory?)"
    assert death(SHARDED, {"EngineCore": -signal.SIGTERM}) == "torch.OutOfMemoryError: CUDA out of memory."  # by us
    assert death("KeyError: 'setting'\n", failed) == "KeyError: 'setting'"
    assert death("", failed) == "exit code 1"


def test_start_failure_names_the_cause_the_signal_or_the_error_of_this_process() -> None:
    failed = RuntimeError("Engine core initialization failed. See root cause above. Failed core proc(s): {}")
    assert start_failure(failed, STARTED) == "ValueError: Free memory on device cuda:0 (63.6/79.1 GiB) is low."
    killed = RuntimeError(str(failed).replace("{}", str({"EngineCore": -9})))
    assert start_failure(killed, "") == "killed by SIGKILL (out of memory?)"
    checked = ValueError("1 validation error for ModelConfig\n  Value error, No model. [type=value_error]\n")
    assert start_failure(checked, "") == "No model."


def test_process_log_contains_what_a_process_writes_after_the_redirection() -> None:
    log = ProcessLog()
    words = "import sys; sys.stdin.read(); print('late', file=sys.stderr)"
    with log.inherited():
        process = subprocess.Popen([sys.executable, "-c", words], stdin=subprocess.PIPE)
        os.write(1, b"early\n")
    os.write(1, b"not in the log\n")
    process.communicate(b"")
    assert log.text() == "early\nlate\n"
    assert log.text() == "early\nlate\n"  # reading does not move the position at which processes write
    log.close()


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variables of `keep_environment`, which are restored in the end."""
    for name in KEPT:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.slow
def test_keep_environment_makes_vllm_spawn_its_processes(plain_environment: None) -> None:
    """A fork would inherit that this process has asked for GPUs, and could not use them."""
    from vllm.utils import system_utils

    context: Any = system_utils.get_mp_context
    if not torch.cuda.is_initialized():
        assert context().get_start_method() == "fork"
    keep_environment(VLLMConfig())
    assert context().get_start_method() == "spawn"
    assert "VLLM_ALLOW_INSECURE_SERIALIZATION" not in os.environ


@pytest.mark.slow
def test_keep_environment_lets_handles_of_gpu_memory_be_sent(plain_environment: None) -> None:
    from vllm.v1.serial_utils import MsgpackEncoder

    update = {"ipc_handles": {"GPU-1": (torch.Tensor, (4,), (1,), 0, torch.bfloat16)}}  # types, as `reduce_tensor` has
    with pytest.raises(TypeError, match="VLLM_ALLOW_INSECURE_SERIALIZATION"):
        MsgpackEncoder().encode(update)
    keep_environment(VLLMConfig(transfer="ipc"))
    assert MsgpackEncoder().encode(update)


def test_arguments_leave_out_videos_and_limit_images_of_qwen_only() -> None:
    config = EngineConfig("vllm", vllm=VLLMConfig(max_pixels=448 * 672, sleep=2, gpu_memory=0.3))
    qwen, idefics = (arguments("model", family, config, on_gpu=True) for family in ("qwen2_5_vl", "idefics3"))
    assert qwen["mm_processor_kwargs"] == {"max_pixels": 301056} and "mm_processor_kwargs" not in idefics
    assert qwen["limit_mm_per_prompt"] == idefics["limit_mm_per_prompt"] == {"video": 0}
    assert (qwen["gpu_memory_utilization"], qwen["enable_sleep_mode"], qwen["dtype"]) == (0.3, True, "bfloat16")
    assert arguments("model", "idefics3", EngineConfig("vllm"), on_gpu=True)["gpu_memory_utilization"] == 0.85
    on_cpu = arguments("model", "idefics3", config, on_gpu=False)
    assert (on_cpu["enable_sleep_mode"], on_cpu["dtype"], on_cpu["kv_cache_memory_bytes"]) == (False, "float32", 2**30)


# -- real engines -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return wrap(*build(seed=3))


@pytest.fixture(scope="module")
def folder(model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tiny")
    model.save(path)
    return str(path)


@pytest.fixture
def run() -> Iterator[Run]:
    with asyncio.Runner() as runner:
        yield runner.run


def ask(model: LoadedModel, seed: int, max_tokens: int) -> Prompt:
    conversation = Conversation(model.chat, 0)
    conversation.ask("go", "go", None)
    return conversation.prompt(seed, max_tokens)


def config(**vllm: Any) -> EngineConfig:
    return EngineConfig("vllm", max_context=1024, vllm=VLLMConfig(cpu_cache_gb=0.1, gpu_memory=0.3, **vllm))


@pytest.mark.vllm
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # vLLM leaves a socket's context behind
def test_start_names_the_cause_in_vllms_process(folder: str, run: Run) -> None:
    small = EngineConfig("vllm", vllm=VLLMConfig(cpu_cache_gb=1e-4, gpu_memory=1e-3))  # less than a block
    with pytest.raises(RuntimeError, match=r"^vLLM cannot load .*: ValueError: No available memory .* cache") as error:
        run(VLLMEngine.start(folder, small))
    assert "\n" not in str(error.value)
    del error
    gc.collect()


@pytest.mark.vllm
def test_start_of_a_process_that_dies_before_its_first_answer_fails(folder: str, run: Run) -> None:
    class Dying(VLLMEngine):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            for process in self._llm.engine_core.resources.engine_manager.processes:
                os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(EngineDead, match=r"^vLLM's process has died: killed by SIGKILL"):
        run(asyncio.wait_for(Dying.start(folder, config()), 120))
    assert not multiprocessing.active_children()


@pytest.mark.vllm
def test_engine_with_ipc_answers_and_a_death_names_its_cause(
    model: LoadedModel, folder: str, run: Run, plain_environment: None
) -> None:
    async def play() -> None:
        engine = await VLLMEngine.start(folder, config(transfer="ipc"))
        try:
            for _ in range(2):  # the second connection replaces the first
                await engine.init_transfer({"packed": True})
            assert len((await engine.generate(ask(model, 1, 5), 1.0)).tokens) <= 5
            await engine._llm.collective_rpc("forbid_tokens", args=([[0, 1]],))
            with pytest.raises(EngineDead, match=r"^vLLM's process has died: RuntimeError: Index has to be a vector"):
                await engine.generate(ask(model, 1, 5), 1.0)
        finally:
            await engine.close()

    run(play())


@pytest.mark.vllm
def test_sleeping_engine_gets_weights_before_its_cache(model: LoadedModel, folder: str, run: Run) -> None:
    """vLLM keeps account of what sleeps on a CPU too; only the memory stays."""

    async def play() -> None:
        engine = await VLLMEngine.start(folder, config(sleep=2))
        try:
            await engine.sleep()
            reply = asyncio.create_task(engine.generate(ask(model, 1, 5), 1.0))
            await engine.wake()
            await engine.begin_update()
            assert await engine._llm.wake_up(["weights"]) is False  # they are awake, the KV cache is not
            await asyncio.sleep(0.2)
            assert not reply.done()
            weights = Path(folder) / "model.safetensors"
            await engine.receive({"path": str(weights)})
            await engine.end_update(7)
            assert not await engine._llm.is_sleeping()
            assert (await reply).versions.tolist() == [7] * len((await reply).tokens)
            await engine.load_weights(model.vlm.model.named_parameters(), 8)  # awake: as usual
            assert (await engine.generate(ask(model, 1, 5), 1.0)).versions[0] == 8
        finally:
            await engine.close()

    run(play())
