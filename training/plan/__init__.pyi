from .text import plan_text

__all__ = [
    "plan_text",
]
