"""Metrics of a run: one JSON line a step, the same to TensorBoard.

Names that begin with `time/` are clock readings; all others are the same in two runs with one seed on one machine.
"""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch.utils.tensorboard import SummaryWriter


class MetricsLog:
    """Appends to metrics.jsonl and to TensorBoard's event files."""

    def __init__(self, folder: Path, keep_lines: int = 0) -> None:
        """Open the log; of an older file only the first `keep_lines` stay (a resumed run writes the rest again)."""
        self.path = folder / "metrics.jsonl"
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True) if self.path.exists() else []
        self.lines = min(keep_lines, len(lines))
        temporary = self.path.with_suffix(".new")
        temporary.write_text("".join(lines[: self.lines]), encoding="utf-8")
        temporary.replace(self.path)
        self._file = self.path.open("a", encoding="utf-8")
        last = json.loads(lines[self.lines - 1])["total_step"] if self.lines else -1
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=last + 1)

    def write(self, total_step: int, metrics: dict[str, Any]) -> None:
        """One line."""
        self._file.write(json.dumps({"total_step": total_step, **metrics}) + "\n")
        self._file.flush()
        self.lines += 1
        for name, value in metrics.items():
            if isinstance(value, int | float):
                self._board.add_scalar(name, value, total_step)

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Close the files."""
        self._file.close()
        self._board.close()


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
