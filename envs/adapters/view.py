"""View: what a model receives in one turn."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class View:
    """What one seat receives in one turn."""

    content: list[dict[str, Any]]
    """Texts and images as content blocks of OpenAI's chat API. Images are PNG files in data URLs."""
    reward: float
    """Reward of the last reply; 0 after a reset."""
    done: bool
    """True if the episode is over."""
    facts: dict[str, Any]
    """Facts about the start, or about the last reply, such as `valid`, `success` and `ended`."""
