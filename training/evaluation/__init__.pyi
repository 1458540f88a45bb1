from .measure import held_out, validate
from .statistics import success_rate

__all__ = [
    "held_out",
    "success_rate",
    "validate",
]
