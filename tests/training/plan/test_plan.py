import math
import re
import sys
from dataclasses import replace
from typing import Any

import pytest

from agents.engines.config import EngineConfig, VLLMConfig
from training.cluster.placement import Slot, check, engine_settings, place
from training.config.algo import AlgoConfig
from training.config.cluster import ClusterConfig
from training.config.compose import load
from training.config.learner import LearnerConfig
from training.learner.lora import check as check_lora
from training.plan.memory import GIB, activations, engine_memory, head_memory, learner_memory, transformers_memory
from training.plan.shapes import KNOWN, Stack, shapes
from training.plan.text import plan_text

SPLIT = ClusterConfig(kind="ray", nodes=2, gpus_per_node=4, learners=3, engines=2, engine_gpus=2)
COLOCATED = ClusterConfig(kind="ray", gpus_per_node=4, learners=4, engines=2, engine_gpus=2, colocate=True)
STAGES = {"mgt": AlgoConfig()}
VLLM = EngineConfig("vllm")


# -- who stands where -------------------------------------------------------------------------------------------------


def test_place_split_puts_engines_first_and_keeps_them_together() -> None:
    assert place(SPLIT) == [
        Slot(0, 0, None, 0),
        Slot(0, 1, None, 0),
        Slot(0, 2, None, 1),
        Slot(0, 3, None, 1),
        Slot(1, 0, 0, None),
        Slot(1, 1, 1, None),
        Slot(1, 2, 2, None),
    ]


def test_place_colocated_puts_a_learner_and_an_engine_on_every_gpu() -> None:
    assert place(COLOCATED) == [Slot(0, 0, 0, 0), Slot(0, 1, 1, 0), Slot(0, 2, 2, 1), Slot(0, 3, 3, 1)]


def test_engine_settings_follow_the_cluster() -> None:
    split, colocated = engine_settings(SPLIT, EngineConfig()), engine_settings(COLOCATED, EngineConfig())
    assert (split.vllm.tensor_parallel, split.vllm.sleep) == (2, 0)
    assert (colocated.vllm.tensor_parallel, colocated.vllm.sleep) == (2, 2)


