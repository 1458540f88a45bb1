"""Settings of the model."""

from dataclasses import dataclass


@dataclass
class ModelConfig:
    """Settings of the policy's model."""

    path: str = "tiny"
    """Model: `tiny` (embedded), a folder that transformers can load, or a name on the Hugging Face hub (OWNER/MODEL).
    Families: Idefics3, SmolVLM, Qwen2.5-VL, Qwen3-VL."""
