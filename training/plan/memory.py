"""Memory estimates of learner ranks and engines, from the shapes of the model. All values are in bytes.

The learner shards its state over n ranks (`learner/fsdp.py`: FSDP2, ZeRO stage 3, arXiv 1910.02054). Weights, gradients
and both AdamW moments are float32: 16 bytes per trained parameter, divided by n. Frozen weights have the dtype of
computation. Gathered parameters come on top: those outside of layers with their gradient, and two layers (the current
and the next one). The gradient of one layer exists in the dtype of computation and in float32.

Activations per token that a layer keeps for its backward pass, with flash-like attention (d hidden width, q and k
widths of queries and keys, f inner width, c bytes per number; norms keep a float32 copy):

    2·d·(4 + 2c) + 3c·(q + k) + 2c·d + c·f·(4 if gated else 2)

With checkpointing, each layer keeps c·d per token, and one layer at a time keeps the rest.

Logits exist in chunks of n numbers (`agents/models/logprobs.py`). A chunk takes 16n bytes: logits and probabilities in
float32, each with a copy. At the end of the backward pass there are (4 + c)n bytes of a chunk, and the gradient of the
head's V x d weights three times: the float32 sum, a chunk's part and the result.

A GPU also holds the CUDA contexts of its processes and NCCL's buffers. A colocated engine keeps its graphs when it
sleeps.
"""

from dataclasses import dataclass

from agents.engines.config import EngineConfig
from training.config.learner import LearnerConfig
from training.plan.shapes import Shapes, Stack

GIB = 2**30
WIDTH = {"float32": 4, "bfloat16": 2}
CHUNK = 2**24
"""Number of logits in a chunk on a CPU (`agents.models.logprobs.CHUNK`). On a GPU eight times as many."""
CONTEXT = GIB / 2
"""Approximate size of a process's CUDA context, in bytes."""
NCCL = GIB
"""Approximate size of NCCL's buffers for several ranks, in bytes."""
VLLM_WORK = 2 * GIB
"""Approximate size of vLLM's activations and CUDA graphs, in bytes."""
VLLM_ASLEEP = GIB + CONTEXT
"""Approximate size of what a sleeping vLLM engine keeps: its graphs and its context, in bytes."""
SLACK = GIB / 2
"""Memory that is left free for fragmentation, in bytes."""


@dataclass(frozen=True)
class LearnerMemory:
    """Memory of one learner rank, in bytes."""

    weights: float
    gradients: float
    moments: float
    reference: float
    """Weights at the start of the stage, for the KL term."""
    gathered: float
    activations: float
    head: float
    runtime: float
    """CUDA context and NCCL."""

    @property
    def state(self) -> float:
        """Memory between two updates."""
        return self.weights + self.moments + self.reference + self.runtime

    @property
    def peak(self) -> float:
        """Peak memory, reached in the backward pass."""
        return self.state + self.gradients + self.gathered + self.activations + self.head


