"""Layout of the play window: the model's observation on the left; the task, the score and the keys on the right."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pygame
from numpy.typing import NDArray

Colour = tuple[int, int, int]

GROUND, PANEL, FIELD, EDGE = (20, 22, 26), (30, 33, 39), (40, 44, 52), (70, 76, 88)
TEXT, MUTED, TITLE = (232, 234, 238), (152, 160, 172), (255, 255, 255)
GOOD, BAD, WARN, ACCENT = (64, 160, 92), (190, 72, 72), (222, 164, 64), (110, 168, 254)
SIZE = (1120, 760)
"""Size of a new window in pixels."""
GAP = 20
BAR = 64
"""Height in pixels of the bottom line, which shows the input or the result."""


@dataclass(frozen=True)
class View:
    """Contents of the window."""

    title: str
    image: NDArray[np.uint8] | None
    """[H, W, 3], as given to a model."""
    feedback: str
    text: str
    told: str
    """Instructions and rules."""
    facts: tuple[tuple[str, str], ...]
    practice: bool
    keys: tuple[tuple[str, str], ...]
    """Key and action."""
    commands: tuple[tuple[str, str], ...]
    """Key and command."""
    typed: str | None
    """The answer so far, or None if a key plays at once."""
    hint: str
    """Text of the bottom line while there is no input."""
    warning: bool = False
    """True if `hint` asks for confirmation."""
    outcome: bool | None = None
    """Success of the episode once it has ended. `hint` gives details."""
    scroll: int = 0
    """Number of text lines scrolled past."""


@cache
def _font(size: int, face: str = "DejaVuSans") -> pygame.font.Font:
    pygame.font.init()
    return pygame.font.Font(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf", size)


MONO, BOLD = "DejaVuSansMono", "DejaVuSans-Bold"


def wrapped(text: str, font: pygame.font.Font, width: int) -> list[str]:
    """Return lines of at most `width` pixels, broken at spaces or inside long words. Lines that fit stay unchanged."""
    lines: list[str] = []
    for paragraph in text.replace("\0", "").expandtabs(4).split("\n"):
        while font.size(paragraph)[0] > width and len(paragraph) > 1:
            low, high = 1, len(paragraph)
            while low < high:  # as many letters as fit
                middle = (low + high + 1) // 2
                low, high = (middle, high) if font.size(paragraph[:middle])[0] <= width else (low, middle - 1)
            space = paragraph.rfind(" ", 1, low + 1)
            cut = space if space > 0 and paragraph[:space].strip() else low
            lines.append(paragraph[:cut])
            paragraph = paragraph[cut:].lstrip(" ")
        lines.append(paragraph)
    return lines


class _Pen:
    """Writer of text and keys down a column."""

    def __init__(self, surface: pygame.Surface, box: pygame.Rect) -> None:
        self.surface, self.box, self.y = surface, box, box.top

    def write(self, text: str, font: pygame.font.Font, colour: Colour, gap: int = 0) -> None:
        """Write wrapped text, then a gap in pixels."""
        for line in wrapped(text, font, self.box.width):
            self.surface.blit(font.render(line, True, colour), (self.box.left, self.y))
            self.y += font.get_linesize()
        self.y += gap

    def caps(self, grid: "_Grid") -> None:
        """Draw keys and their labels."""
        font = _font(grid.size)
        left = self.box.left
        for column in grid.columns:
            for row, (label, name) in enumerate(column.pairs):
                rect = pygame.Rect(left, self.y + row * grid.step, column.cap, font.get_linesize() + 4)
                pygame.draw.rect(self.surface, FIELD, rect, border_radius=5)
                pygame.draw.rect(self.surface, EDGE, rect, 1, border_radius=5)
                image = font.render(label, True, TEXT)
                self.surface.blit(image, image.get_rect(center=rect.center))
                self.surface.blit(font.render(name, True, TEXT), (rect.right + 8, rect.top + 2))
            left += column.width + 20
        self.y += grid.height


class _Column:
    """Keys in one column. `cap` and `width` are in pixels."""

    def __init__(self, pairs: tuple[tuple[str, str], ...], font: pygame.font.Font) -> None:
        self.pairs = pairs
        self.cap = max((font.size(label)[0] for label, _ in pairs), default=0) + 14
        self.width = self.cap + 8 + max((font.size(name)[0] for _, name in pairs), default=0)


class _Grid:
    """Keys in one column, or in two if there are `many` and both fit."""

    def __init__(self, pairs: tuple[tuple[str, str], ...], size: int, width: int, many: bool) -> None:
        font, half = _font(size), -(-len(pairs) // 2)
        two = [_Column(pairs[:half], font), _Column(pairs[half:], font)]
        fits = sum(column.width for column in two) + 20 <= width
        self.columns = two if many and fits else [_Column(pairs, font)]
        self.size, self.step = size, font.get_linesize() + (8 if size > 12 else 6)
        self.height = len(self.columns[0].pairs) * self.step


def draw(surface: pygame.Surface, view: View) -> int:
    """Draw the window and return the maximum number of lines that the text can be scrolled."""
    width, height = surface.get_size()
    surface.fill(GROUND)
    side = min(max(round(width * 0.42), 300), 420)
    left = pygame.Rect(GAP, GAP, width - side - 2 * GAP, height - BAR - 3 * GAP)
    most = _draw_observation(surface, left, view)
    _draw_bottom(surface, pygame.Rect(GAP, height - BAR - GAP, left.width, BAR), view)
    right = pygame.Rect(width - side, 0, side, height)
    pygame.draw.rect(surface, PANEL, right)
    _draw_panel(surface, right.inflate(-2 * GAP, -2 * GAP), view)
    return most


def _draw_observation(surface: pygame.Surface, box: pygame.Rect, view: View) -> int:
    """Draw the image and the text, and return the number of lines that do not fit."""
    words = [(line, WARN) for line in view.feedback.split("\n") if line]
    words += [(line, TEXT) for line in view.text.split("\n")] if view.text else []
    room = pygame.Rect(box)
    if view.image is not None:
        if words:
            room.height = min(box.height * 2 // 5, _height(words, box.width, 19) + GAP)
            room.bottom = box.bottom
        area = pygame.Rect(box.left, box.top, box.width, box.height - (room.height if words else 0))
        image = _enlarged(view.image, area.size)
        surface.blit(image, image.get_rect(center=area.center))
        room.top, room.height = room.top + GAP, room.height - GAP
    if not words:
        return 0
    short = _height(words, room.width, 34) <= room.height // 4
    size = next((size for size in (24, 21, 19, 17, 15) if _height(words, room.width, size) <= room.height), 15)
    size = 34 if short and view.image is None else size
    font = _font(size, MONO)
    lines = [(line, colour) for text, colour in words for line in wrapped(text, font, room.width)]
    fits = max(1, room.height // font.get_linesize())
    if len(lines) > fits:
        fits = max(1, fits - 1)
    most = max(0, len(lines) - fits)
    first = min(view.scroll, most)
    for row, (line, colour) in enumerate(lines[first : first + fits]):
        surface.blit(font.render(line, True, colour), (room.left, room.top + row * font.get_linesize()))
    if most:
        more = f"Page Up / Page Down: lines {first + 1} to {first + fits} of {len(lines)}"
        surface.blit(_font(14).render(more, True, ACCENT), (room.left, room.top + fits * font.get_linesize()))
    return most


def _height(words: list[tuple[str, Colour]], width: int, size: int) -> int:
    font = _font(size, MONO)
    return sum(len(wrapped(text, font, width)) for text, _ in words) * font.get_linesize()


def _enlarged(image: NDArray[np.uint8], room: tuple[int, int]) -> pygame.Surface:
    """Scale the image to the available space. Large factors are integers, so that pixels become exact blocks."""
    height, width = image.shape[:2]
    surface = pygame.image.frombuffer(image.tobytes(), (width, height), "RGB")
    factor = min(room[0] / width, room[1] / height)
    if factor >= 3:
        return pygame.transform.scale_by(surface, int(factor))
    return pygame.transform.smoothscale(surface, (max(1, int(width * factor)), max(1, int(height * factor))))


def _draw_bottom(surface: pygame.Surface, box: pygame.Rect, view: View) -> None:
    """Draw the bottom line: the result, the input or a hint."""
    colour = FIELD if view.outcome is None else GOOD if view.outcome else BAD
    pygame.draw.rect(surface, colour, box, border_radius=8)
    inside = box.inflate(-28, -8)
    if view.outcome is None and view.typed is not None:
        pygame.draw.rect(surface, ACCENT, box, 2, border_radius=8)
        font = _font(20, MONO)
        lines = wrapped(f"{view.typed}▏", font, inside.width) if view.typed else []
        for row, line in enumerate(lines[-2:]):  # the newest lines
            top = inside.centery - min(len(lines), 2) * font.get_linesize() // 2 + row * font.get_linesize()
            surface.blit(font.render(line, True, TITLE), (inside.left, top))
        if lines:
            return
    strong = view.outcome is not None
    size = next((size for size in (20, 17, 15, 13) if _font(size).size(view.hint)[0] <= inside.width), 13)
    image = _font(size, BOLD if strong else "DejaVuSans").render(
        view.hint, True, TITLE if strong else WARN if view.warning else MUTED
    )
    surface.blit(image, image.get_rect(midleft=inside.midleft), pygame.Rect(0, 0, inside.width, inside.height))


def _draw_panel(surface: pygame.Surface, box: pygame.Rect, view: View) -> None:
    """Draw the task, its state and the keys."""
    pen = _Pen(surface, box)
    pen.write(view.title, _font(26, BOLD), TITLE, 6)
    if view.practice:
        pen.write("Practice: this episode does not count", _font(16, BOLD), WARN, 6)
    font = _font(16)
    column = max((font.size(name)[0] for name, _ in view.facts), default=0) + 16
    for name, value in view.facts:
        surface.blit(font.render(name, True, MUTED), (box.left, pen.y))
        surface.blit(font.render(value, True, TEXT), (box.left + column, pen.y))
        pen.y += font.get_linesize() + 2
    pen.y += 14
    commands = _Grid(view.commands, 14, box.width, many=True)
    bottom = box.bottom - commands.height
    room = bottom - pen.y - 28
    words = {size: wrapped(view.told, _font(size), box.width) for size in (17, 15, 13, 12, 11)}
    tall = {size: len(lines) * _font(size).get_linesize() for size, lines in words.items()}
    grids = [_Grid(view.keys, size, box.width, many=len(view.keys) > 6) for size in (15, 14, 13, 12, 11)]
    grid = next((grid for grid in grids if grid.height + tall[13] <= room), grids[-1])
    size = next((size for size in tall if grid.height + tall[size] <= room), 11)
    if view.told:
        fit = max(1, (room - grid.height) // _font(size).get_linesize())
        lines = words[size] if len(words[size]) <= fit else [*words[size][: fit - 1], "…"]
        pen.write("\n".join(lines), _font(size), TEXT, 16)
    pen.caps(grid)
    pen.y = max(bottom, pen.y)
    pen.caps(commands)


def draw_help(surface: pygame.Surface, title: str, lines: list[str]) -> None:
    """Draw a panel with a title and paragraphs over the window."""
    width, height = surface.get_size()
    shade = pygame.Surface((width, height), pygame.SRCALPHA)
    shade.fill((0, 0, 0, 170))
    surface.blit(shade, (0, 0))
    head, across = _font(26, BOLD).get_linesize() + 14, min(width - 6 * GAP, 780)
    room = height - 5 * GAP - head
    heights = {s: sum(_paragraph(line, s, across) for line in lines) for s in (18, 16, 15, 14, 13, 12, 11)}
    size = next((s for s in heights if heights[s] <= room), 11)
    sheet = pygame.Rect(0, 0, across + 4 * GAP, min(head + heights[size], room + head) + 3 * GAP)
    sheet.center = (width // 2, height // 2)
    pygame.draw.rect(surface, PANEL, sheet, border_radius=12)
    pygame.draw.rect(surface, EDGE, sheet, 1, border_radius=12)
    inside = sheet.inflate(-4 * GAP, -3 * GAP)
    pen = _Pen(surface, inside)
    pen.write(title, _font(26, BOLD), TITLE, 14)
    for line in lines:
        pen.write(line, _font(size), TEXT, size // 2)


def _paragraph(text: str, size: int, width: int) -> int:
    return len(wrapped(text, _font(size), width)) * _font(size).get_linesize() + size // 2
