from .episode import Ended, Episode, Start, Turn
from .policy import Policy, TurnContext
from .runner import EpisodeRunner
from .starts import TEST_FIRST, VALIDATION_FIRST, held_out_starts

__all__ = [
    "TEST_FIRST",
    "VALIDATION_FIRST",
    "Ended",
    "Episode",
    "EpisodeRunner",
    "Policy",
    "Start",
    "Turn",
    "TurnContext",
    "held_out_starts",
]
