"""Desktop windows: one that shows frames (render_mode="human") and one for interactive play."""

import os
import sys

import numpy as np
import pygame
from numpy.typing import NDArray


class Window:
    """A window that shows frames at a fixed rate. It opens with the first frame, at the size of that frame."""

    def __init__(self, fps: int, title: str = "Kickoff") -> None:
        self._fps, self._title = fps, title
        self._surface: pygame.Surface | None = None

    def show(self, frame: NDArray[np.uint8]) -> None:
        """Show a frame [H, W, 3], then wait for the frame interval."""
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
        """Close the window if it is open."""
        if self._surface is not None:
            pygame.display.quit()
            self._surface = None


class KeyWindow:
    """A window for interactive play. Callers draw on its surface and wait for its events."""

    def __init__(self, size: tuple[int, int]) -> None:
        """Open the window at `size` (width, height) pixels, at most the size of the display.

        Raises:
            ValueError: no display is available.
        """
        _need_a_display()
        try:
            pygame.display.init()
            (width, height), *_ = pygame.display.get_desktop_sizes()
            pygame.display.set_mode((min(size[0], width), min(size[1], height)), pygame.RESIZABLE)
        except pygame.error as error:
            raise ValueError(_no_display(str(error))) from error

    @property
    def surface(self) -> pygame.Surface:
        """Surface to draw on. Resizing the window replaces it."""
        return pygame.display.get_surface()

    def show(self, title: str) -> None:
        """Show the drawn surface and set the window title."""
        pygame.display.flip()
        pygame.display.set_caption(title)

    def wait(self) -> pygame.event.Event:
        """Return the next event, or an empty event after 200 ms so that Ctrl-C in the terminal works."""
        return pygame.event.wait(200)

    def close(self) -> None:
        """Close the window."""
        pygame.display.quit()


def _need_a_display() -> None:
    """Raise ValueError where SDL would silently draw off-screen."""
    driver = os.environ.get("SDL_VIDEODRIVER", "")
    if driver in ("dummy", "offscreen"):
        raise ValueError(_no_display(f"SDL_VIDEODRIVER={driver}"))
    if sys.platform != "linux" or driver:
        return
    if not os.environ.get("WAYLAND_DISPLAY"):
        if not os.environ.get("DISPLAY"):
            raise ValueError(_no_display("DISPLAY is not set"))
        os.environ["SDL_VIDEODRIVER"] = "x11"  # otherwise SDL falls back to an off-screen driver


def _no_display(why: str) -> str:
    return f"no display: {why}; play on a machine with a desktop, or under xvfb-run"
