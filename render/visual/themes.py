"""Chart themes modelled on well-known plotting libraries, office programs and newspapers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours and font of a chart."""

    palette: tuple[str, ...]
    paper: str = "#ffffff"
    plot: str = "#ffffff"
    grid: str = "#d4d8de"
    ink: str = "#262a30"
    spines: tuple[str, ...] = ("bottom",)
    font: str = "DejaVu Sans"
    """Font family bundled with matplotlib."""


THEMES = (
    Theme(
        ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b"),
        grid="#cfcfcf", spines=("left", "right", "top", "bottom"),
    ),
    Theme(
        ("#e24a33", "#348abd", "#988ed5", "#777777", "#fbc15e", "#8eba42"),
        plot="#e5e5e5", grid="#ffffff", ink="#444444", spines=(),
    ),
    Theme(("#4472c4", "#ed7d31", "#a5a5a5", "#ffc000", "#70ad47", "#843c8c"), ink="#404040"),
    Theme(
        ("#008fd5", "#fc4f30", "#e5ae38", "#6d904f", "#8b8b8b", "#810f7c"),
        paper="#f0f0f0", plot="#f0f0f0", grid="#cbcbcb", spines=(),
    ),
    Theme(
        ("#01516c", "#d14f3e", "#00a2d9", "#7c260b", "#6794a7", "#ee8f71"),
        paper="#d5e4eb", plot="#d5e4eb", grid="#ffffff", ink="#1c2a33",
    ),
    Theme(
        ("#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3", "#937860"),
        plot="#eaeaf2", grid="#ffffff", spines=(),
    ),
    Theme(
        ("#268bd2", "#cb4b16", "#859900", "#d33682", "#b58900", "#6c71c4"),
        paper="#fdf6e3", plot="#fdf6e3", grid="#dcd5c2", ink="#4a5a61", spines=("left", "bottom"), font="DejaVu Serif",
    ),
    Theme(
        ("#8dd3c7", "#feffb3", "#b58be0", "#fa8174", "#5b8fd6", "#fdb462"),
        paper="#1c1f26", plot="#1c1f26", grid="#454a55", ink="#e8eaee", spines=("left", "bottom"),
    ),
    Theme(
        ("#8b1a1a", "#2f4b7c", "#c9a227", "#4f7942", "#6b4c7a", "#b5651d"),
        paper="#fffdf8", plot="#fffdf8", grid="#ddd8cc", spines=("left", "bottom"), font="DejaVu Serif",
    ),
)  # fmt: skip


def readable(colour: tuple[float, ...]) -> str:
    """Return black or white, whichever contrasts more with `colour` (RGB, 0 to 1)."""
    return "#15181c" if 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 0.55 else "#ffffff"
