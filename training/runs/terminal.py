"""Lines and tables that fit the width of a terminal."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

SEPARATOR = " · "
GAP = 2
"""Number of blanks between the columns of a table."""
LEAST = 12
"""Minimum width of a folded first column. A table that needs more is printed row by row."""
BAR = 12
"""Width of a progress bar."""


def duration(seconds: float) -> str:
    """Format seconds in at most eight characters: `45 s`, `12 min` or `3 h 05 m`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} m"


def cut(text: str, width: int) -> str:
    """Return a text that is cut to a width, with an ellipsis."""
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"


def joined(parts: Sequence[str], width: int) -> list[str]:
    """Join texts with separators, in as many lines as the width needs."""
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]}{SEPARATOR}{part}" if lines else ""
        if longer and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


@dataclass
class Row:
    """Progress of one activity, as a line that always has the name, the count and the time."""

    name: str
    total: int
    done: int = 0
    state: list[str] = field(default_factory=list)
    """Further figures. The last ones are left out if the line is too long."""
    resumed: int = -1
    """Number that was done at the start."""
    started: float = field(default_factory=lambda: time.monotonic())
    updated: float = 0.0
    first: tuple[int, float] | None = None
    """Number and time of the first update."""

    def __post_init__(self) -> None:
        """Take the current number as the start."""
        self.resumed = self.done

    def update(self, done: int, state: list[str]) -> None:
        """Set the number that is done, and the figures."""
        if done != self.done:
            self.updated = time.monotonic()
            self.first = self.first or (done, self.updated)
        self.done, self.state = done, state

    @property
    def time(self) -> str:
        """Time left, by the mean pace so far. Elapsed time at the start and at the end."""
        now = time.monotonic()
        if self.done >= self.total:
            return duration(self.updated - self.started)
        if self.done <= self.resumed:
            return f"{duration(now - self.started)} so far"
        first, began = self.first or (self.resumed, self.started)
        if self.done == first:  # the first one may include a validation and the warm-up of the engine
            first, began = self.resumed, self.started
        pace = (self.updated - began) / (self.done - first)
        return f"{duration(max(0.0, pace * (self.total - self.done) - (now - self.updated)))} left"

    def text(self, width: int | None = None) -> str:
        """Return the line, cut to a width. None: all figures, without a bar."""
        fixed = f"{self.done:,}/{self.total:,}{SEPARATOR}{self.time}"
        if width is None:
            return SEPARATOR.join([f"{self.name} {fixed}", *self.state])
        line = f"{cut(self.name, max(1, width - cell_len(fixed) - 1))} {fixed}"
        for part in self.state:
            if cell_len(line) + len(SEPARATOR) + cell_len(part) > width:
                return line
            line += SEPARATOR + part
        if cell_len(line) + BAR + 1 > width:
            return line
        whole = round(BAR * min(1.0, self.done / max(1, self.total)))
        blanks = " " * (width - BAR - cell_len(line))
        return f"{line}{blanks}{'━' * whole}{'─' * (BAR - whole)}"


class Rows(list[Row]):
    """Rows as a live display. Only the last ones are shown if there is too little room."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield a line for each row."""
        for row in self[-max(1, console.height - 3) :]:
            yield Text(row.text(options.max_width), no_wrap=True, overflow="crop")


def print_table(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "", num_dim: int = 0
) -> None:
    """Print a table with a left-aligned first column. Without enough room, each row takes several lines.

    Args:
        console: Console to print to.
        columns: Column titles.
        rows: Cells of each row.
        title: Title above the table.
        num_dim: Number of trailing rows that are muted, after a line.
    """
    if title:
        for line in joined(title.split(SEPARATOR), console.width):
            console.print(line, style="bold")
        console.print()
    widths = [max(cell_len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]
    others = sum(widths[1:]) + GAP * (len(columns) - 1)
    first = min(widths[0], console.width - others)
    first_dim = len(rows) - num_dim
    if first < min(widths[0], LEAST):
        for number, row in enumerate(rows):
            console.print(row[0], style="dim bold" if number >= first_dim else "bold")
            pairs = [f"{name} {cell}" for name, cell in zip(columns[1:], row[1:], strict=True) if cell]
            for line in joined(pairs, console.width - GAP):
                console.print(" " * GAP + line, style="dim" if number >= first_dim else "")
        return
    widths[0] = first
    rule = "─" * (first + others)
    console.print(_line(columns, widths), style="bold", no_wrap=True)
    console.print(rule, style="dim", no_wrap=True)
    for number, row in enumerate(rows):
        if number == first_dim and number:
            console.print(rule, style="dim", no_wrap=True)
        for line in _folded(row, widths):
            console.print(line, style="dim" if number >= first_dim else "", no_wrap=True)


def _folded(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Yield the lines of a row, with the first cell folded to its width."""
    left = row[0]
    piece = set_cell_size(left, widths[0]) if cell_len(left) > widths[0] else left
    yield _line([piece, *row[1:]], widths)
    while left := left[len(piece.rstrip()) :] if cell_len(left) > widths[0] else "":
        piece = set_cell_size(left, widths[0]) if cell_len(left) > widths[0] else left
        yield piece


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return cells as one line: the first one to the left, the others to the right."""
    padded = [cells[0] + " " * (widths[0] - cell_len(cells[0]))]
    padded += [" " * (width - cell_len(cell)) + cell for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return (" " * GAP).join(padded).rstrip()
