"""How the learner computes; what it learns from is in `training/config/algo.py`."""

from dataclasses import dataclass


@dataclass
class LearnerConfig:
    """How the learner computes. dtype, freeze_vision and lora_* change the result; the rest is speed and memory."""

    dtype: str = "float32"
    """What forward and backward compute in: float32, or bfloat16 with float32 master weights."""
    checkpointing: bool = False
    """Compute each layer again in the backward pass instead of keeping its activations: a third slower, less memory."""
    freeze_vision: bool = False
    """Leave the vision tower as it is."""
    lora_rank: int = 0
    """Train low-rank additions to the language model's linear layers (LoRA), of this rank; 0 trains every weight."""
    lora_alpha: int = 32
    """LoRA's additions are scaled by lora_alpha / lora_rank."""
    pack_tokens: int = 16384
    """Tokens in one packed forward pass: lower it to save memory. A longer trajectory gets a pass of its own."""
    pack_patches: int = 32768
    """Vision patches in one packed forward pass: the same for images."""
    threads: int = 2
    """Forward passes side by side on a CPU, in one process with float32."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if self.dtype not in ("float32", "bfloat16"):
            raise ValueError(f"dtype must be float32 or bfloat16, got {self.dtype!r}")
        for key in ("lora_alpha", "pack_tokens", "pack_patches", "threads"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if self.lora_rank < 0:
            raise ValueError(f"lora_rank must not be negative, got {self.lora_rank}")
