from .collector import Collected, Collector
from .mixture import Mixture

__all__ = [
    "Collected",
    "Collector",
    "Mixture",
]
