"""Charts drawn with matplotlib: bars, lines, pies and tables.

The module uses matplotlib's object interface, never pyplot, and ignores the user's settings. The pixels depend only on
the data, the size and the version of matplotlib.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from render.draw.canvas import Frame
from render.visual.themes import THEMES, Theme, readable

_SETTINGS = threading.Lock()
"""Lock on matplotlib's process-wide settings, which are changed for one chart at a time and then restored."""

INCHES = 3.2
"""Shorter side of every chart in inches. The frame size changes only the resolution."""


@dataclass(frozen=True)
class Series:
    """Values in rows (positions along the axis) and columns (series)."""

    title: str
    unit: str
    """Label of the value axis."""
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    """Names of the series. A legend lists them if there are several."""
    values: tuple[tuple[int, ...], ...]
    """[rows][columns]."""
    step: int
    """Distance between ticks of the value axis, which starts at 0."""
    halves: bool = False
    """Draw fine lines midway between the ticks."""
    labelled: bool = False
    """Write every value next to its mark."""
    theme: int = 0
    """Index into `THEMES`."""


@dataclass(frozen=True)
class Bars(Series):
    """A bar chart, grouped if there are several series."""

    horizontal: bool = False

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""

        def paint(figure: Any, theme: Theme) -> None:
            axes = figure.add_subplot()
            places = np.arange(len(self.rows))
            thick = 0.78 / len(self.columns)
            for index, name in enumerate(self.columns):
                values = [row[index] for row in self.values]
                at = places + (index - (len(self.columns) - 1) / 2) * thick
                # horizontal bars start at the top, in the order of the legend
                draw = axes.barh if self.horizontal else axes.bar
                bars = draw(at, values, thick * 0.92, color=theme.palette[index], label=name, zorder=3)
                if self.labelled:
                    axes.bar_label(bars, padding=1.5, fontsize=8, color=theme.ink, fontfamily=theme.font)
            if self.horizontal:
                axes.invert_yaxis()
            frame_axes(axes, theme, self, self.horizontal)
            names(axes, self.rows, theme, self.horizontal)

        return chart(height, width, self.theme, paint)


