"""Memory estimates of learner ranks and engines, from the shapes of the model. All values are in bytes.

The learner shards its state over n ranks (`learner/fsdp.py`: FSDP2, ZeRO stage 3, arXiv 1910.02054). Weights, gradients
and both AdamW moments are float32: 16 bytes per trained parameter, divided by n. Gathered parameters come on top: those
outside of layers with their gradient, and two layers (the current and the next one). The gradient of one layer exists
in the dtype of computation and in float32.

Activations per token that a layer keeps for its backward pass, with flash-like attention (d hidden width, q and k
widths of queries and keys, f inner width, c bytes per number; norms keep a float32 copy):

    2·d·(4 + 2c) + 3c·(q + k) + 2c·d + c·f·(4 if gated else 2)

With checkpointing, each layer keeps c·d per token, and one layer at a time keeps the rest.
"""

from dataclasses import dataclass

from agents.engines.config import EngineConfig
from training.config.learner import LearnerConfig
from training.plan.shapes import Shapes, Stack

GIB = 2**30
WIDTH = {"float32": 4, "bfloat16": 2}
HEAD = 3 * 4 * 2**24
"""Logits of one chunk (agents/models/logprobs.py) with probabilities and gradients, in float32, in bytes."""
VLLM_WORK = 2 * GIB
"""Approximate size of vLLM's activations and CUDA graphs, in bytes."""


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

    @property
    def state(self) -> float:
        """Memory between two updates."""
        return self.weights + self.moments + self.reference

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


def learner_memory(shapes: Shapes, config: LearnerConfig, ranks: int, reference: bool) -> LearnerMemory:
    """Return the memory of a learner rank with packs of maximum size.

    Args:
        shapes: Shapes of the model.
        config: Computation settings.
        ranks: Number of learner ranks.
        reference: True if a stage has a KL term.
    """
    width = WIDTH[config.dtype]
    trained = shapes.parameters - config.freeze_vision * shapes.vision_parameters
    if config.lora_rank:
        trained = config.lora_rank * shapes.linear_io
    largest = max(shapes.text.layer_parameters, shapes.vision.layer_parameters)
    gathered = 0.0
    if ranks > 1 or config.dtype != "float32":  # sharded, or copied to another dtype
        gathered = 2 * width * (shapes.root_parameters + largest) + 4 * max(shapes.root_parameters, largest)
    # A frozen vision tower keeps no activations.
    frozen = config.freeze_vision or config.lora_rank > 0
    seen = activations(shapes.vision, config.pack_patches, width, checkpointing=config.checkpointing, kept=not frozen)
    read = activations(shapes.text, config.pack_tokens, width, checkpointing=config.checkpointing)
    return LearnerMemory(
        weights=4 * shapes.parameters / ranks,
        gradients=4 * trained / ranks,
        moments=8 * trained / ranks,
        reference=4 * trained / ranks if reference else 0.0,
        gathered=gathered,
        activations=seen + read,
        head=min(HEAD, 3 * 4 * config.pack_tokens * shapes.vocabulary),
    )


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


def engine_memory(shapes: Shapes, config: EngineConfig, gpus: int, memory: float) -> EngineMemory:
    """Return the memory of a vLLM engine on each of its GPUs.

    Args:
        shapes: Shapes of the model.
        config: Engine settings.
        gpus: Number of GPUs of the engine.
        memory: Memory per GPU in bytes. 0 is a CPU.
    """
    vllm = config.vllm
    width = WIDTH.get(vllm.dtype, 2 if memory else 4)
    stack = shapes.text
    weights = width * shapes.parameters / gpus
    work = VLLM_WORK if memory else 0.0
    cache = vllm.gpu_memory * memory - weights - work if memory else vllm.cpu_cache_gb * GIB
    return EngineMemory(weights, work, max(0.0, cache), 2 * width * stack.layers * stack.key_values / gpus)


def transformers_memory(shapes: Shapes) -> EngineMemory:
    """Return the memory of a transformers engine in float32. It has no shared cache, only one per batch."""
    stack = shapes.text
    return EngineMemory(4 * shapes.parameters, 0.0, 0.0, 2 * 4 * stack.layers * stack.key_values)
