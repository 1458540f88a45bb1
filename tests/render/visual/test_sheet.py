"""The visual suite's pictures, read back from their pixels."""

import gc
import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.axes
import numpy as np
import pytest
from PIL import Image

from envs.visual.env import FAMILIES
from render.visual.charts import Bars, Lines, Pie
from render.visual.clock import STYLES, Clocks
from render.visual.instruments import POINTER, Dial, Ruler, Scale, Tangle, Thermometers
from render.visual.shapes import Item, Shapes
from render.visual.sheet import COLOURS, LEGIBLE, SHAPES, Sheet, outline
from render.visual.themes import THEMES

GOLDEN = Path(__file__).parents[2] / "golden"
CHARTS = ("bar_chart", "line_chart", "pie_chart", "table", "function_graph")


def near(pixels: np.ndarray, colour: tuple[int, ...], within: int = 12) -> np.ndarray:
    """Where the pixels have this colour."""
    return np.abs(pixels.astype(int) - np.array(colour)).max(axis=-1) <= within


def filled(free: np.ndarray, start: tuple[int, int]) -> np.ndarray:
    """All that is reached from a pixel over free neighbours."""
    seen = np.zeros_like(free)
    edge = [start]
    while edge:
        y, x = edge.pop()
        if 0 <= y < free.shape[0] and 0 <= x < free.shape[1] and free[y, x] and not seen[y, x]:
            seen[y, x] = True
            edge += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return seen


