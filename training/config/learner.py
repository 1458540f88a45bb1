"""LearnerConfig: precision, memory and speed of the learner. Algorithm settings are in `training/config/algo.py`."""

from dataclasses import dataclass
from typing import Literal

from configs.schema import Settings
from configs.types import NonNegativeInt, PositiveInt


@dataclass
class LearnerConfig(Settings):
    """Computation settings of the learner.

    dtype, freeze_vision and lora_* change the result. The other settings change only speed and memory.
    """

    dtype: Literal["float32", "bfloat16"] = "float32"
    """Precision of the forward and backward pass: `float32`, or `bfloat16` with float32 master weights."""
    checkpointing: bool = False
    """Activation checkpointing: compute each layer again in the backward pass. Uses less memory and is about a third
    slower."""
    freeze_vision: bool = False
    """Do not train the vision tower."""
    lora_rank: NonNegativeInt = 0
    """Rank of LoRA adapters in all linear layers of the language model. 0 trains every weight instead."""
    lora_alpha: PositiveInt = 32
    """Numerator of the LoRA scale: adapters are scaled by lora_alpha / lora_rank."""
    pack_tokens: PositiveInt = 16384
    """Maximum number of tokens in a packed forward pass. A smaller value saves memory. A longer trajectory gets a
    separate pass."""
    pack_patches: PositiveInt = 32768
    """Maximum number of vision patches in a packed forward pass."""
    threads: PositiveInt = 2
    """Number of parallel forward passes on a CPU. Applies to one process with float32."""
