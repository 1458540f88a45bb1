from .model import VLMPolicy
from .recorded import RecordedPolicy
from .scripted import ExpertPolicy, IdlePolicy, RandomPolicy

__all__ = [
    "ExpertPolicy",
    "IdlePolicy",
    "RandomPolicy",
    "RecordedPolicy",
    "VLMPolicy",
]
