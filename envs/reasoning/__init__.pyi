from .algebra import AlgebraEnv
from .arithmetic import ArithmeticEnv
from .env import ReasoningEnv

__all__ = [
    "AlgebraEnv",
    "ArithmeticEnv",
    "ReasoningEnv",
]
