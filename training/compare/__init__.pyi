from .comparison import Comparison, EvaluationSpec
from .participants import Participant
from .results import Results

__all__ = [
    "Comparison",
    "EvaluationSpec",
    "Participant",
    "Results",
]
