from .env import VisualEnv

__all__ = [
    "VisualEnv",
]
