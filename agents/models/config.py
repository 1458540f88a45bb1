"""Which model plays."""

from dataclasses import dataclass


@dataclass
class ModelConfig:
    """The policy's model."""

    path: str = "tiny"
    """`tiny` (the embedded model), a folder that transformers can load, or a name on the Hugging Face hub
    (OWNER/MODEL). Families: Idefics3, SmolVLM, Qwen2.5-VL, Qwen3-VL."""
