"""A page holds a text, in letters as large as fit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from render.draw.canvas import text_image
from render.draw.page import INK, PAPER, SIZES, page, wrapped


def ink_rows(frame: np.ndarray) -> int:
    """Rows that hold ink."""
    return int((frame.min(axis=(1, 2)) < 128).sum())


def test_a_short_text_is_large() -> None:
    short, long = page("47+38=", (336, 336)), page("word " * 200, (336, 336))
    assert short.shape == long.shape == (336, 336, 3)
    assert 10 <= ink_rows(short) <= SIZES[0]  # one line of the largest letters
    assert ink_rows(long) > 100
    assert (page("", (40, 60)) == PAPER).all()


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    lines = page("word " * 3000, (100, 100))
    same = page("word " * 799, (100, 100))
    np.testing.assert_array_equal(lines, same)  # both overflow
    assert ink_rows(lines) > 30


@given(st.text(alphabet="ab cd\nWWW", max_size=120), st.integers(20, 200))
def test_nothing_is_lost_or_too_wide(text: str, width: int) -> None:
    lines = wrapped(text, 12, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) == 1 or text_image(line, 12, INK).get_width() <= width for line in lines if line)