@dataclass(frozen=True)
class Lines(Series):
    """A line chart with a marker at each point."""

    marker: str = "o"
    """matplotlib marker code."""

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""

        def paint(figure: Any, theme: Theme) -> None:
            axes = figure.add_subplot()
            for index, name in enumerate(self.columns):
                values = [row[index] for row in self.values]
                style = ("-", "--", "-.", ":")[index]
                axes.plot(
                    values, style, marker=self.marker, color=theme.palette[index], lw=1.8, ms=4.5, label=name, zorder=3
                )
                if self.labelled:
                    for place, value in enumerate(values):
                        near = [*values[max(place - 1, 0) : place], *values[place + 1 : place + 2]]
                        before, after = near[0], near[-1]
                        below, aside = value < min(near), before < value < after or before > value > after
                        shift = (-3 if after > before else 3) if aside else 0  # keep the label off the line
                        axes.annotate(
                            str(value), (place, value), xytext=(shift, -5 if below else 4 if aside else 5),
                            textcoords="offset points", ha=("left", "center", "right")[1 - shift // 3],
                            va="top" if below else "bottom", fontsize=8, color=theme.ink, family=theme.font,
                        )  # fmt: skip
            frame_axes(axes, theme, self, False)
            axes.set_xlim(-0.35, len(self.rows) - 0.65)
            names(axes, self.rows, theme, False)
            axes.grid(axis="x", color=theme.grid, lw=0.6, zorder=1)

        return chart(height, width, self.theme, paint)


@dataclass(frozen=True)
class Pie:
    """A pie chart, clockwise from the top."""

    title: str
    names: tuple[str, ...]
    shares: tuple[int, ...]
    """Percentages that sum to 100."""
    written: tuple[bool, ...]
    """True for each share written in its slice. If any is True, the other slices show `?`."""
    ring: bool = False
    legend: bool = False
    """Show the names in a legend instead of next to the slices."""
    theme: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""

        def paint(figure: Any, theme: Theme) -> None:
            axes = figure.add_subplot()
            wedges, _texts = axes.pie(
                self.shares, colors=theme.palette, startangle=90, counterclock=False, labels=self.names,
                labeldistance=None if self.legend else 1.08, radius=1.0 if self.legend else 0.92,
                wedgeprops={"edgecolor": theme.paper, "linewidth": 1.5, "width": 0.55 if self.ring else None},
                textprops={"fontsize": 9, "color": theme.ink, "family": theme.font},
            )  # fmt: skip
            for wedge, share, written in zip(wedges, self.shares, self.written, strict=True):
                angle = math.radians((wedge.theta1 + wedge.theta2) / 2)
                reach = (0.73 if self.ring else 0.7) * wedge.r
                if any(self.written):
                    axes.text(
                        reach * math.cos(angle), reach * math.sin(angle), f"{share}%" if written else "?",
                        ha="center", va="center", fontsize=8.5, weight="bold", family=theme.font,
                        color=readable(wedge.get_facecolor()),
                    )  # fmt: skip
            if self.legend:
                legend(axes, theme, min(len(self.names), 3), wedges, self.names, gap=0)
            heading(axes, theme, self.title)

        return chart(height, width, self.theme, paint)


@dataclass(frozen=True)
class Table:
    """A table of text and numbers."""

    title: str
    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    """[rows][columns]. The first column holds names."""
    striped: bool = True
    theme: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""

        def paint(figure: Any, theme: Theme) -> None:
            axes = figure.add_axes((0.02, 0.02, 0.96, 0.86))
            axes.axis("off")
            longest = [max(len(line[k]) for line in (self.header, *self.cells)) + 2 for k in range(len(self.header))]
            table = axes.table(
                [self.header, *self.cells], colWidths=[length / sum(longest) for length in longest],
                cellLoc="center", bbox=(0, 0, 1, 1), edges="closed" if self.striped else "horizontal",
            )  # fmt: skip
            table.auto_set_font_size(False)
            size = min(10.0, 3.0 * 72 * width / min(height, width) / sum(longest) / 0.7)
            for (row, column), cell in table.get_celld().items():
                cell.set_edgecolor(theme.grid if theme.grid != theme.paper else theme.ink)
                cell.set_facecolor(theme.palette[0] if row == 0 else theme.plot if row % 2 else theme.paper)
                bold = "bold" if row == 0 or column == 0 else "normal"
                cell.set_text_props(fontsize=size, color=theme.ink, weight=bold, family=theme.font)
                if not self.striped:
                    cell.set_facecolor("none")
                elif row == 0:
                    cell.get_text().set_color(readable(cell.get_facecolor()))
            figure.text(
                0.5, 0.94, self.title, ha="center", va="center", fontsize=11, weight="bold", color=theme.ink,
                family=theme.font,
            )  # fmt: skip

        return chart(height, width, self.theme, paint, tight=False)


def chart(height: int, width: int, theme: int, paint: Callable[[Any, Theme], None], tight: bool = True) -> Frame:
    """Render a matplotlib figure into a frame.

    Args:
        height: height in pixels.
        width: width in pixels.
        theme: index into `THEMES`.
        paint: function that draws on the figure in the given theme.
        tight: apply matplotlib's tight layout.

    Returns:
        uint8 [height, width, 3].
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import, and only needed for charts
    from matplotlib.figure import Figure

    dpi = min(height, width) / INCHES
    with _SETTINGS, matplotlib.rc_context():
        matplotlib.rcdefaults()
        # a hundredth of a pixel extra, since the canvas drops fractional pixels
        figure = Figure(figsize=((width + 0.01) / dpi, (height + 0.01) / dpi), dpi=dpi, facecolor=THEMES[theme].paper)
        canvas = FigureCanvasAgg(figure)
        paint(figure, THEMES[theme])
        if tight:
            figure.tight_layout(pad=0.5)
        canvas.draw()
    frame = np.array(np.asarray(canvas.buffer_rgba())[..., :3])
    figure.clear()  # breaks reference cycles, so that memory is freed at once
    return frame


def frame_axes(axes: Any, theme: Theme, series: Series, horizontal: bool) -> None:
    """Add grid, ticks, labels, title and legend to the axes of a chart.

    Args:
        axes: matplotlib axes with the data.
        theme: theme of the chart.
        series: data of the chart.
        horizontal: values run along the x axis.
    """
    values, other = (axes.xaxis, axes.yaxis) if horizontal else (axes.yaxis, axes.xaxis)
    top = (max(max(row) for row in series.values) // series.step + 1) * series.step
    ticks = list(range(0, top + 1, series.step))
    room = top * (0.14 if horizontal else 0.05) if series.labelled else 0  # room for the label of the largest value
    (axes.set_xlim if horizontal else axes.set_ylim)(0, top + room)
    crowded = horizontal and len(ticks) * (len(str(top)) + 1) > 32
    values.set_ticks(ticks, [str(tick) if index % 2 == 0 or not crowded else "" for index, tick in enumerate(ticks)])
    if not series.labelled:
        if series.halves:
            values.set_ticks([tick + series.step / 2 for tick in ticks[:-1]], minor=True)
            values.grid(which="minor", color=theme.grid, lw=0.45, zorder=1)
        values.grid(color=theme.grid, lw=1.0, zorder=1)
    axes.set_axisbelow(True)
    axes.set_facecolor(theme.plot)
    axes.tick_params(which="both", length=0, labelsize=9, labelcolor=theme.ink, labelfontfamily=theme.font)
    for side, spine in axes.spines.items():
        spine.set_visible(side in theme.spines)
        spine.set_color(theme.ink)
    values.set_label_text(series.unit, fontsize=9, color=theme.ink, family=theme.font)
    other.set_tick_params(pad=2)
    heading(axes, theme, series.title)
    if len(series.columns) > 1:
        columns = len(series.columns) if sum(map(len, series.columns)) <= 21 else 2
        handles, labels = axes.get_legend_handles_labels()
        legend(axes, theme, columns, handles, labels, 0.34 if not horizontal and _slanted(series.rows) else 0.16)


def _slanted(rows: tuple[str, ...]) -> bool:
    """Return True if the names of the rows would overlap in one horizontal line."""
    return (max(map(len, rows)) + 1) * len(rows) >= 36


def heading(axes: Any, theme: Theme, title: str) -> None:
    """Write `title` above the matplotlib `axes` in the style of `theme`."""
    axes.set_title(title, fontsize=11, weight="bold", color=theme.ink, family=theme.font, pad=6)


def legend(axes: Any, theme: Theme, columns: int, handles: Any, labels: Any, gap: float = 0.16) -> None:
    """Add a legend below the plot.

    Args:
        axes: matplotlib axes.
        theme: theme of the chart.
        columns: number of columns of the legend.
        handles: matplotlib artists, one per entry.
        labels: names of the entries.
        gap: distance from the plot, as a fraction of its height.
    """
    axes.legend(
        handles, labels, loc="upper center", bbox_to_anchor=(0.5, -gap), ncols=columns, frameon=False,
        labelcolor=theme.ink, prop={"size": 8.5, "family": theme.font}, handlelength=1.6, columnspacing=1.2,
    )  # fmt: skip


def names(axes: Any, rows: tuple[str, ...], theme: Theme, horizontal: bool) -> None:
    """Write the names of the rows along their axis, slanted where they would overlap.

    Args:
        axes: matplotlib axes.
        rows: names of the rows.
        theme: theme of the chart.
        horizontal: names run along the y axis.
    """
    axis = axes.yaxis if horizontal else axes.xaxis
    slanted = not horizontal and _slanted(rows)
    turned = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    axis.set_ticks(range(len(rows)), rows, fontsize=9, color=theme.ink, family=theme.font, **turned)
