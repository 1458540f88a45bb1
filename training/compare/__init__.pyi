from .contest import Contest, How
from .entrants import Entrant
from .results import Results

__all__ = [
    "Contest",
    "Entrant",
    "How",
    "Results",
]
