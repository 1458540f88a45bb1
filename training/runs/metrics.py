"""Metrics of a run: one JSON line per step in metrics.jsonl, also sent to the trackers.

Names that begin with `time/` are durations in seconds or rates. All other metrics are reproducible for one seed on one
machine.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from render.records.files import write_whole
from training.runs import trackers


class MetricsLog:
    """Writer of metrics.jsonl and of the trackers in `track=`."""

    def __init__(
        self, folder: Path, keep_lines: int = 0, where: str = "tensorboard", config: Mapping[str, Any] | None = None
    ) -> None:
        """Open the log.

        Args:
            folder: Run folder.
            keep_lines: Number of lines of an existing metrics.jsonl to keep. A resumed run rewrites the others.
            where: Value of `track=`.
            config: Config of the run, for the trackers.
        """
        self.path = folder / "metrics.jsonl"
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True) if self.path.exists() else []
        self.lines = min(keep_lines, len(lines))
        write_whole(self.path, "".join(lines[: self.lines]))
        last = json.loads(lines[self.lines - 1])["total_step"] if self.lines else -1
        self._trackers = trackers.start(where, folder, config or {}, last + 1)
        self._file = self.path.open("a", encoding="utf-8")

    def write(self, total_step: int, metrics: dict[str, Any]) -> None:
        """Write the metrics of one step. `total_step` counts over all stages."""
        self._file.write(json.dumps({"total_step": total_step, **metrics}) + "\n")
        self._file.flush()
        self.lines += 1
        scalars = {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
        for tracker in self._trackers:
            tracker.write(total_step, scalars)

    def film(self, label: str, path: Path) -> None:
        """Send a video of the run to the trackers."""
        for tracker in self._trackers:
            tracker.film(label, path)

    def __enter__(self) -> Self:
        """Return the log."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files."""
        self._file.close()
        for tracker in self._trackers:
            tracker.close(failed=kind is not None)


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return all complete lines of a run's metrics."""
    path = folder / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:  # an interrupted run can leave an incomplete last line
            break
    return records
