from .base import Engine, EngineDead
from .config import EngineConfig, ServerConfig, VLLMConfig
from .factory import make_engine

__all__ = [
    "Engine",
    "EngineConfig",
    "EngineDead",
    "ServerConfig",
    "VLLMConfig",
    "make_engine",
]
