"""Image codec of models without images: every image is refused."""

from collections.abc import Sequence
from typing import NoReturn

from torch import Tensor

from agents.chat.images import Frame
from agents.chat.types import NO_TOKENS, Ids


class TextOnly:
    """Codec of models that read text only. It has no placeholder, and its methods refuse every image."""

    image_token = -1
    collapsed = NO_TOKENS

    def check(self, h: int, w: int) -> NoReturn:
        """Raise ValueError."""
        raise ValueError(f"the model reads text only, got an image of {h}x{w}")

    def fit(self, frame: Frame) -> Frame:
        """Raise ValueError."""
        self.check(*frame.shape[:2])

    def tokens(self, h: int, w: int) -> Ids:
        """Raise ValueError."""
        self.check(h, w)

    def visual_tokens(self, h: int, w: int) -> int:
        """Raise ValueError."""
        self.check(h, w)

    def patches(self, h: int, w: int) -> int:
        """Raise ValueError."""
        self.check(h, w)

    def pixels(self, frames: Sequence[Frame]) -> dict[str, Tensor]:
        """Raise ValueError."""
        self.check(*frames[0].shape[:2])

    def spans(self, tokens: Ids) -> list[tuple[int, int]]:
        """Return no spans."""
        return []
