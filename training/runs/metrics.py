"""Metrics of a run: what a step's episodes were like; one JSON line a step, the same to TensorBoard or W&B.

Names that begin with `time/` are clock readings; all others are the same in two runs with one seed on one machine.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from render.records.files import write_whole
from training.runs import trackers


class MetricsLog:
    """Appends to metrics.jsonl and to what `track=` names."""

    def __init__(
        self, folder: Path, keep_lines: int = 0, where: str = "tensorboard", config: Mapping[str, Any] | None = None
    ) -> None:
        """Open the log; of an older file only the first `keep_lines` stay (a resumed run writes the rest again).

        Args:
            folder: the run's.
            keep_lines: of an older metrics.jsonl.
            where: as `track=`.
            config: the run's, for those who show it.
        """
        self.path = folder / "metrics.jsonl"
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True) if self.path.exists() else []
        self.lines = min(keep_lines, len(lines))
        write_whole(self.path, "".join(lines[: self.lines]))
        last = json.loads(lines[self.lines - 1])["total_step"] if self.lines else -1
        self._trackers = trackers.start(where, folder, config or {}, last + 1)
        self._file = self.path.open("a", encoding="utf-8")

    def write(self, total_step: int, metrics: dict[str, Any]) -> None:
        """One line."""
        self._file.write(json.dumps({"total_step": total_step, **metrics}) + "\n")
        self._file.flush()
        self.lines += 1
        scalars = {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
        for tracker in self._trackers:
            tracker.write(total_step, scalars)

    def film(self, label: str, path: Path) -> None:
        """A video of the run, for those who show videos."""
        for tracker in self._trackers:
            tracker.film(label, path)

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files."""
        self._file.close()
        for tracker in self._trackers:
            tracker.close(failed=kind is not None)


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """All whole lines of a run's metrics."""
    path = folder / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:  # a run killed in the middle of its last line
            break
    return records