@pytest.mark.parametrize(
    ("cluster", "engine", "told"),
    [
        (ClusterConfig(learners=2), "auto", "cluster.learners=2 needs cluster.kind=ray"),
        (
            ClusterConfig(gpus_per_node=1),
            "auto",
            "cluster.gpus_per_node=1 needs cluster.kind=ray .*: a single process uses",
        ),
        (ClusterConfig(colocate=True), "auto", "cluster.colocate=true needs cluster.kind=ray"),
        (replace(SPLIT, learners=5), "vllm", r"9 GPUs are required \(5 learners \+ 2 engines × 2\), but .* provide 8"),
        (replace(SPLIT, engine_gpus=8), "vllm", "engine_gpus=8 exceeds cluster.gpus_per_node=4"),
        (replace(SPLIT, gpus_per_node=3, engines=3, learners=0 + 1), "vllm", "7 GPUs are required"),
        (replace(SPLIT, gpus_per_node=3, engines=3, engine_gpus=2, nodes=3, learners=1), "vllm", None),
        (replace(SPLIT, gpus_per_node=3, engines=4, engine_gpus=2, nodes=3, learners=1), "vllm", "only 3 of 4 engines"),
        (SPLIT, "transformers", "engine_gpus=2 needs engine.kind=vllm"),
        (replace(COLOCATED, learners=3), "vllm", "engines × engine_gpus = learners, got 2 × 2 and 3"),
        (ClusterConfig(kind="ray", colocate=True), "auto", "shares GPUs, but cluster.gpus_per_node=0"),
        (ClusterConfig(kind="ray", engine_gpus=2), "auto", "engine_gpus=2 needs GPUs"),
        (SPLIT, "vllm", None),
        (COLOCATED, "vllm", None),
        (ClusterConfig(kind="ray", learners=2, engines=3), "auto", None),
    ],
)
def test_check_with_inconsistent_sizes_has_a_one_line_error(
    cluster: ClusterConfig, engine: Any, told: str | None
) -> None:
    if told is None:
        check(cluster, STAGES, EngineConfig(engine))
    else:
        with pytest.raises(ValueError, match=told) as error:
            check(cluster, STAGES, EngineConfig(engine))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("cluster", "engine", "transfer", "told"),
    [
        (
            ClusterConfig(),
            "vllm",
            "ipc",
            r"transfer=ipc needs learners and engines on GPUs .*; in one process set it to",
        ),
        (ClusterConfig(kind="ray"), "vllm", "nccl", r"transfer=nccl needs .*; on CPUs set it to shared"),
        (replace(SPLIT, engine_gpus=1), "transformers", "nccl", r"=nccl needs engine.kind=vllm, got .*=transformers"),
        (SPLIT, "auto", "nccl", r"=nccl needs engine.kind=vllm, got engine.kind=auto"),
        (
            SPLIT,
            "vllm",
            "ipc",
            r"=ipc does not work with cluster.colocate=false; set it to nccl \(between GPUs\) or shared",
        ),
        (
            COLOCATED,
            "vllm",
            "nccl",
            r"=nccl does not work with cluster.colocate=true; set it to ipc \(on one GPU\) or shared",
        ),
        (SPLIT, "vllm", "nccl", None),
        (COLOCATED, "vllm", "ipc", None),
    ],
)
def test_check_with_a_transfer_that_cannot_work_is_refused(
    cluster: ClusterConfig, engine: Any, transfer: Any, told: str | None
) -> None:
    settings = EngineConfig(engine, vllm=VLLMConfig(transfer=transfer))
    if told is None:
        check(cluster, STAGES, settings)
    else:
        with pytest.raises(ValueError, match=told):
            check(cluster, STAGES, settings)


def test_check_with_stages_that_do_not_fit_the_cluster_is_refused() -> None:
    with pytest.raises(ValueError, match=r"stages.mgt.algo.max_staleness=1 .* set max_staleness=0"):
        check(COLOCATED, {"mgt": AlgoConfig(max_staleness=1)}, VLLM)
    check(SPLIT, {"mgt": AlgoConfig(max_staleness=1)}, VLLM)
    with pytest.raises(ValueError, match=r"minibatch=2 trajectories cannot be divided among cluster.learners=3"):
        check(SPLIT, {"mgt": AlgoConfig(minibatch=2)}, VLLM)


@pytest.mark.parametrize(
    ("key", "value"), [("kind", "slurm"), ("learners", 0), ("gpus_per_node", -1), ("restarts", -1), ("gpu_gib", 0)]
)
def test_cluster_config_with_impossible_values_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key):
        ClusterConfig(**{key: value})  # type: ignore[arg-type]


# -- what it needs ----------------------------------------------------------------------------------------------------


def test_shapes_of_known_models_count_the_parameters_on_the_hub() -> None:
    counts = {path: shapes(path).parameters for path in KNOWN}
    assert counts == {
        "Qwen/Qwen2.5-VL-3B-Instruct": 3_754_622_976,
        "Qwen/Qwen2.5-VL-7B-Instruct": 8_292_166_656,
        "Qwen/Qwen3-VL-4B-Instruct": 4_437_815_808,
        "HuggingFaceTB/SmolVLM-Instruct": 2_246_272_880,
        "Qwen/Qwen2.5-1.5B-Instruct": 1_543_714_304,
        "Qwen/Qwen3-4B": 4_022_468_096,
        "HuggingFaceTB/SmolLM2-135M-Instruct": 134_515_008,
    }


