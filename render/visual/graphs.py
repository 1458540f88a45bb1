"""Function graphs on an integer grid, drawn with matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from render.draw.canvas import Frame
from render.visual.charts import chart, legend
from render.visual.themes import Theme


@dataclass(frozen=True)
class Graphs:
    """Curves in the square from -span to span."""

    names: tuple[str, ...]
    curves: tuple[tuple[tuple[float, float], ...], ...]
    """Points of each curve, dense enough to look smooth. Parts outside the square are clipped."""
    span: int
    crossed: bool = True
    """Let the axes cross in the middle. Otherwise they are at the left and the bottom."""
    theme: int = 0

    def draw(self, height: int, width: int) -> Frame:
        """Draw the image: uint8 [height, width, 3]."""

        def paint(figure: Any, theme: Theme) -> None:
            axes = figure.add_subplot()
            axes.set_facecolor(theme.plot)
            axes.set_aspect("equal")
            lines = list(range(-self.span, self.span + 1))
            axes.hlines(lines, -self.span, self.span, colors=theme.grid, lw=0.7, zorder=1)
            axes.vlines(lines, -self.span, self.span, colors=theme.grid, lw=0.7, zorder=1)
            axes.axhline(0, color=theme.ink, lw=1.3, zorder=2)
            axes.axvline(0, color=theme.ink, lw=1.3, zorder=2)
            for index, (name, points) in enumerate(zip(self.names, self.curves, strict=True)):
                x, y = zip(*points, strict=True)
                axes.plot(x, y, ("-", "--", "-.")[index], color=theme.palette[index], lw=2.2, label=name, zorder=3)
            axes.set_xlim(-self.span, self.span)
            axes.set_ylim(-self.span, self.span)
            every = 1 if self.span <= 5 else 2
            ticks = [tick for tick in range(-self.span, self.span + 1) if tick % every == 0]
            for side, spine in axes.spines.items():
                spine.set_visible(not self.crossed and side in ("left", "bottom"))
                spine.set_color(theme.ink)
            if self.crossed:  # for the tick labels only, since the lines are already drawn
                axes.spines["left"].set_position("zero")
                axes.spines["bottom"].set_position("zero")
                ticks.remove(0)
            axes.set_xticks(ticks)
            axes.set_yticks(ticks)
            axes.tick_params(length=0, labelsize=8.5, labelcolor=theme.ink, labelfontfamily=theme.font, pad=2, zorder=4)
            if len(self.names) > 1:
                handles, labels = axes.get_legend_handles_labels()
                legend(axes, theme, len(self.names), handles, labels, gap=0.02 if self.crossed else 0.08)

        return chart(height, width, self.theme, paint)