def hexadecimal(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def test_shapes_are_counted_in_the_pixels() -> None:
    for seed in range(12):
        scene = FAMILIES["counting"](np.random.default_rng(seed), 0.5).scene
        assert isinstance(scene, Shapes)
        pixels = scene.draw(224, 224)
        for name, colour in COLOURS.items():
            if name == "black":
                continue  # the edges are nearly black
            mask, count = near(pixels, colour), 0
            for y, x in zip(*np.nonzero(mask), strict=True):
                if mask[y, x]:
                    patch = filled(mask, (int(y), int(x)))
                    count += patch.sum() > 12  # specks are mixed pixels of other edges
                    mask &= ~patch
            assert count == sum(item.colour == name for item in scene.items), (seed, name)


def test_shapes_that_cover_others_leave_most_of_them_in_sight() -> None:
    for seed in range(4):
        scene = FAMILIES["counting"](np.random.default_rng(seed), 1.0).scene
        assert isinstance(scene, Shapes)
        for index, item in enumerate(scene.items):
            red = replace(item, colour="red")
            above = [replace(other, colour="black") for other in scene.items[index + 1 :]]
            alone, covered = (
                near(Shapes((red, *others)).draw(150, 150), COLOURS["red"]).sum() for others in ((), tuple(above))
            )
            assert covered > 0.6 * alone, (seed, index)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_stay_within_their_radius_and_turn(shape: str) -> None:
    points = outline(shape, 0.5, 0.4, 0.2)
    assert max(math.dist(point, (0.5, 0.4)) for point in points) <= 0.2 * 1.2
    half = outline(shape, 0.5, 0.4, 0.2, math.pi)
    # half a turn: each point goes to the other side of the middle, (1.0 - x, 0.8 - y)
    assert np.allclose(half, [(1.0 - x, 0.8 - y) for x, y in points])


def test_a_disc_and_a_line_cover_their_areas() -> None:
    sheet = Sheet(100, 100, (255, 255, 255))
    sheet.disc(0.5, 0.5, 0.3, (0, 0, 0))
    # pi * 30^2 = 2827 black pixels
    assert (255 - sheet.frame()[..., 0].astype(int)).sum() / 255 == pytest.approx(2827, rel=0.02)
    sheet = Sheet(100, 160, (255, 255, 255))
    sheet.line((0.2, 0.5), (0.8, 0.5), 0.1, (0, 0, 0))
    frame = sheet.frame()
    # 60 x 10 and two half discs of radius 5: 600 + 78.5; the square stands in the middle, 30 pixels from each side
    assert (255 - frame[..., 0].astype(int)).sum() / 255 == pytest.approx(678.5, rel=0.03)
    assert frame[50, 46:114].max() == 0 and frame[50, :44].min() == frame[50, 116:].min() == 255


@pytest.mark.parametrize("style", [1, 2, 3])
def test_the_clock_is_read_back_from_its_hands(style: int) -> None:
    x, y = np.meshgrid(np.arange(224) + 0.5 - 112, np.arange(224) + 0.5 - 112)
    distance, turn = np.hypot(x, y) / (0.46 * 224), np.arctan2(x, -y) / (2 * np.pi)

    def direction(pixels: np.ndarray, colour: tuple[int, ...], low: float, high: float) -> float:
        """Where the pixels of a colour lie between two distances from the middle, in turns from twelve o'clock on."""
        mask = near(pixels, colour, 25) & (distance > low) & (distance < high)
        mean = np.exp(2j * np.pi * turn[mask]).mean()
        return float(np.angle(mean) / (2 * np.pi)) % 1

    for hour, minute in [(1, 0), (3, 7), (4, 41), (6, 30), (8, 59), (9, 15), (11, 23), (12, 1)]:
        pixels = Clocks(((hour, minute),), "none", style).draw(224, 224)
        assert round(direction(pixels, STYLES[style].minute, 0.5, 0.78) * 60) % 60 == minute
        read = direction(pixels, STYLES[style].hour, 0.3, 0.44) * 12
        assert (read - hour - minute / 60 + 6) % 12 - 6 == pytest.approx(0, abs=0.2)


def test_the_thermometer_is_read_back_from_its_column() -> None:
    scale = Scale(-10, 40, 2, 10)
    for value in (-8, 0, 14, 38):
        column = near(Thermometers(scale, (value,)).draw(400, 400), POINTER)[:, int(0.56 * 400)]
        top = int(np.nonzero(column)[0][0]) / 400
        # the marks of -10 and 40 are at 0.78 and 0.12 of the height
        assert (0.78 - top) / 0.66 * 50 - 10 == pytest.approx(value, abs=0.3)


def test_rulers_and_dials_are_read_back() -> None:
    row = near(Ruler(Scale(0, 100, 5, 10), 15, 60).draw(400, 400), COLOURS["blue"])[160]
    # 100 mm are 0.86 of the width: 45 mm are 154.8 pixels, and begin at (0.07 + 0.86 * 0.15) * 400 = 79.6
    assert (row.sum(), np.nonzero(row)[0][0]) == pytest.approx((154.8, 79.6), abs=1.5)
    y, x = np.nonzero(near(Dial(Scale(0, 100, 5, 10), 75, "kg").draw(400, 400), POINTER, 40))
    tip = np.argmax(np.hypot(x - 200, y - 212))
    # 75 of 100 is 270 * 0.75 - 135 = 67.5 degrees to the right of upright
    assert math.degrees(math.atan2(x[tip] - 200, 212 - y[tip])) == pytest.approx(67.5, abs=1)


def test_the_upper_line_cuts_the_lower_one_where_they_cross() -> None:
    pixels = Tangle(((0, 1), (1, 0)), ("red", "blue")).draw(300, 300)
    red, blue = near(pixels, COLOURS["red"]), near(pixels, COLOURS["blue"])
    # each starts on the left in its own half, and ends on the right in the other's
    assert [bool(mask[:150, :150].sum() > mask[150:, :150].sum()) for mask in (red, blue)] == [True, False]
    assert [bool(mask[:150, 150:].sum() > mask[150:, 150:].sum()) for mask in (red, blue)] == [False, True]
    assert red[147:153, 147:153].sum() == 0 < blue[147:153, 147:153].sum()


def test_a_users_settings_do_not_show_in_charts() -> None:
    scene = FAMILIES["line_chart"](np.random.default_rng(5), 0.5).scene
    before = scene.draw(100, 100)
    with matplotlib.rc_context({"axes.linewidth": 6.0, "xtick.major.pad": 20.0, "axes.facecolor": "red"}):
        assert np.array_equal(scene.draw(100, 100), before)
        assert matplotlib.rcParams["axes.linewidth"] == 6.0


def test_mazes_are_walked_through_the_pixels() -> None:
    for seed in range(8):
        puzzle = next(
            puzzle
            for puzzle in (FAMILIES["maze"](np.random.default_rng((seed, k)), seed / 8) for k in range(99))
            if "reached" in puzzle.text
        )
        scene: Any = puzzle.scene
        pixels = scene.draw(224, 224)
        cell = 0.94 * 224 / scene.rows
        free = pixels.max(axis=-1) > 110  # walls are dark in all channels
        places = {
            name: (int(0.03 * 224 + (row + 0.2) * cell), int(0.03 * 224 + (column + 0.5) * cell))
            for name, row, column in scene.letters
        }
        reached = filled(free, places.pop("S"))
        assert [name for name, place in places.items() if reached[place]] == [puzzle.answer]


def test_bars_are_as_long_as_their_values() -> None:
    for horizontal in (False, True):
        bars = Bars("Goals", "goals", ("A", "B", "C"), ("x",), ((10,), (25,), (40,)), 10, horizontal=horizontal)
        mask = near(bars.draw(336, 336), hexadecimal(THEMES[0].palette[0]), 3)
        lengths = sorted(set(mask.sum(axis=1 if horizontal else 0).tolist()) - {0})
        lengths = [
            max(group) for group in (lengths[:1], [n for n in lengths if n > 1.5 * lengths[0]][:1], lengths[-1:])
        ]
        # 10 : 25 : 40, to the pixel
        assert lengths[1] / lengths[0] == pytest.approx(2.5, rel=0.05)
        assert lengths[2] / lengths[1] == pytest.approx(1.6, rel=0.03)


@pytest.mark.slow
def test_unwritten_values_can_be_read_off_the_bars_exactly() -> None:
    read = 0
    for seed in range(24):
        bars = FAMILIES["bar_chart"](np.random.default_rng(seed), 0.5 + seed / 48).scene
        assert isinstance(bars, Bars)
        pixels = bars.draw(224, 224)
        if bars.labelled or min(map(min, bars.values)) * 10 < max(map(max, bars.values)):
            continue  # a number in the bar's way, or a bar too flat to be told from the key in the legend
        if bars.horizontal:
            pixels = pixels.transpose(1, 0, 2)[::-1]  # turned, so that the bars stand
        found = []  # series, place, foot and length of each patch of the series' colours
        for index in range(len(bars.columns)):
            mask = near(pixels, hexadecimal(THEMES[bars.theme].palette[index]), 3)
            for y, x in zip(*np.nonzero(mask), strict=True):
                if mask[y, x]:
                    patch = filled(mask, (int(y), int(x)))
                    mask &= ~patch
                    rows, columns = np.nonzero(patch)
                    found.append((index, int(columns.min()), int(rows.max()), int(np.ptp(rows)) + 1))
        foot = max(found, key=lambda patch: patch[3])[2]
        standing = sorted(patch for patch in found if abs(patch[2] - foot) <= 1)
        lengths = [
            [length for series, _, _, length in standing if series == index] for index in range(len(bars.columns))
        ]
        longest, largest = max(map(max, lengths)), max(map(max, bars.values))
        unit = bars.step / 2 if bars.halves else bars.step
        values = [[round(length * largest / longest / unit) * unit for length in column] for column in lengths]
        assert values == [list(column) for column in zip(*bars.values, strict=True)], seed
        read += 1
    assert read >= 8


def test_slices_are_as_large_as_their_shares() -> None:
    pie = Pie("Votes", ("A", "B", "C", "D"), (10, 20, 30, 40), (False,) * 4, legend=False, theme=0)
    pixels = pie.draw(336, 336)
    areas = np.array([near(pixels, hexadecimal(colour), 3).sum() for colour in THEMES[0].palette[:4]])
    assert np.allclose(areas / areas.sum(), [0.1, 0.2, 0.3, 0.4], atol=0.01)


@pytest.mark.parametrize("theme", range(len(THEMES)))
def test_series_can_be_told_apart(theme: int) -> None:
    colours = [np.array(hexadecimal(colour), float) for colour in THEMES[theme].palette]
    assert len(colours) == 6
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(colours, 2)) > 45
    for ground in (THEMES[theme].paper, THEMES[theme].plot):
        assert min(float(np.linalg.norm(colour - np.array(hexadecimal(ground)))) for colour in colours) > 90


