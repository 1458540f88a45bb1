from .env import SokobanEnv
from .solver.solve import Plan, solve
from .vector import SokobanVectorEnv

__all__ = [
    "Plan",
    "SokobanEnv",
    "SokobanVectorEnv",
    "solve",
]
