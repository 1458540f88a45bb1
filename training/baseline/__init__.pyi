from .config import BaselineConfig
from .policy import BaselinePolicy, load_baseline

__all__ = [
    "BaselineConfig",
    "BaselinePolicy",
    "load_baseline",
]
