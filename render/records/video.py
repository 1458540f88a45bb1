"""Films from uint8 frames: MP4 (H.264, plays in any browser) or a small GIF; and a caption band below a frame."""

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
    # At most 640 pixels wide, in the film's own 64 colours, and of each frame only what changed: 100 kB a second.
    ".gif": ["-lavfi", "paletteuse=dither=none:diff_mode=rectangle"],
}
"""What ffmpeg is told, by the film's ending."""
LOSSLESS: Final = ["-vf", "scale='min(640,iw)':-2:flags=lanczos", "-c:v", "ffv1", "-pix_fmt", "bgr0"]
"""A GIF's frames before its colours are known: on disk, since ffmpeg would hold them all in memory."""


def write_video(path: Path | str, frames: Iterable[Frame], fps: float = 10) -> Path:
    """Write a film; the ending of `path` says which kind.

    MP4 is H.264 with yuv420p and the index in front. GIF is at most 640 pixels wide. A frame of odd size gets its last
    row or column twice. The file appears under its name only when it is whole.

    Args:
        path: ends in .mp4 or .gif; its folder is made where it is missing.
        frames: uint8 [H, W, 3], all of one size, at least one.
        fps: frames a second.

    Raises:
        ValueError: another ending, no frames, or frames that differ in size.
        OSError: the disk is full or not writable, or ffmpeg failed; no half file is left.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in ENCODERS:
        raise ValueError(f"{path.name!r} cannot be a film: the name must end in .mp4 or .gif")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part:
            _encode(part, frames, fps, kind)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise OSError(f"{path} could not be written: {reason[0]} (full disk, or no right to write?)") from error
    return path


def _encode(path: Path, frames: Iterable[Frame], fps: float, kind: str) -> None:
    """Encode the film as its kind is encoded."""
    checked = _one_size(frames)
    first = next(checked, None)
    if first is None:
        raise ValueError("a film needs at least one frame: none came")
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
    """Run imageio's ffmpeg and pipe frames into it; imageio's own writer would not notice when ffmpeg fails."""
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
    """The frames, checked one by one."""
    shape: tuple[int, ...] | None = None
    for frame in frames:
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(f"a film's frames must be uint8 [H, W, 3]: {frame.dtype} {list(frame.shape)} came")
        if shape is not None and frame.shape != shape:
            raise ValueError(f"a film's frames must be of one size: {list(frame.shape)} came after {list(shape)}")
        shape = frame.shape
        yield frame


def _even(frame: Frame) -> Frame:
    """yuv420p halves the colours in both directions, so height and width must be even."""
    height, width = frame.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return frame
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def enlarged(frame: Frame, height: int) -> Frame:
    """The frame with each pixel a block, the largest whole factor that stays within `height` rows (at least 1)."""
    factor = max(height // frame.shape[0], 1)
    return np.repeat(np.repeat(frame, factor, axis=0), factor, axis=1)


def captioned(frame: Frame, title: str, lines: Iterable[str] = (), rows: int | None = None) -> Frame:
    """A frame above a band with a title and lines of text (thinking, action, outcome), each cut to the width.

    Args:
        frame: uint8 [H, W, 3]; it is not changed.
        title: the first line, in the title's colour.
        lines: the lines below it; the last one goes on over the rows that are left.
        rows: room for this many lines below the title, so that all frames of a film are of one size.

    Returns: uint8 [H + band, W, 3]; the band's height depends only on W and the number of rows.
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
    """At most 800 characters of `text` in one line, with a question mark for each that the font does not have."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[:800].replace("→", "->")).split())
    return "".join(c if ord(c) < 0x10000 and font(size).metrics(c)[0] else "?" for c in text)


def _fits(text: str, size: int, width: int) -> bool:
    return text_image(text, size, TEXT).get_width() <= width


def _wrapped(text: str, size: int, width: int, rows: int) -> list[str]:
    """`text` in at most `rows` lines, broken between words; the last one has all that is left."""
    words = text.split()
    lines: list[str] = []
    while words and len(lines) < rows - 1:
        line = words.pop(0)
        while words and _fits(f"{line} {words[0]}", size, width):
            line += " " + words.pop(0)
        lines.append(line)
    return [*lines, " ".join(words)]


def _fitted(text: str, size: int, width: int) -> str:
    """One line of `text`, cut with an ellipsis where it is wider than `width` pixels."""
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