@pytest.mark.slow
@pytest.mark.parametrize("family", CHARTS)
def test_nothing_is_cut_off_at_the_edge(family: str) -> None:
    for seed in range(12):
        scene: Any = FAMILIES[family](np.random.default_rng(seed), seed / 11).scene
        pixels = scene.draw(224, 224).astype(int)
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        paper = np.array(hexadecimal(THEMES[scene.theme].paper))
        assert np.abs(edge - paper).max() <= 3, seed


@pytest.mark.parametrize("family", FAMILIES)
def test_sheets_equal_the_golden_images(family: str) -> None:
    pixels = FAMILIES[family](np.random.default_rng(2026), 0.6).scene.draw(160, 160)
    golden = np.asarray(Image.open(GOLDEN / f"visual_{family}.png"))
    difference = np.abs(pixels.astype(int) - golden)
    if family in CHARTS:  # matplotlib's letters may move by a part of a pixel between versions
        assert difference.mean() < 2
    else:
        assert difference.max() == 0


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_picture_again_and_at_any_size(family: str) -> None:
    scene = FAMILIES[family](np.random.default_rng(7), 1.0).scene
    for size in ((48, 48), (101, 150), (150, 101)):
        pixels = scene.draw(*size)
        assert pixels.shape == (*size, 3) and pixels.dtype == np.uint8
        assert np.array_equal(pixels, scene.draw(*size))
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 10


