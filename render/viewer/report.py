"""The report of a run: the viewer page with its data in one file that needs no server.

The report contains all recorded episodes in compressed chunks, which the page unpacks on demand. Frames and videos are
embedded up to a budget. The page loads the others from the run folder, as long as the report stays in it.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from render.records.episode import FRAMES
from render.records.files import whole
from render.viewer import page
from render.viewer.records import read_frame
from render.viewer.run import Watched, frame_names, with_frames

FRAME_BYTES: Final = 64_000_000
"""Maximum number of bytes for frames: held-out failures first, then other held-out episodes, then the newest training
episodes."""
VIDEO_BYTES: Final = 32_000_000
"""Maximum number of bytes for videos."""
CHUNK: Final = 50
"""Number of episodes per chunk."""
LEVEL: Final = 5
"""gzip level. A higher level saves little and delays the end of the run."""


def write_report(run_folder: Path | str, frame_bytes: int = FRAME_BYTES) -> Path:
    """Write `report.html` into a run folder. Missing or damaged data become notes on the page.

    The file is replaced atomically.

    Args:
        run_folder: any folder that `render.watch` opens.
        frame_bytes: maximum number of bytes for frames.

    Raises:
        ValueError: the folder does not exist.
        OSError: the disk is full or not writable.
    """
    folder = Path(run_folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a run folder: it does not exist")
    watched = Watched([folder])
    run = watched.run() | {"live": False, "waiting": False, "progress": []}
    run["videos"] = [video | {"url": url} for video, url in zip(run["videos"], _videos(watched), strict=True)]
    inlined = _inlined(watched, frame_bytes)
    linked = 0
    before, after = page.parts(page.new_nonce(), in_file=True)
    path = folder / "report.html"
    with whole(path) as part, open(part, "w", encoding="utf-8", errors="replace") as file:
        file.write(before)
        file.write(page.script("application/json", page.embedded_json(watched.records.index(0)), {"id": "index"}))
        for first in range(0, len(watched.records), CHUNK):
            last = min(first + CHUNK, len(watched.records)) - 1
            records = [_record(watched, number, number in inlined) for number in range(first, last + 1)]
            others = [record for record in records if record["id"] not in inlined]
            linked += sum(any(turn["frame"] for turn in record.get("turns", ())) for record in others)
            attributes: dict[str, str | int] = {"class": "chunk", "data-from": first, "data-to": last}
            file.write(page.script("application/octet-stream", packed(records), attributes))
        texts = {"lines": watched.records.texts.lines, "episodes": watched.records.texts.episodes}
        file.write(page.script("application/octet-stream", packed(texts), {"id": "texts"}))
        if linked:
            note = "not in this file; the page loads them from the episodes/ folder next to it."
            run["notes"].append(f"The frames of {linked} episodes are {note}")
        file.write(page.script("application/json", page.embedded_json(run), {"id": "run"}))
        file.write(after)
    return path


def packed(data: Any) -> str:
    """Encode data as JSON, gzip and base64."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))  # all numbers in records are finite
    return base64.b64encode(gzip.compress(text.encode(), LEVEL, mtime=0)).decode()


def _record(watched: Watched, number: int, inline: bool) -> dict[str, Any]:
    """Return a record, or its id and the error if it can no longer be read."""
    try:
        place, record = watched.records.record(number)
    except (ValueError, OSError) as error:
        return {"id": number, "error": str(error)}
    below = quote(os.fsencode((place.folder / FRAMES).relative_to(place.root)))
    return with_frames(record, place, lambda path: _data(path) if inline else f"{below}/{path.name}")


def _data(path: Path) -> str | None:
    """Return a frame as a data: URL, or None if it is unreadable or not a PNG."""
    data = read_frame(path)
    return None if data is None else "data:image/png;base64," + base64.b64encode(data).decode()


def _inlined(watched: Watched, budget: int) -> set[int]:
    """Return the ids of the episodes whose frames are embedded."""
    found: set[int] = set()
    for number in _by_weight(watched.records.columns):
        try:
            place, record = watched.records.record(number)
        except (ValueError, OSError):
            found.add(number)
            continue
        names = list(filter(None, frame_names(record)))
        sizes = {name: path.stat().st_size for name, path in place.frames(names).items()}
        budget -= sum(sizes.get(name, 0) for name in names) * 4 // 3  # base64
        if budget < 0:
            break
        found.add(number)
    return found


def _by_weight(columns: Mapping[str, Sequence[Any]]) -> Iterator[int]:
    """Yield episode ids: held-out failures, other held-out episodes, then training episodes from the newest."""
    held_out = [number for number, label in enumerate(columns["label"]) if label != "train"]
    yield from sorted(held_out, key=lambda number: bool(columns["success"][number]))
    yield from (number for number, label in reversed(list(enumerate(columns["label"]))) if label == "train")


def _videos(watched: Watched) -> Iterator[str]:
    """Yield the URL of each video: embedded data within the budget, else a relative path."""
    left = VIDEO_BYTES
    for name, path in watched.folders[0].videos().items():
        size = path.stat().st_size * 4 // 3
        if size <= left:
            left -= size
            kind = "image/gif" if path.suffix == ".gif" else "video/mp4"
            yield f"data:{kind};base64," + base64.b64encode(path.read_bytes()).decode()
        else:
            yield f"videos/{quote(os.fsencode(name))}"
