"""Pictures are fitted into a size without changing their shape, and encoded without changing their pixels."""

import io

import numpy as np
import pytest
from PIL import Image

from render.draw.images import fit, png


def test_the_same_size_is_a_copy() -> None:
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    fitted = fit(image, (4, 4))
    np.testing.assert_array_equal(fitted, image)
    fitted[:] = 0
    assert image.max() == 47


def test_fit_to_a_smaller_size_averages() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2, :2] = (100, 0, 0)
    image[0, 0] = (200, 0, 0)
    assert fit(image, (2, 2))[:, :, 0].tolist() == [[125, 0], [0, 0]]  # (200 + 3 · 100) / 4


def test_enlarging_repeats_pixels_between_bars() -> None:
    image = np.array([[[10, 0, 0], [20, 0, 0]]], np.uint8)  # 1x2 into 6x4: 2x4, rows 2 and 3
    assert fit(image, (6, 4))[:, :, 0].tolist() == [[0] * 4] * 2 + [[10, 10, 20, 20]] * 2 + [[0] * 4] * 2


@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (84, 84), (83, 85), (3, 2)])
def test_fit_of_any_shape_has_the_requested_size(shape: tuple[int, int]) -> None:
    fitted = fit(np.full((*shape, 3), 255, np.uint8), (84, 84))
    assert fitted.shape == (84, 84, 3) and fitted.dtype == np.uint8
    assert fitted[41, 41].tolist() == [255] * 3  # the middle is never a bar


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (84, 84), (33, 64)])
def test_png_files_keep_every_pixel(shape: tuple[int, int]) -> None:
    chance = np.random.default_rng(0)
    noise = chance.integers(0, 256, (*shape, 3), np.uint8)
    for frame in (noise, np.zeros_like(noise), noise[:, ::-1]):  # the last one is not contiguous
        image = Image.open(io.BytesIO(png(frame)))
        assert (image.mode, image.size) == ("RGB", shape[::-1])
        np.testing.assert_array_equal(np.asarray(image), frame)


def test_png_files_of_flat_graphics_are_small() -> None:
    frame = np.zeros((224, 224, 3), np.uint8)
    frame[::16] = 255
    assert len(png(frame)) < frame.size / 100
