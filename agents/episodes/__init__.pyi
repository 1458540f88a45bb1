from .arena import Arena
from .episode import Ended, Episode, Start, Turn
from .jobs import Job, Player, Plays
from .policy import Policy, Seat
from .starts import TEST_FIRST, VALIDATION_FIRST, held_out_starts

__all__ = [
    "TEST_FIRST",
    "VALIDATION_FIRST",
    "Arena",
    "Ended",
    "Episode",
    "Job",
    "Player",
    "Plays",
    "Policy",
    "Seat",
    "Start",
    "Turn",
    "held_out_starts",
]
