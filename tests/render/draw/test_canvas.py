import os
import subprocess
import sys

import numpy as np
import pygame
import pytest

from render.draw.canvas import Canvas, Ink, font, text_image

RED = (200, 40, 30)
WHITE = (255, 255, 255)


def test_a_disc_covers_its_area() -> None:
    ink = Ink(21, 21)
    ink.disc(10.5, 10.5, 6, RED)
    # the coverage adds up to the area of the disc: pi r^2 = 113.1 pixels
    assert float(ink.alpha.sum()) == pytest.approx(np.pi * 36, rel=0.01)
    pixels = ink.pixels((0, 100, 0))
    assert pixels[10, 10].tolist() == [200, 40, 30]
    assert pixels[0, 0].tolist() == [0, 100, 0]


def test_half_covered_pixels_are_half_mixed() -> None:
    ink = Ink(8, 8)
    ink.rectangle(2, 2, 4.5, 6, WHITE)
    row = ink.pixels((0, 0, 0))[4, :, 0]
    assert row.tolist() == [0, 0, 255, 255, 128, 0, 0, 0]


def test_opacity_is_the_over_operator() -> None:
    ink = Ink(4, 4)
    ink.rectangle(-4, -4, 8, 8, (100, 100, 100))
    ink.rectangle(-4, -4, 8, 8, (200, 0, 0), opacity=0.25)
    # 0.75 * 100 + 0.25 * (200, 0, 0) = (125, 75, 75)
    assert ink.pixels()[1, 1].tolist() == [125, 75, 75]
    assert float(ink.alpha[1, 1]) == pytest.approx(1)


def test_a_ring_leaves_its_middle_and_dashes_leave_gaps() -> None:
    whole, dashed = Ink(31, 31), Ink(31, 31)
    whole.ring(15.5, 15.5, 10, 2, RED)
    dashed.ring(15.5, 15.5, 10, 2, RED, dashes=6)
    assert whole.alpha[15, 15] == 0
    assert whole.alpha[15, 25] > 0.9
    assert 0.5 < float(dashed.alpha.sum() / whole.alpha.sum()) < 0.85


def test_a_ring_is_cut_to_its_box() -> None:
    ink = Ink(31, 31)
    ink.ring(15.5, 15.5, 10, 2, RED, box=(0, 0, 15, 31))
    assert ink.alpha[15, 5] > 0.9
    assert ink.alpha[15, 25] == 0


def test_a_line_tapers() -> None:
    ink = Ink(20, 40)
    ink.line((5, 10), (35, 10), 8, RED, end_width=2)
    columns = ink.alpha.sum(axis=0)
    assert columns[6] == pytest.approx(7.8, abs=0.5)
    assert columns[34] == pytest.approx(2.2, abs=0.5)


def test_shapes_outside_the_sheet_change_nothing() -> None:
    ink = Ink(5, 5)
    ink.disc(50, 50, 3, RED)
    ink.rectangle(-20, 0, -10, 5, RED)
    ink.line((9, 9), (20, 20), 1, RED)
    assert not ink.alpha.any()


def test_a_sprite_keeps_its_place_when_it_is_cut() -> None:
    ink = Ink(21, 31)
    ink.disc(20.5, 12.5, 4, RED)
    image, left, top = ink.sprite(15, 10)
    assert (left, top) == (16 - 15, 8 - 10)
    frame = np.zeros((40, 40, 3), np.uint8)
    Canvas(frame).surface.blit(image, (15 + left, 10 + top))
    assert frame[12, 20].tolist() == [200, 40, 30]
    assert frame[12, 26].tolist() == [0, 0, 0]


def test_a_canvas_shares_its_memory() -> None:
    frame = np.zeros((6, 9, 3), np.uint8)
    Canvas(frame).surface.fill((1, 2, 3), (4, 2, 2, 2))
    assert frame[2, 4].tolist() == [1, 2, 3]
    assert frame[1, 4].tolist() == [0, 0, 0]


def test_text_is_drawn_where_it_is_asked_for() -> None:
    frames = {anchor: np.zeros((20, 100, 3), np.uint8) for anchor in ("left", "centre", "right")}
    widths = {a: Canvas(frame).text("goal", (50, 10), 16, WHITE, a) for a, frame in frames.items()}
    assert widths["left"] == text_image("goal", 16, WHITE).get_width()
    ink = {a: np.flatnonzero(frame.any(axis=(0, 2))) for a, frame in frames.items()}
    assert ink["left"].min() >= 50
    assert ink["right"].max() < 50
    assert ink["centre"].min() < 50 < ink["centre"].max()


def test_text_is_kept() -> None:
    assert text_image("0:12", 15, WHITE) is text_image("0:12", 15, WHITE)
    assert font(15) is font(15)


@pytest.mark.slow
def test_no_display_and_no_window_are_needed() -> None:
    code = (
        "import render.football.camera, pygame; from render.draw.canvas import Ink, text_image;"
        "Ink(9, 9).disc(4, 4, 2, (1, 2, 3)); text_image('x', 12, (1, 2, 3));"
        "print(pygame.display.get_init(), 'SDL_VIDEODRIVER' in __import__('os').environ)"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"  # and no word of pygame's about itself


def test_text_outlives_a_pygame_quit() -> None:
    """Other people's envs call it when they close."""
    before = text_image("one line", 15, (255, 255, 255)).get_size()
    pygame.quit()
    assert text_image("another line", 15, (255, 255, 255)).get_height() == before[1]
    pygame.font.init()
    pygame.quit()
    pygame.font.init()
    assert text_image("a third line", 15, (255, 255, 255)).get_height() == before[1]
