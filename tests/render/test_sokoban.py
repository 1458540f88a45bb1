"""Sokoban's pictures: frames that are kept are what a fresh drawing gives, and look as they did."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from render.sokoban import RoomView, tiles

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
ALL = np.array(
    [
        [0, 0, 0, 0, 0, 0],
        [0, 1, 1, 2, 1, 0],
        [0, 5, 4, 1, 3, 0],
        [0, 1, 6, 1, 4, 0],
        [0, 2, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ],
    np.uint8,
)


@pytest.mark.parametrize("size", [(84, 84), (160, 200), (640, 640)])
def test_frames_equal_the_golden_images(size: tuple[int, int]) -> None:
    frame = RoomView(1, 6, 6, size).draw(ALL[None])[0]
    golden = iio.imread(GOLDEN / f"sokoban_{size[0]}x{size[1]}.png")
    assert np.array_equal(frame, golden)


def test_changed_tiles_are_redrawn_completely() -> None:
    rng = np.random.default_rng(0)
    kept = RoomView(2, 6, 7, (65, 90))
    for _ in range(20):
        rooms = rng.integers(0, 7, (2, 6, 8), dtype=np.uint8)  # a column more than is drawn
        assert np.array_equal(kept.draw(rooms), RoomView(2, 6, 7, (65, 90)).draw(rooms))


def test_tiles_can_be_told_apart() -> None:
    for side in (8, 14, 16, 64):
        images = tiles(side).astype(np.int64)
        assert images.shape == (7, side, side, 3)
        for one in range(7):
            for other in range(one):
                assert np.abs(images[one] - images[other]).mean() > 8, (side, one, other)


def test_frame_of_another_shape_has_bars() -> None:
    frame = RoomView(1, 6, 6, (60, 100)).draw(ALL[None])[0]
    # tiles of 60 / 6 = 10 pixels, 60 of 100 columns: bars of 20 on both sides
    assert (frame[:, :20] == frame[0, 0]).all() and (frame[:, 80:] == frame[0, 0]).all()
    assert (frame[:, 20:80].std(axis=(0, 1)) > 10).all()
    with pytest.raises(ValueError, match="needs at least 24x24"):
        RoomView(1, 6, 6, (23, 84))
