from .advantages import ESTIMATORS, Score
from .groups import Group, Trajectory
from .losses import LOSSES, Streams, total_loss

__all__ = [
    "ESTIMATORS",
    "LOSSES",
    "Group",
    "Score",
    "Streams",
    "Trajectory",
    "total_loss",
]
