"""LearnerConfig: precision, memory and speed of the learner. Algorithm settings are in `training/config/algo.py`."""

from dataclasses import dataclass


@dataclass
class LearnerConfig:
    """Computation settings of the learner.

    dtype, freeze_vision and lora_* change the result. The other settings change only speed and memory.
    """

    dtype: str = "float32"
    """Precision of the forward and backward pass: `float32`, or `bfloat16` with float32 master weights."""
    checkpointing: bool = False
    """Activation checkpointing: compute each layer again in the backward pass. Uses less memory and is about a third
    slower."""
    freeze_vision: bool = False
    """Do not train the vision tower."""
    lora_rank: int = 0
    """Rank of LoRA adapters in all linear layers of the language model. 0 trains every weight instead."""
    lora_alpha: int = 32
    """Numerator of the LoRA scale: adapters are scaled by lora_alpha / lora_rank."""
    pack_tokens: int = 16384
    """Maximum number of tokens in a packed forward pass. A smaller value saves memory. A longer trajectory gets its own
    pass."""
    pack_patches: int = 32768
    """Maximum number of vision patches in a packed forward pass."""
    threads: int = 2
    """Number of parallel forward passes on a CPU. Applies to one process with float32."""

    def __post_init__(self) -> None:
        """Raise ValueError if a value is out of range."""
        if self.dtype not in ("float32", "bfloat16"):
            raise ValueError(f"dtype must be float32 or bfloat16, got {self.dtype!r}")
        for key in ("lora_alpha", "pack_tokens", "pack_patches", "threads"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if self.lora_rank < 0:
            raise ValueError(f"lora_rank must not be negative, got {self.lora_rank}")