@pytest.mark.slow
def test_nothing_stays_of_a_chart_that_is_drawn() -> None:
    def held() -> int:
        gc.collect()
        return len(gc.get_objects())

    pie = Pie("Votes", ("A", "B"), (40, 60), (False, False))  # the quickest chart: all of them go the same way
    for _ in range(5):
        pie.draw(48, 48)
    before = held()
    for _ in range(30):
        pie.draw(48, 48)
    assert held() - before < 100  # a figure that stays is 170 objects


def test_letters_have_a_legible_size_in_small_images() -> None:
    def height(least: int) -> int:
        sheet = Sheet(84, 84)
        sheet.text("E", 0.5, 0.5, 0.05, least=least)
        rows, _ = np.nonzero(sheet.frame()[..., 1] < 200)
        return int(rows.max() - rows.min()) + 1

    assert (height(5), height(LEGIBLE)) == (3, 6)  # pixels


def test_the_labels_of_a_line_chart_are_off_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = []
    annotate = matplotlib.axes.Axes.annotate

    def recorded(self: Any, text: str, *args: Any, **kwargs: Any) -> Any:
        sides.append((text, kwargs["va"]))
        return annotate(self, text, *args, **kwargs)

    monkeypatch.setattr(matplotlib.axes.Axes, "annotate", recorded)
    Lines("", "", ("a", "b", "c"), ("x",), ((10,), (90,), (50,)), 10, labelled=True).draw(112, 112)
    # below the start of a rise, above a peak, below the end of a fall
    assert sides == [("10", "top"), ("90", "bottom"), ("50", "top")]


def test_items_are_drawn_where_they_are_said_to_be() -> None:
    pixels = Shapes((Item("red", "circle", 0.25, 0.75, 0.1),)).draw(200, 200)
    y, x = np.nonzero(near(pixels, COLOURS["red"]))
    # a quarter of 200 from the left, three quarters from the top
    assert (x.mean(), y.mean()) == pytest.approx((49.5, 149.5), abs=1)