def test_shapes_of_a_models_parts_add_up() -> None:
    sizes = shapes("Qwen/Qwen2.5-VL-7B-Instruct")
    # embeddings and head 2 x 152064 x 3584; the last norm 3584; patches 3 x 2 x 14 x 14 x 1280; the merger's norm 1280,
    # 5120 x 5120 + 5120 and 5120 x 3584 + 3584
    root = 2 * 152064 * 3584 + 3584 + 1176 * 1280 + 1280 + 5120 * 5120 + 5120 + 5120 * 3584 + 3584
    assert sizes.root_parameters == root
    # a decoder layer: q, k, v with biases, o, three projections, two norms
    layer = 3584 * (3584 + 2 * 512) + 3584 + 2 * 512 + 3584 * 3584 + 3 * 3584 * 18944 + 2 * 3584
    assert sizes.text.layer_parameters == layer
    assert sizes.text.parameters == 28 * layer


def test_shapes_of_a_folder_without_config_is_refused(tmp_path: object) -> None:
    with pytest.raises(ValueError, match=r"^model.path: the config.json of .* cannot be read: "):
        shapes(str(tmp_path))


def test_activations_match_hand_computation() -> None:
    stack = Stack(layers=3, hidden=4, inner=10, heads=4, key_values=2, gated=True, layer_parameters=1, parameters=3)
    # a token and layer in bfloat16: norms 2·4·(4 + 4) = 64, attention 3·2·(4 + 2) = 36, forward 2·10·4 + 2·2·4 = 96
    assert activations(stack, 5, 2, checkpointing=False) == 5 * 3 * 196
    assert activations(stack, 5, 2, checkpointing=True) == 5 * (3 * 4 * 2 + 196)
    assert activations(stack, 5, 2, checkpointing=False, kept=False) == 5 * 196
    assert activations(replace(stack, gated=False), 1, 2, checkpointing=False) == 3 * 156


def test_learner_memory_is_16_bytes_per_parameter_over_all_ranks() -> None:
    sizes = shapes("Qwen/Qwen2.5-VL-3B-Instruct")
    config = LearnerConfig(dtype="bfloat16", checkpointing=True)
    one, eight = (learner_memory(sizes, config, ranks, reference=False) for ranks in (1, 8))
    assert one.weights + one.gradients + one.moments == 16 * sizes.parameters
    assert eight.state - eight.runtime == (one.state - one.runtime) / 8 == 12 * sizes.parameters / 8
    assert (one.runtime, eight.runtime) == (GIB / 2, 3 * GIB / 2)  # a context, and NCCL
    assert eight.head == head_memory(sizes, config, on_gpu=True) > head_memory(sizes, config, on_gpu=False)
    assert eight.activations == one.activations
    with_reference = learner_memory(sizes, config, 8, reference=True)
    assert with_reference.peak - eight.peak == pytest.approx(4 * sizes.parameters / 8)


def test_learner_memory_with_lora_or_frozen_vision_is_smaller() -> None:
    sizes = shapes("Qwen/Qwen2.5-VL-3B-Instruct")
    frozen = learner_memory(sizes, LearnerConfig(freeze_vision=True), 1, reference=False)
    assert frozen.moments == 8 * (sizes.parameters - sizes.vision_parameters)
    # a layer's linear maps, in + out: q 2·2048, k and v 2·(2048 + 256), o 2·2048, gate, up and down 3·(2048 + 11008)
    assert sizes.linear_io == 36 * (2 * 2048 + 2 * 2304 + 2 * 2048 + 3 * 13056)
    adapters = 16 * sizes.linear_io
    lora = learner_memory(sizes, LearnerConfig(lora_rank=16), 1, reference=False)
    assert lora.gradients == 4 * adapters
    assert lora.weights == frozen.weights + 4 * adapters == 4 * (sizes.parameters + adapters)
    half = learner_memory(sizes, LearnerConfig(lora_rank=16, dtype="bfloat16"), 1, reference=False)
    assert half.weights == 2 * sizes.parameters + 4 * adapters


