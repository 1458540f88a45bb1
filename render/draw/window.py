"""Windows for people: one that shows frames (render_mode="human"), and one to play in, which gives keys back."""

import os
import sys

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


class KeyWindow:
    """A window that a person plays in: others draw on its surface, and it waits for keys."""

    def __init__(self, size: tuple[int, int]) -> None:
        """Open it, `size` (width, height) or as much of it as the display has; ValueError where there is no display."""
        _need_a_display()
        try:
            pygame.display.init()
            (width, height), *_ = pygame.display.get_desktop_sizes()
            pygame.display.set_mode((min(size[0], width), min(size[1], height)), pygame.RESIZABLE)
        except pygame.error as error:
            raise ValueError(_no_display(str(error))) from error

    @property
    def surface(self) -> pygame.Surface:
        """What is drawn on; another one after the window's size has changed."""
        return pygame.display.get_surface()

    def show(self, title: str) -> None:
        """Show what was drawn, under this title."""
        pygame.display.flip()
        pygame.display.set_caption(title)

    def wait(self) -> pygame.event.Event:
        """The next event; now and then one of no type, so that a person at the terminal can stop the program."""
        return pygame.event.wait(200)

    def close(self) -> None:
        """Close it."""
        pygame.display.quit()


def _need_a_display() -> None:
    """ValueError where SDL would draw into nothing, without a word."""
    driver = os.environ.get("SDL_VIDEODRIVER", "")
    if driver in ("dummy", "offscreen"):
        raise ValueError(_no_display(f"SDL_VIDEODRIVER={driver}"))
    if sys.platform != "linux" or driver:
        return
    if not os.environ.get("WAYLAND_DISPLAY"):
        if not os.environ.get("DISPLAY"):
            raise ValueError(_no_display("DISPLAY is not set"))
        os.environ["SDL_VIDEODRIVER"] = "x11"  # or SDL would look on, and in the end draw into nothing


def _no_display(why: str) -> str:
    return f"no display: {why}; play on a machine with a desktop, or under xvfb-run"
