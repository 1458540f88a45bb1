from .api import evaluate, resume, train

__all__ = [
    "evaluate",
    "resume",
    "train",
]