@dataclass(frozen=True)
class EngineMemory:
    """Memory of one GPU of an engine, in bytes."""

    weights: float
    work: float
    cache: float
    """KV cache: the rest of a vLLM engine's share of the GPU."""
    token: float
    """Keys and values of one token on this GPU."""

    @property
    def tokens(self) -> int:
        """Number of tokens that fit into the cache."""
        return max(0, int(self.cache // self.token))


def learner_memory(
    shapes: Shapes, config: LearnerConfig, ranks: int, reference: bool, on_gpu: bool = True
) -> LearnerMemory:
    """Return the memory of a learner rank with packs of maximum size.

    Args:
        shapes: Shapes of the model.
        config: Computation settings.
        ranks: Number of learner ranks.
        reference: True if a stage has a KL term.
        on_gpu: True on GPUs, False on CPUs.
    """
    width = WIDTH[config.dtype]
    lora = config.lora_rank > 0
    frozen = shapes.parameters if lora else config.freeze_vision * shapes.vision_parameters
    trained = config.lora_rank * shapes.linear_io if lora else shapes.parameters - frozen
    largest = max(shapes.text.layer_parameters, shapes.vision.layer_parameters)
    gathered = 0.0
    if ranks > 1 or config.dtype != "float32":  # sharded, or copied to another dtype
        gathered = width * (shapes.root_parameters + 2 * largest)
        if not lora:  # gradients, which adapters have next to none of
            gathered += width * shapes.root_parameters + 4 * max(shapes.root_parameters, largest)
    # A frozen vision tower keeps no activations.
    still = config.freeze_vision or lora
    seen = activations(shapes.vision, config.pack_patches, width, checkpointing=config.checkpointing, kept=not still)
    read = activations(shapes.text, config.pack_tokens, width, checkpointing=config.checkpointing)
    return LearnerMemory(
        weights=(4 * (shapes.parameters - frozen) + width * frozen + 4 * lora * trained) / ranks,
        gradients=4 * trained / ranks,
        moments=8 * trained / ranks,
        reference=4 * trained / ranks if reference else 0.0,
        gathered=gathered,
        activations=seen + read,
        head=head_memory(shapes, config, on_gpu),
        runtime=CONTEXT + NCCL * (ranks > 1) if on_gpu else 0.0,
    )


def head_memory(shapes: Shapes, config: LearnerConfig, on_gpu: bool) -> float:
    """Return the memory of the log-probs of a pack, without their inputs, in bytes."""
    width = WIDTH[config.dtype]
    chunk = min(CHUNK * (8 if on_gpu else 1), config.pack_tokens * shapes.vocabulary)
    backward = (4 + width) * chunk + 8 * shapes.vocabulary * shapes.text.hidden
    return float(max(16 * chunk, 0 if config.lora_rank else backward))


def activations(stack: Stack, tokens: int, width: int, checkpointing: bool, kept: bool = True) -> float:
    """Return the size of the activations that layers keep until their backward pass, in bytes.

    Args:
        stack: Shapes of the layers.
        tokens: Number of tokens or patches.
        width: Bytes per number.
        checkpointing: True with activation checkpointing.
        kept: False if there is no backward pass, so that only one layer's activations exist at a time.
    """
    norms = 2 * stack.hidden * (4 + 2 * width)
    attention = 3 * width * (stack.heads + stack.key_values)
    forward = width * stack.inner * (4 if stack.gated else 2) + 2 * width * stack.hidden
    layer = norms + attention + forward
    if not kept:
        return float(tokens * layer)
    if checkpointing:
        return float(tokens * (stack.layers * stack.hidden * width + layer))
    return float(tokens * stack.layers * layer)


def engine_memory(shapes: Shapes, config: EngineConfig, gpus: int, memory: float, share: float) -> EngineMemory:
    """Return the memory of a vLLM engine on each of its GPUs.

    Args:
        shapes: Shapes of the model.
        config: Engine settings.
        gpus: Number of GPUs of the engine.
        memory: Memory per GPU in bytes. 0 is a CPU.
        share: Fraction of the GPU that the engine takes.
    """
    vllm = config.vllm
    width = WIDTH.get(vllm.dtype, 2 if memory else 4)
    stack = shapes.text
    weights = width * shapes.parameters / gpus
    work = VLLM_WORK if memory else 0.0
    cache = share * memory - weights - work if memory else vllm.cpu_cache_gb * GIB
    return EngineMemory(weights, work, max(0.0, cache), 2 * width * stack.layers * stack.key_values / gpus)


def transformers_memory(shapes: Shapes) -> EngineMemory:
    """Return the memory of a transformers engine in float32. It has no shared cache, only one per batch."""
    stack = shapes.text
    return EngineMemory(4 * shapes.parameters, 0.0, 0.0, 2 * 4 * stack.layers * stack.key_values)


def transfer_memory(shapes: Shapes, direct: bool) -> float:
    """Return the memory of a weight update on a GPU that learner and engine share, in bytes.

    The largest weight exists in float32 at the learner and twice in bfloat16 at the engine, which also assembles a
    layer. `direct` adds the buffer of a transfer within the GPU (ipc).
    """
    largest = shapes.vocabulary * shapes.text.hidden
    return float(8 * largest + 4 * shapes.text.layer_parameters + (max(GIB, 2 * largest) if direct else 0))
