"""A sheet holds its pictures as they are."""

import numpy as np

from render.draw.contact_sheet import GAP, LINE, Row, sheet
from render.draw.page import PAPER


def picture(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_pictures_lie_below_their_title() -> None:
    drawn = sheet([Row("One", [picture(10, 20, 3), picture(5, 30, 4)])], width=200)
    assert drawn.shape == (GAP + LINE + 10 + GAP, 200, 3)
    top = GAP + LINE
    assert (drawn[top : top + 10, GAP : GAP + 20] == 3).all()
    assert (drawn[top : top + 5, GAP + 20 + GAP : GAP + 20 + GAP + 30] == 4).all()
    assert (drawn[top + 5, GAP + 20 + GAP] == PAPER).all()
    assert (drawn[:top] != PAPER).any()  # the title


def test_rows_wrap_and_stand_below_each_other() -> None:
    wrapped = sheet([Row("", [picture(10, 60, 1)] * 3)], width=160)  # two fit: 12 + 60 + 12 + 60 + 12
    assert wrapped.shape == (GAP + LINE + 2 * (10 + GAP), 160, 3)
    two = sheet([Row("", [picture(10, 60, 1)]), Row("", [picture(10, 60, 1)])], width=150)
    assert two.shape == (2 * (GAP + LINE + 10 + GAP), 150, 3)


def test_a_sheet_is_as_wide_as_its_widest_picture() -> None:
    assert sheet([Row("", [picture(4, 300, 1)])], width=100).shape[1] == 300 + 2 * GAP


def test_notes_wrap() -> None:
    short = sheet([Row("t", [], "a note")], width=300)
    long = sheet([Row("t", [], "a note " * 40)], width=300)
    assert short.shape[0] == GAP + 2 * LINE + GAP
    assert long.shape[0] > short.shape[0] + 3 * LINE


def test_an_empty_sheet_is_paper() -> None:
    assert (sheet([], width=50) == PAPER).all()
