from .base import Cluster, LearnerLost
from .local import LocalCluster

__all__ = [
    "Cluster",
    "LearnerLost",
    "LocalCluster",
]
