from .model import VLMPolicy
from .recorded import Recorded
from .scripted import Expert, IdlePlayer, RandomPlayer

__all__ = [
    "Expert",
    "IdlePlayer",
    "RandomPlayer",
    "Recorded",
    "VLMPolicy",
]
