from .jobs import Job, JobRunner, Plays, Teaching
from .labelled import LabelledPolicy
from .model import VLMPolicy
from .recorded import RecordedPolicy
from .scripted import ExpertPolicy, IdlePolicy, RandomPolicy

__all__ = [
    "ExpertPolicy",
    "IdlePolicy",
    "Job",
    "JobRunner",
    "LabelledPolicy",
    "Plays",
    "RandomPolicy",
    "RecordedPolicy",
    "Teaching",
    "VLMPolicy",
]
