"""Videos from uint8 frames as MP4 (H.264, plays in any browser) or GIF, and captions below frames."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np

from render.draw.canvas import Canvas, Colour, Frame, font, text_image
from render.records.files import whole

BAND: Final[Colour] = (20, 27, 36)
TITLE: Final[Colour] = (255, 214, 92)
TEXT: Final[Colour] = (232, 237, 242)

ENCODERS: Final = {
    ".mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "18", "-movflags", "+faststart"],
    # At most 640 pixels wide, 64 colours per video, and only the changed part of each frame: 100 kB per second.
    ".gif": ["-lavfi", "paletteuse=dither=none:diff_mode=rectangle"],
}
"""ffmpeg encoder options by file name suffix."""
LOSSLESS: Final = ["-vf", "scale='min(640,iw)':-2:flags=lanczos", "-c:v", "ffv1", "-pix_fmt", "bgr0"]
"""ffmpeg options for the temporary copy of a GIF's frames on disk. A one-pass GIF keeps all frames in memory."""


def write_video(path: Path | str, frames: Iterable[Frame], fps: float = 10) -> Path:
    """Write a video. The suffix of `path` selects the format.

    MP4 uses H.264 with yuv420p and the index at the front. GIF is at most 640 pixels wide. The last row or column of
    a frame with an odd size is duplicated. The file appears under its name only when it is complete.

    Args:
        path: file name that ends in .mp4 or .gif; a missing folder is created.
        frames: uint8 [H, W, 3] each, all of one size, at least one.
        fps: frames per second.

    Raises:
        ValueError: the suffix is unknown, there are no frames, or the frames differ in size.
        OSError: the disk is full or not writable, or ffmpeg failed; no partial file is left.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in ENCODERS:
        raise ValueError(f"{path.name!r} cannot be a video: the name must end in .mp4 or .gif")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part:
            _encode(part, frames, fps, kind)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise OSError(f"{path} could not be written: {reason[0]} (disk full, or no write permission?)") from error
    return path


def _encode(path: Path, frames: Iterable[Frame], fps: float, kind: str) -> None:
    """Encode the frames into `path` in the format `kind`."""
    checked = _one_size(frames)
    first = next(checked, None)
    if first is None:
        raise ValueError("a video needs at least one frame: got none")
    height, width = _even(first).shape[:2]
    piped = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-", "-an"]
    film = itertools.chain([first], checked)
    if kind == ".mp4":
        _ffmpeg([*piped, *ENCODERS[kind], str(path)], film)
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as folder:
        whole, colours = f"{folder}/film.nut", f"{folder}/colours.png"
        _ffmpeg([*piped, *LOSSLESS, whole], film)
        _ffmpeg(["-i", whole, "-vf", "palettegen=max_colors=64", colours])
        _ffmpeg(["-i", whole, "-i", colours, *ENCODERS[kind], str(path)])


def _ffmpeg(words: Sequence[str], frames: Iterable[Frame] = ()) -> None:
    """Run imageio's ffmpeg and pipe frames into it. imageio's own writer does not detect ffmpeg failures."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stdin is not None and process.stderr is not None
    try:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            for frame in frames:
                process.stdin.write(np.ascontiguousarray(_even(frame)).data)
        message = process.stderr.read().decode(errors="replace").strip().splitlines()
        if process.wait() != 0:
            raise OSError(message[-1] if message else f"ffmpeg ended with status {process.returncode}")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def _one_size(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield the frames after checking that each is uint8 and has the size of the first."""
    shape: tuple[int, ...] | None = None
    for frame in frames:
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(f"video frames must be uint8 [H, W, 3]: {frame.dtype} {list(frame.shape)} given")
        if shape is not None and frame.shape != shape:
            raise ValueError(f"video frames must have one size: got {list(frame.shape)} after {list(shape)}")
        shape = frame.shape
        yield frame


def _even(frame: Frame) -> Frame:
    """Pad a frame to even height and width, since yuv420p halves the colour resolution."""
    height, width = frame.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return frame
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def enlarged(frame: Frame, height: int) -> Frame:
    """Enlarge a frame by the largest integer factor (at least 1) that keeps it within `height` rows."""
    factor = max(height // frame.shape[0], 1)
    return np.repeat(np.repeat(frame, factor, axis=0), factor, axis=1)


def captioned(frame: Frame, title: str, lines: Iterable[str] = (), rows: int | None = None) -> Frame:
    """Add a band below a frame with a title and lines of text (thinking, action, outcome).

    Args:
        frame: uint8 [H, W, 3], not changed.
        title: the first line, in the title colour.
        lines: lines below the title, each cut to the width; the last one wraps over the remaining rows.
        rows: number of rows below the title, which gives all frames of a video one size; None uses `len(lines)`.

    Returns:
        uint8 [H + band, W, 3]. The height of the band depends only on W and the number of rows.
    """
    lines = list(lines)
    height, width = frame.shape[:2]
    size = max(14, min(24, round(width / 22)))
    step = round(size * 1.15)
    pad = max(4, size // 3)
    count = 1 + (len(lines) if rows is None else rows)
    band = 2 * pad + count * step
    band += (height + band) % 2
    out = np.empty((height + band, width, 3), np.uint8)
    out[:height] = frame
    out[height:] = BAND
    canvas = Canvas(out)
    room = width - 2 * pad
    shown = [_plain(line, size) for line in [title, *lines]]
    shown = shown[:-1] + _wrapped(shown[-1], size, room, count - len(shown) + 1)
    for row, line in enumerate(shown[:count]):
        y = height + pad + (row + 0.5) * step
        canvas.text(_fitted(line, size, room), (pad, y), size, TEXT if row else TITLE)
    return out


def _plain(text: str, size: int) -> str:
    """Return up to 800 characters of `text` on one line, with "?" for characters missing from the font."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[:800].replace("→", "->")).split())
    return "".join(c if ord(c) < 0x10000 and font(size).metrics(c)[0] else "?" for c in text)


def _fits(text: str, size: int, width: int) -> bool:
    return text_image(text, size, TEXT).get_width() <= width


def _wrapped(text: str, size: int, width: int, rows: int) -> list[str]:
    """Break `text` between words into at most `rows` lines. The last line holds the remaining text."""
    words = text.split()
    lines: list[str] = []
    while words and len(lines) < rows - 1:
        line = words.pop(0)
        while words and _fits(f"{line} {words[0]}", size, width):
            line += " " + words.pop(0)
        lines.append(line)
    return [*lines, " ".join(words)]


def _fitted(text: str, size: int, width: int) -> str:
    """Return `text`, cut with an ellipsis if it is wider than `width` pixels."""
    if _fits(text, size, width):
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(text[:middle].rstrip() + "…", size, width):
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"
