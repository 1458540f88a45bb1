"""Settings of the model."""

from dataclasses import dataclass
from pathlib import Path

from configs.schema import Settings


@dataclass
class ModelConfig(Settings):
    """Settings of the policy's model."""

    path: str = "tiny"
    """Model: `tiny` (embedded), a folder that transformers can load, or a name on the Hugging Face hub (OWNER/MODEL).
    Families: Idefics3, SmolVLM, Qwen2.5-VL, Qwen3-VL; for tasks without images also Llama, Qwen2, Qwen3."""


def may_be_hub_name(name: str) -> bool:
    """Return True if a name has the form OWNER/MODEL and is not a path on this machine."""
    first, *rest = Path(name).parts or ("",)
    return len(rest) == 1 and not Path(first).is_dir() and not name.startswith(("/", ".", "~"))


def folders_near(name: str) -> list[str]:
    """Return the folders next to a path that does not exist, or those in runs/ for a single word."""
    near = Path(name).parent if len(Path(name).parts) > 1 else Path("runs")
    return sorted(path.as_posix() for path in near.iterdir() if path.is_dir()) if near.is_dir() else []
