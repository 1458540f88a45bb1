"""Estimates of memory beside numbers by hand, and beside what the code allocates."""

import weakref
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from agents.engines.config import EngineConfig
from agents.models import logprobs
from training.config.learner import LearnerConfig
from training.plan.memory import CHUNK, CONTEXT, GIB, engine_memory, head_memory, learner_memory, transfer_memory
from training.plan.shapes import Shapes, shapes

BF16 = LearnerConfig(dtype="bfloat16", checkpointing=True)
H100 = 79.1
"""GiB of a GPU of 80 GB."""


@pytest.fixture(scope="module")
def small() -> Shapes:
    return shapes("Qwen/Qwen2.5-VL-3B-Instruct")


@pytest.fixture(scope="module")
def large() -> Shapes:
    return shapes("Qwen/Qwen2.5-VL-7B-Instruct")


def gib(value: float) -> Any:
    """A number by hand: within 10%."""
    return pytest.approx(value * GIB, rel=0.1)


def test_learner_memory_on_eight_gpus_agrees_with_hand_computation(small: Shapes, large: Shapes) -> None:
    """With a KL reference, a context (0.5 GiB) and NCCL (1 GiB)."""
    three, seven = (learner_memory(sizes, BF16, 8, reference=True) for sizes in (small, large))
    assert three.state - three.runtime == gib(7.0)  # 3.755e9 x (4 + 8 + 4) / 8
    assert seven.state - seven.runtime == gib(15.4)
    assert three.peak == gib(25)
    assert seven.peak == gib(46)


def test_learner_memory_on_one_gpu_agrees_with_hand_computation(small: Shapes) -> None:
    full = learner_memory(small, BF16, 1, reference=False)
    assert full.weights == gib(14.0)
    assert full.state - full.runtime == gib(42)  # 3.755e9 x 12
    assert full.peak == gib(68 + 3)  # measured on an H200: 63.9, with fewer patches in a pass
    lora = learner_memory(small, replace(BF16, lora_rank=16), 1, reference=False)
    # frozen weights in bfloat16: 3.755e9 x 2; adapters of rank 16: 16 x 36 x 51,968 inputs and outputs, 12 bytes each
    assert lora.state - lora.runtime == gib(3.755e9 * 2 / GIB + 16 * 36 * 51_968 * 12 / GIB)


def test_colocated_memory_agrees_with_hand_computation(small: Shapes) -> None:
    """Awake: an engine with 0.85 of the GPU, the learner's state, two contexts and NCCL."""
    engine = engine_memory(small, EngineConfig(), 1, H100 * GIB, 0.85)
    assert engine.weights == gib(7.0)
    assert engine.weights + engine.work + engine.cache == gib(67.2)
    learner = learner_memory(small, BF16, 8, reference=True)
    assert 0.85 * H100 * GIB + learner.state + CONTEXT == gib(67.2 + 7.0 + 2)
    assert transfer_memory(small, direct=True) == gib(1.0 + 1.2 + 1.6)  # buffer, gathered embeddings, engine's copies
    assert transfer_memory(small, direct=True) - transfer_memory(small, direct=False) == GIB


class Allocated(TorchDispatchMode):
    """The largest number of bytes of tensors that exist at once."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live: dict[int, int] = {}
        self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            storage = tensor.untyped_storage() if isinstance(tensor, torch.Tensor) else None
            if storage is not None and storage._cdata not in self.live:
                self.live[storage._cdata] = storage.nbytes()
                weakref.finalize(storage, self.live.pop, storage._cdata)
                self.peak = max(self.peak, sum(self.live.values()))
        return result


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [False, True])
def test_head_memory_is_what_log_probs_allocate(small: Shapes, frozen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors without data, in the sizes of a GPU. An H200 has measured 3.1 GiB for trained weights."""
    assert logprobs.CHUNK == CHUNK
    monkeypatch.setattr(logprobs, "CHUNK", 8 * CHUNK)
    rows, width = 2048, small.text.hidden  # three chunks
    with FakeTensorMode():
        hidden = torch.empty(rows, width, dtype=torch.bfloat16, requires_grad=True)
        weight = torch.empty(small.vocabulary, width, dtype=torch.bfloat16, requires_grad=not frozen)
        chosen, forbidden = torch.zeros(rows, dtype=torch.long), torch.zeros(1, dtype=torch.long)
        with Allocated() as allocated:
            logprobs.chosen_logprobs(hidden, weight, chosen, forbidden, 1.0)[0].sum().backward()
    inputs = 2 * small.vocabulary * width  # seen as results of views
    config = replace(BF16, lora_rank=16 * frozen)
    assert head_memory(small, config, on_gpu=True) == pytest.approx(allocated.peak - inputs, rel=0.05)
    assert frozen or head_memory(small, config, on_gpu=True) == pytest.approx(3.1 * GIB, rel=0.05)
