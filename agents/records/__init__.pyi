from .films import film
from .record import as_record

__all__ = [
    "as_record",
    "film",
]