def test_text_model_has_no_vision_tower() -> None:
    sizes = shapes("HuggingFaceTB/SmolLM2-135M-Instruct")
    assert sizes.vision_parameters == 0
    text = learner_memory(sizes, LearnerConfig(), 1, reference=False)
    assert text.activations == activations(sizes.text, LearnerConfig().pack_tokens, 4, checkpointing=False)
    assert text == learner_memory(sizes, LearnerConfig(freeze_vision=True, pack_patches=1), 1, reference=False)
    plan = plan_text(load(["model.path=HuggingFaceTB/SmolLM2-135M-Instruct", "env=arithmetic"]))
    assert "0.13 billion parameters, text only; 30 layers" in plan


def test_engine_memory_leaves_the_rest_to_the_cache() -> None:
    sizes = shapes("Qwen/Qwen2.5-VL-7B-Instruct")
    memory = engine_memory(sizes, EngineConfig(), 2, 80 * GIB, 0.85)
    assert memory.weights == sizes.parameters  # two bytes each, over two GPUs
    assert memory.token == 2 * 2 * 28 * 512 / 2
    assert memory.cache == pytest.approx(0.85 * 80 * GIB - sizes.parameters - 2 * GIB)
    assert memory.tokens == math.floor(memory.cache / memory.token)
    assert engine_memory(sizes, EngineConfig(), 1, 8 * GIB, 0.85).tokens == 0
    plain = transformers_memory(sizes)
    assert (plain.weights, plain.cache, plain.token) == (4 * sizes.parameters, 0, 2 * 4 * 28 * 512)


def test_check_lora_without_peft_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    check_lora(16)
    monkeypatch.setitem(sys.modules, "peft", None)  # as where it is not installed
    check_lora(0)
    with pytest.raises(ValueError, match=r"^learner.lora_rank=16 needs PEFT: pip install -e '.\[lora\]'$"):
        check_lora(16)


# -- what is printed --------------------------------------------------------------------------------------------------


def test_plan_text_of_lmm_r1_fits_eight_gpus() -> None:
    text = plan_text(load(["recipe=lmm_r1"]))
    assert "Ray, 1 x 8 GPUs, colocated" in text
    assert "machine 0: learner ranks 0–7, engines 0–7" in text
    assert "3.75 billion parameters, 0.67 billion of them for images" in text
    assert "reference weights, for KL" in text
    assert text.endswith("It fits.")


@pytest.mark.slow
def test_plan_text_that_does_not_fit_names_what_to_change() -> None:
    small = plan_text(
        load(["recipe=lmm_r1", "model=qwen2_5_vl_7b", "cluster.gpu_gib=24", "engine.vllm.gpu_memory=0.85"])
    )
    assert "Does not fit: a learner GPU needs" in small
    assert "lower learner.pack_tokens" in small
    assert "Lower engine.vllm.gpu_memory to" in small
    whole = plan_text(load(["recipe=lmm_r1", "cluster.gpu_gib=14", "engine.max_context=0", "cluster=h8_split"]))
    assert "a context can have 128,000" in whole


def test_plan_text_of_one_process_has_no_cache() -> None:
    text = plan_text(load(["env=football"]))
    assert "one process on this machine" in text
    assert "1.13 million parameters" in text
    assert "Memory of an engine\n  weights" in text and "KV cache" not in text
    assert "in batches of up to 64; up to 256 episodes per engine and step" in text
    assert text.endswith("libraries and the caches of the batches.")


def test_plan_text_of_vllm_on_a_cpu_has_a_cache() -> None:
    text = plan_text(load(["env=football", "engine.kind=vllm", "cluster=ray"]))
    assert "KV cache" in text and re.search(r"cache for [\d,]+ tokens: \d+ contexts of", text)


def test_plan_text_of_one_engine_names_its_number() -> None:
    words = ["cluster.gpus_per_node=3", "cluster.learners=2", "cluster.engines=1"]
    assert "machine 0: learner ranks 0–1, engine 0\n" in plan_text(load(["recipe=lmm_r1", "cluster=ray", *words]))
