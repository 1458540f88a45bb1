import gc
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from render.records.video import BAND, captioned, enlarged, write_video


def frames(count: int, height: int = 60, width: int = 80) -> list[np.ndarray]:
    out = []
    for index in range(count):
        frame = np.full((height, width, 3), (30, 120, 40), np.uint8)
        frame[20:40, 5 * index : 5 * index + 20] = (230, 60, 50)
        out.append(frame)
    return out


# imageio's own reader leaves ffmpeg's input open until it is collected
reads_mp4 = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def read(path: Path) -> np.ndarray:
    film = iio.imread(path)
    gc.collect()
    return film


@pytest.mark.slow
@reads_mp4
@pytest.mark.parametrize("ending", [".mp4", ".gif"])
def test_a_film_can_be_read_again(tmp_path: Path, ending: str) -> None:
    path = write_video(tmp_path / "deep" / f"film{ending}", frames(9), fps=10)
    film = read(path)
    assert film.shape == (9, 60, 80, 3)
    for index in (0, 8):
        assert film[index, 30, 5 * index + 10] == pytest.approx([230, 60, 50], abs=25)
        assert film[index, 5, 5] == pytest.approx([30, 120, 40], abs=25)
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name]


@reads_mp4
def test_mp4_is_what_browsers_play(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", frames(12, 61, 83), fps=20)
    meta = iio.immeta(path, plugin="FFMPEG")
    assert meta["codec"] == "h264" and meta["pix_fmt"].startswith("yuv420p")
    assert meta["size"] == (84, 62)  # an odd size is made even
    assert meta["fps"] == 20 and meta["duration"] == pytest.approx(0.6)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # the index in front: it starts before it is loaded


@pytest.mark.slow
def test_a_gif_is_small_and_keeps_its_pace(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (601, 1001, 3), np.uint8)  # the worst case: nothing repeats
    calm = [np.full((601, 1001, 3), 20 * index, np.uint8) for index in range(6)]
    path = write_video(tmp_path / "film.gif", [*calm, noise], fps=20)
    film: Any
    with Image.open(path) as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (7, (640, 384), 0)
        durations, colours = [], set()
        for index in range(film.n_frames):
            film.seek(index)
            durations.append(film.info["duration"])
            colours |= {colour for _, colour in film.convert("RGB").getcolors(2**24) or []}
    assert durations == [50] * 7  # milliseconds
    assert len(colours) <= 64


def test_refusals_leave_what_was_there(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", frames(3))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="at least one frame"):
        write_video(path, [])
    with pytest.raises(ValueError, match=r"one size: got \[10, 10, 3\] after \[60, 80, 3\]"):
        write_video(path, [*frames(2), np.zeros((10, 10, 3), np.uint8)])
    with pytest.raises(ValueError, match=r"must be uint8 \[H, W, 3\]: float64 \[4, 4\] given"):
        write_video(path, [cast(Any, np.zeros((4, 4)))])
    with pytest.raises(ValueError, match=r"'film\.avi' cannot be a video: the name must end in \.mp4 or \.gif"):
        write_video(tmp_path / "film.avi", frames(2))
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("ending", [".mp4", ".gif"])
def test_a_film_that_cannot_be_written_is_one_line(tmp_path: Path, ending: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"film\.(mp4|gif) could not be written: .*") as caught:
        write_video(tmp_path / "file" / f"film{ending}", frames(2))
    assert "\n" not in str(caught.value)


def test_ffmpeg_s_failure_is_seen(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="could not be written"):
        write_video(tmp_path / "film.mp4", frames(2), fps=0)
    assert list(tmp_path.iterdir()) == []


def test_captions_stand_below_the_frame() -> None:
    frame = frames(1, 100, 200)[0]
    out = captioned(frame, "after RL · episode 3", ["thinks: far corner", "plays: Shot"])
    assert np.array_equal(out[:100], frame)
    band = out[100:]
    assert band[-1, -1].tolist() == list(BAND)
    assert (band.astype(int) - BAND).any()
    other = captioned(frame, "after RL · episode 3", ["thinks: far corner", "plays: Left"])
    assert out.shape == other.shape and (out != other).any()


def test_the_last_caption_goes_on_over_the_rows_that_are_left() -> None:
    frame = frames(1, 100, 200)[0]
    thought = "thinks: the keeper stands in the near corner so I should shoot into the far one at once"
    one, three = captioned(frame, "t", ["plays: shot", thought], 2), captioned(frame, "t", ["plays: shot", thought], 4)
    row, pad = 16, 4
    assert three.shape[0] == one.shape[0] + 2 * row
    cut = 100 + pad + 2 * row
    assert np.array_equal(one[:cut], three[:cut])  # title and action
    inked = [bool((three[cut + n * row : cut + (n + 1) * row].astype(int) - BAND).any()) for n in range(2)]
    assert inked == [True, True]
    again = captioned(frame, "t", ["plays: shot", thought[:20]], 4)
    assert np.array_equal(again[cut + row :], np.broadcast_to(np.array(BAND, np.uint8), again[cut + row :].shape))


def test_captioned_frames_of_a_film_have_one_even_size() -> None:
    frame = frames(1, 61, 90)[0]
    shapes = {captioned(frame, "t", lines, rows=2).shape for lines in ([], ["a"], ["a", "b", "c"], ["word " * 500])}
    assert len(shapes) == 1
    assert shapes.pop()[0] % 2 == 0


@pytest.mark.parametrize("text", ["\ud800\0\n\t", "𝕏 → ✓", "</script>", "", "מ" * 3000])
def test_any_caption_can_be_drawn(text: str) -> None:
    out = captioned(frames(1)[0], text, [text])
    assert out.dtype == np.uint8


def test_enlarged_pixels_are_blocks() -> None:
    frame = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    big = enlarged(frame, 7)
    assert big.shape == (6, 9, 3)
    assert np.array_equal(big[::3, ::3], frame) and np.array_equal(big[2::3, 2::3], frame)
    assert np.array_equal(enlarged(frame, 1), frame)


@pytest.mark.slow
def test_a_gif_of_many_frames_takes_little_memory(tmp_path: Path) -> None:
    """300 frames of 640x480 are 276 MB raw; ffmpeg had them all at once when it chose its colours in the same pass."""
    program = (
        "import resource, sys; import numpy as np; from render.records.video import write_video\n"
        "still = np.zeros((480, 640, 3), np.uint8)\n"
        "write_video(sys.argv[1], (still for _ in range(300)))\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "film.gif")], stdout=subprocess.PIPE, text=True, check=True
    )
    assert int(done.stdout) < 200  # MB
    assert [path.name for path in tmp_path.iterdir()] == ["film.gif"]
