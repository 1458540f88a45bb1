from .table import FAMILIES, Family

__all__ = [
    "FAMILIES",
    "Family",
]
