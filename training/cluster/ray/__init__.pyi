from .cluster import RayCluster

__all__ = [
    "RayCluster",
]
