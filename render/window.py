"""A window for people, opened only by render_mode="human"."""

import numpy as np
import pygame
from numpy.typing import NDArray


class Window:
    """Shows frames at a steady pace; it opens with the first one, in its size."""

    def __init__(self, fps: int, title: str = "Kickoff") -> None:
        self._fps, self._title = fps, title
        self._surface: pygame.Surface | None = None

    def show(self, frame: NDArray[np.uint8]) -> None:
        """Show a frame [H, W, 3], then wait for its time to pass."""
        size = (frame.shape[1], frame.shape[0])
        if self._surface is None:
            pygame.display.init()
            self._surface = pygame.display.set_mode(size)
            pygame.display.set_caption(self._title)
            self._clock = pygame.time.Clock()
        self._surface.blit(pygame.image.frombuffer(frame.tobytes(), size, "RGB"), (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Close it, if it is open."""
        if self._surface is not None:
            pygame.display.quit()
            self._surface = None
