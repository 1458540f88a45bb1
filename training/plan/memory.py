"""What a run needs in memory, estimated from the model's own shapes. Bytes throughout.

Learner, as `learner/fsdp.py` lays it out over n ranks (FSDP2, ZeRO stage 3, arXiv 1910.02054): weights, gradients
and both moments of AdamW in float32, 16 bytes a trained parameter, divided by n. Gathered meanwhile: what is outside of
layers (its gradient too) and two layers, one at work and one on its way, with the gradient of one in the dtype of
computation and in float32.

Activations that a layer keeps for its backward pass, a token, with flash-like attention (d hidden, q and k widths of
queries and keys, f inner, c bytes a number; norms keep a float32 copy):

    2·d·(4 + 2c) + 3c·(q + k) + 2c·d + c·f·(4 if gated else 2)

With checkpointing each layer keeps c·d a token, and one layer at a time the rest.
"""

from dataclasses import dataclass

from agents.engines.config import EngineConfig
from training.config.learner import LearnerConfig
from training.plan.shapes import Shapes, Stack

GIB = 2**30
WIDTH = {"float32": 4, "bfloat16": 2}
HEAD = 3 * 4 * 2**24
"""Logits of one chunk (agents/models/logprobs.py), their probabilities and slopes, in float32."""
VLLM_WORK = 2 * GIB
"""vLLM's activations and CUDA graphs, about."""


@dataclass(frozen=True)
class LearnerMemory:
    """Of one rank."""

    weights: float
    gradients: float
    moments: float
    reference: float
    """The weights with which the stage began, for KL."""
    gathered: float
    activations: float
    head: float

    @property
    def state(self) -> float:
        """What stays between two updates."""
        return self.weights + self.moments + self.reference

    @property
    def peak(self) -> float:
        """All of it, in the backward pass."""
        return self.state + self.gradients + self.gathered + self.activations + self.head


@dataclass(frozen=True)
class EngineMemory:
    """Of one GPU of an engine."""

    weights: float
    work: float
    cache: float
    """For keys and values: what is left of a vLLM engine's share."""
    token: float
    """Keys and values of one token, on this GPU."""

    @property
    def tokens(self) -> int:
        """How many fit into the cache."""
        return max(0, int(self.cache // self.token))


def learner_memory(shapes: Shapes, config: LearnerConfig, ranks: int, reference: bool) -> LearnerMemory:
    """What a learner rank needs for packs as large as may be; `reference`: whether a stage has a KL term."""
    width = WIDTH[config.dtype]
    trained = shapes.parameters - config.freeze_vision * shapes.vision_parameters
    if config.lora_rank:
        trained = config.lora_rank * shapes.linear_io
    largest = max(shapes.text.layer_parameters, shapes.vision.layer_parameters)
    gathered = 0.0
    if ranks > 1 or config.dtype != "float32":  # sharded, or a copy in another dtype
        gathered = 2 * width * (shapes.root_parameters + largest) + 4 * max(shapes.root_parameters, largest)
    # A tower that learns nothing passes its activations on and keeps none.
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
    """What layers keep of so many tokens (or patches) until their backward pass; `kept`: if there is one."""
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
    """What a vLLM engine that is split over `gpus` makes of each one's `memory` (0: a CPU)."""
    vllm = config.vllm
    width = WIDTH.get(vllm.dtype, 2 if memory else 4)
    stack = shapes.text
    weights = width * shapes.parameters / gpus
    work = VLLM_WORK if memory else 0.0
    cache = vllm.gpu_memory * memory - weights - work if memory else vllm.cpu_cache_gb * GIB
    return EngineMemory(weights, work, max(0.0, cache), 2 * width * stack.layers * stack.key_values / gpus)


def transformers_memory(shapes: Shapes) -> EngineMemory:
    """What a transformers engine needs in float32; it keeps no cache, but every batch has its own."""
    stack = shapes.text
    return EngineMemory(4 * shapes.parameters, 0.0, 0.0, 2 * 4 * stack.layers * stack.key_values)
