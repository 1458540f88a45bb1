"""A GPU that learner and engine use in turns: in one process, and in a cluster of one."""

import pytest

from training.config.compose import load
from training.plan.memory import CONTEXT, GIB, SLACK, VLLM_ASLEEP, engine_memory
from training.plan.shapes import shapes
from training.plan.sharing import engine_share, local_engine, rank_memory, reserved, reserved_bytes
from training.plan.text import plan_text

ONE = [
    "model=qwen2_5_vl_3b",
    "env=geometry",
    "engine.kind=vllm",
    "learner.dtype=bfloat16",
    "learner.checkpointing=true",
]
LORA = [*ONE, "learner.lora_rank=16", "engine.max_context=4096"]
FULL = ["cluster=h1", "learner.lora_rank=0", "algo.lr=1e-6"]


def test_local_engine_on_a_gpu_sleeps_and_leaves_room_for_the_learner() -> None:
    config = load(LORA)
    engine = local_engine(config, 24 * GIB)
    held = reserved(config, shapes(config.model.path))
    # frozen weights 7.0, adapters 0.3, two contexts 1.0, slack 0.5
    assert held / GIB == pytest.approx(8.8, abs=0.1)
    assert (engine.vllm.sleep, engine.vllm.gpu_memory) == (2, 0.63)  # (24 - 8.8) / 24
    assert local_engine(config, 0.0) == config.engine  # on a CPU
    ahead = local_engine(load([*LORA, "algo.max_staleness=1"]), 80 * GIB)  # it is awake during updates
    assert ahead.vllm.sleep == 0 and ahead.vllm.gpu_memory is not None and ahead.vllm.gpu_memory < 0.8


def test_local_engine_keeps_a_given_share_and_refuses_a_gpu_that_is_too_small() -> None:
    assert local_engine(load([*LORA, "engine.vllm.gpu_memory=0.4"]), 24 * GIB).vllm.gpu_memory == 0.4
    with pytest.raises(ValueError, match=r"^the learner needs 43\.\d of the GPU's 24\.0 GiB, .*learner.lora_rank=16"):
        local_engine(load(ONE), 24 * GIB)


def test_reserved_bytes_are_for_engines_beside_a_learner_only() -> None:
    assert reserved_bytes(load(["recipe=lmm_r1"])) / GIB == pytest.approx(7.0 + 1.5 + 1.0, abs=0.1)
    assert reserved_bytes(load(["recipe=lmm_r1", "cluster=h8_split"])) == 0
    assert reserved_bytes(load(["recipe=lmm_r1", "engine.vllm.gpu_memory=0.5"])) == 0


def test_engine_share_of_seven_billion_on_eight_gpus_is_less_than_the_usual() -> None:
    small, large = load(["recipe=lmm_r1"]), load(["recipe=lmm_r1", "model=qwen2_5_vl_7b"])
    assert engine_share(small, shapes(small.model.path), 79 * GIB) == 0.85
    assert engine_share(large, shapes(large.model.path), 79 * GIB) == 0.77  # (79 - 16.95 - 1) / 79


def test_plan_text_of_one_process_on_a_gpu_counts_that_gpu() -> None:
    fits = plan_text(load(LORA), 24 * GIB)
    assert "one process on this machine's GPU of 24.0 GiB" in fits
    assert "Memory of an engine: 0.63 of a GPU" in fits and fits.endswith("It fits.")
    full = plan_text(load([*ONE, "engine.vllm.gpu_memory=0.85"]), 139 * GIB)  # an H200
    assert "the learner's 43.0 GiB and an engine's 118.1 GiB exceed the GPU's 139.0 GiB" in full
    assert "Lower engine.vllm.gpu_memory to 0.68." in full
    assert "main memory" in plan_text(load(LORA))  # without a GPU


@pytest.mark.parametrize(
    ("words", "memory", "peak", "share", "contexts"),
    # learner: weights, adapters and moments 7.4, gathered 0.9, activations 3.3, logits 2.0, context 0.5 = 14.1;
    # engine: 22 - 7.8 - 1 = 13.1, of which weights 7.0, work 2.0, cache 4.0 = 116,000 tokens of 36 KiB
    [([], 22, 14.1, 0.59, 28),
     # 3.755e9 x 16 = 56.0, gathered 2.9, activations 4.5, logits 3.1, context 0.5 = 67.0; engine: 79 - 42.5 - 1 = 35.5
     (FULL, 79, 67.0, 0.44, 183)],
)  # fmt: skip
def test_recipe_single_gpu_fits(words: list[str], memory: float, peak: float, share: float, contexts: int) -> None:
    config = load(["recipe=single_gpu", *words])
    sizes = shapes(config.model.path)
    learner = rank_memory(config, sizes, on_gpu=True)
    assert config.cluster.gpu_gib == memory
    assert learner.peak / GIB == pytest.approx(peak, rel=0.02)
    assert engine_share(config, sizes, memory * GIB) == share
    assert learner.peak + VLLM_ASLEEP < memory * GIB
    assert learner.state + CONTEXT + SLACK + share * memory * GIB < memory * GIB
    engine = engine_memory(sizes, config.engine, 1, memory * GIB, share)
    assert engine.tokens // 4096 == pytest.approx(contexts, abs=3)
    text = plan_text(config)
    assert text.endswith("It fits.") and f"Memory of an engine: {share:.2f} of a GPU" in text
