from .env import GeometryEnv

__all__ = [
    "GeometryEnv",
]
