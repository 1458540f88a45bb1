from .advantages import Score, estimator
from .groups import Group, Trajectory, make_group, with_advantages
from .losses import Streams, policy_loss, total_loss

__all__ = [
    "Group",
    "Score",
    "Streams",
    "Trajectory",
    "estimator",
    "make_group",
    "policy_loss",
    "total_loss",
    "with_advantages",
]
