"""A sheet holds its images as they are."""

import numpy as np

from render.draw.contact_sheet import EDGE, GAP, NARROWEST, PAPER, Section, Tile, sheet


def picture(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def boxes(drawn: np.ndarray, level: int) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of the pixels with this level."""
    rows, columns = np.nonzero((drawn == level).all(axis=-1))
    return rows.min(), columns.min(), rows.max() + 1, columns.max() + 1


def test_images_are_unscaled_and_framed() -> None:
    drawn = sheet([Section("A", [Tile("one", picture(10, 20, 3)), Tile("two", picture(5, 30, 4))])], width=400)
    top, left, bottom, right = boxes(drawn, 3)
    assert (left, bottom - top, right - left) == (GAP, 10, 20)
    assert (drawn[top - 1, left] == EDGE).all()
    assert boxes(drawn, 4) == (top, 2 * GAP + NARROWEST, top + 5, 2 * GAP + NARROWEST + 30)
    assert drawn.shape[1] == 400 and (drawn[0] == PAPER).all()


def test_rows_wrap_and_sections_are_below_each_other() -> None:
    tiles = [Tile("", picture(10, NARROWEST, level)) for level in (1, 2, 3)]
    drawn = sheet([Section("A", tiles), Section("B", [Tile("", picture(10, 10, 4))])], width=2 * NARROWEST + 3 * GAP)
    tops = [boxes(drawn, level)[0] for level in (1, 2, 3, 4)]
    assert tops[0] == tops[1] < tops[2] < tops[3]  # two fit in a row


def test_a_sheet_is_as_wide_as_its_widest_image() -> None:
    assert sheet([Section("", [Tile("", picture(4, 300, 1))])], width=100).shape[1] == 300 + 2 * GAP


def test_captions_take_at_most_two_lines_each() -> None:
    def height(title: str, note: str) -> int:
        return sheet([Section("A", [Tile(title, picture(10, 10, 1), note)])]).shape[0]

    assert height("t", "") < height("t", "a note") < height("t", "a note " * 10) == height("t", "a note " * 40)
    assert height("name", "") < height("a_long_name_of_a_scenario_with_parts", "") == height("a_long_name_" * 9, "")
