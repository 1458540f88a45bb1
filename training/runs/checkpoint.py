"""Exact resume: a run's state in folders that are written whole or not at all, in the background."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from configs.errors import UserError


class Saved(Protocol):
    """A learner's state, as a checkpoint holds it."""

    def save(self, folder: Path, documents: Mapping[str, Any], then: Callable[[], None]) -> None:
        """Begin to write it beside the documents; `then` is called when all is there."""
        ...

    def restore(self, folder: Path) -> None:
        """Take back what `save` wrote."""
        ...


@dataclass
class RunState:
    """Where a run stands. Everything random is a hash of the seed and these counters (agents/seeds.py)."""

    stage: int = 0
    """Index of the stage in progress."""
    step: int = 0
    """Steps done in it."""
    total_steps: int = 0
    """Steps done in all stages."""
    version: int = 0
    """Version of the policy's weights: one more after every step."""
    metrics_lines: int = 0
    """Lines of metrics.jsonl that belong to this state."""
    record_bytes: int = 0
    """Bytes of episodes/train/episodes.jsonl that belong to this state."""
    best: float = -1.0
    """Best validation success so far in the last stage."""
    good: dict[str, Any] = field(default_factory=dict)
    """The last good evaluation (step, success): its weights are in `good_folder`."""
    stages: list[dict[str, Any]] = field(default_factory=list)
    """Name, steps and seconds of the stages done, then of the one in progress."""
    mixture: dict[str, Any] = field(default_factory=dict)
    """State of the mixture of tasks of the stage in progress."""
    seconds: float = 0.0
    """Working time so far."""
    results: dict[str, Any] = field(default_factory=dict)
    """Held-out results so far, as summary.json has them."""

    @property
    def reported_step(self) -> int:
        """The step, counted through all stages, whose weights are the ones to report."""
        step: int = self.good.get("step", self.total_steps)
        return step


def save(folder: Path, learner: Saved, progress: RunState, keep: int = 2) -> None:
    """Begin to write `folder`/step-N with the learner's state and the progress; the newest `keep` of them stay.

    Returns when the state is copied; UserError if the one before could not be written.
    """
    learner.save(step_folder(folder, progress), documents(progress), partial(remove_older, folder, keep))


def step_folder(folder: Path, progress: RunState) -> Path:
    """Where a checkpoint lies below `folder`."""
    return folder / f"step-{progress.total_steps:06d}"


def documents(progress: RunState) -> dict[str, Any]:
    """What lies beside the learner's state, by file name."""
    return {"progress.json": asdict(progress)}


def good_folder(folder: Path, step: int) -> Path:
    """Where the weights of a step, counted through all stages, are kept while they are good."""
    return folder / f"good-{step:06d}"


def remove_older(folder: Path, keep: int = 2) -> None:
    """Leave the newest `keep` whole checkpoints with the good weights that they name, and nothing half-written."""
    whole = sorted(folder.glob("step-*"))
    documents = [json.loads((step / "progress.json").read_text(encoding="utf-8")) for step in whole[-keep:]]
    named = {good_folder(folder, document.get("good", {}).get("step", -1)) for document in documents}
    newest_name = whole[-1].name.replace("step-", "good-") if whole else ""
    dropped = [good for good in folder.glob("good-*") if good not in named and good.name < newest_name]
    for old in [*whole[:-keep], *folder.glob(".step-*"), *dropped]:
        shutil.rmtree(old, ignore_errors=True)


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint below `folder`, if there is one."""
    found = sorted(path for path in folder.glob("step-*") if (path / "progress.json").is_file())
    return found[-1] if found else None


def read_progress(checkpoint: Path) -> RunState:
    """Where the run stood at a checkpoint; UserError where that cannot be read."""
    path = checkpoint / "progress.json"
    try:
        document = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged: {error}; remove {checkpoint} to go on before it") from error
    document.setdefault("record_bytes", 0)  # a run that was begun before there were such records has none
    if other := {part.name for part in fields(RunState)} ^ set(document):
        differs = ", ".join(sorted(map(str, other)))
        raise UserError(f"{path} is of another version of Kickoff ({differs}): go on with that version")
    return RunState(**document)


def restore(checkpoint: Path, learner: Saved) -> None:
    """Put a checkpoint's state into a learner of the same stage."""
    learner.restore(checkpoint)
