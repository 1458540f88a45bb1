"""A window for people, opened only by render_mode="human"."""

import numpy as np
import pygame
from numpy.typing import NDArray


class Window:
    """Shows frames at a steady pace."""

    def __init__(self, size: tuple[int, int], title: str, fps: int) -> None:
        pygame.display.init()
        self._surface = pygame.display.set_mode((size[1], size[0]))
        pygame.display.set_caption(title)
        self._clock = pygame.time.Clock()
        self._fps = fps

    def show(self, frame: NDArray[np.uint8]) -> None:
        """Show a frame [H, W, 3], then wait for its time to pass."""
        image = pygame.image.frombuffer(frame.tobytes(), (frame.shape[1], frame.shape[0]), "RGB")
        self._surface.blit(image, (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Close it."""
        pygame.display.quit()
