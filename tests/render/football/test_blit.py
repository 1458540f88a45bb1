"""Compiled drawing of sprites gives the pixels that pygame gives."""

import numpy as np
import pygame
import pytest
from numpy.typing import NDArray

from render.football.blit import blit

HEIGHT, WIDTH = 40, 56


def atlas(rng: np.random.Generator, count: int) -> tuple[NDArray[np.int64], NDArray[np.uint8], list[pygame.Surface]]:
    """Random sprites: the table [count, 5] of offset, rows, columns, left, top; their RGBA bytes; pygame surfaces."""
    table, parts, surfaces, end = [], [], [], 0
    for _ in range(count):
        rows, columns = rng.integers(1, 15, 2).tolist()
        pixels = rng.integers(0, 256, (rows, columns, 4), dtype=np.uint8)
        pixels[rng.random((rows, columns)) < 0.3, 3] = 0
        pixels[rng.random((rows, columns)) < 0.3, 3] = 255
        table.append([end, rows, columns, *rng.integers(-8, 3, 2).tolist()])
        parts.append(pixels.ravel())
        surfaces.append(pygame.image.frombuffer(pixels.tobytes(), (columns, rows), "RGBA"))
        end += pixels.size
    return np.array(table, np.int64), np.concatenate(parts), surfaces


@pytest.mark.parametrize("strip", [0, 9])
def test_blit_of_random_sprites_equals_pygame(strip: int) -> None:
    rng = np.random.default_rng(strip)
    table, sprites, surfaces = atlas(rng, 12)
    matches, most = 5, 20
    placed = np.stack(
        [
            rng.integers(0, 12, (matches, most)),
            *(rng.integers(-16, side + 16, (matches, most)) for side in (WIDTH, HEIGHT)),
        ],
        axis=-1,
    )
    placed[2, 7:, 0] = -1  # the end of a match's sprites
    placed[3, :, 0] = -1
    frames = rng.integers(0, 256, (matches, HEIGHT, WIDTH, 3), dtype=np.uint8)
    expected = []
    for frame, sprites_of_match in zip(frames, placed.tolist(), strict=True):
        surface = pygame.image.frombuffer(frame.tobytes(), (WIDTH, HEIGHT), "RGB").copy()
        surface.set_clip((0, strip, WIDTH, HEIGHT - strip))
        for number, column, row in sprites_of_match:
            if number < 0:
                break
            surface.blit(surfaces[number], (column + table[number, 3], row + table[number, 4]))
        expected.append(np.frombuffer(pygame.image.tobytes(surface, "RGB"), np.uint8).reshape(HEIGHT, WIDTH, 3))
    before = frames.copy()
    blit(frames, strip, placed, table, sprites)
    np.testing.assert_array_equal(frames, np.stack(expected))
    np.testing.assert_array_equal(frames[:, :strip], before[:, :strip])
    np.testing.assert_array_equal(frames[3], before[3])
    assert (frames != before).any()
