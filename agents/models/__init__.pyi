from .config import ModelConfig
from .load import LoadedModel, load_chat, load_model
from .vlm import VLM

__all__ = [
    "VLM",
    "LoadedModel",
    "ModelConfig",
    "load_chat",
    "load_model",
]
