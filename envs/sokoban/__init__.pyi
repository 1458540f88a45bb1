from .env import SokobanEnv
from .solver import Plan, solve
from .vector import SokobanVectorEnv

__all__ = [
    "Plan",
    "SokobanEnv",
    "SokobanVectorEnv",
    "solve",
]
