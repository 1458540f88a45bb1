"""Checkpoints for exact resume, written atomically and in the background."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from configs.errors import UserError

SELVES = "selves"
"""Folder of the past selves in a run folder."""


class Saved(Protocol):
    """Interface to save and restore the state of a learner."""

    def save(self, folder: Path, documents: Mapping[str, Any], then: Callable[[], None]) -> None:
        """Start to write the state and the JSON documents. `then` is called when the folder is complete."""
        ...

    def restore(self, folder: Path) -> None:
        """Load a state that `save` wrote."""
        ...


@dataclass
class RunState:
    """State of a run. All random numbers are hashes of the seed and these counters (agents/seeds.py)."""

    stage: int = 0
    """Index of the stage in progress."""
    step: int = 0
    """Number of completed steps in the stage."""
    total_steps: int = 0
    """Number of completed steps in all stages."""
    version: int = 0
    """Version of the policy's weights. It increases by one with each step."""
    metrics_lines: int = 0
    """Number of lines of metrics.jsonl at this state."""
    record_bytes: int = 0
    """Size of episodes/train/episodes.jsonl at this state, in bytes."""
    best: float = -1.0
    """Best validation success so far in the last stage. -1 before the first validation."""
    good: dict[str, Any] = field(default_factory=dict)
    """Last good validation (step, success). Its weights are in `good_folder`."""
    stages: list[dict[str, Any]] = field(default_factory=list)
    """Name, steps and seconds of each completed stage and of the one in progress."""
    source: dict[str, Any] = field(default_factory=dict)
    """State of the source of the stage in progress."""
    seconds: float = 0.0
    """Run time so far, in seconds."""
    results: dict[str, Any] = field(default_factory=dict)
    """Held-out results so far: label → task → result, as in summary.json."""

    @property
    def reported_step(self) -> int:
        """Step, counted over all stages, of the weights to report."""
        step: int = self.good.get("step", self.total_steps)
        return step


def save(folder: Path, learner: Saved, progress: RunState, keep: int = 2) -> None:
    """Start to write the checkpoint `folder`/step-N, and return when the state is copied.

    Args:
        folder: Folder of the checkpoints.
        learner: Learner to save.
        progress: State of the run.
        keep: Number of newest checkpoints to keep.

    Raises:
        UserError: the previous checkpoint could not be written.
    """
    learner.save(step_folder(folder, progress), documents(progress), partial(remove_older, folder, keep))


def step_folder(folder: Path, progress: RunState) -> Path:
    """Return the folder of a checkpoint in `folder`."""
    return folder / f"step-{progress.total_steps:06d}"


def documents(progress: RunState) -> dict[str, Any]:
    """Return file name → content of the JSON files of a checkpoint."""
    return {"progress.json": asdict(progress)}


def good_folder(folder: Path, step: int) -> Path:
    """Return the folder of good weights. `step` counts over all stages."""
    return folder / f"good-{step:06d}"


def self_folder(folder: Path, step: int) -> Path:
    """Return the folder of a past self, an opponent in self-play, next to the folder of the checkpoints.

    `step` counts over all stages.
    """
    return folder.parent / SELVES / f"self-{step:06d}"


def remove_older(folder: Path, keep: int = 2) -> None:
    """Remove all but the newest `keep` complete checkpoints and the good weights and past selves that they name."""
    whole = sorted(folder.glob("step-*"))
    documents = [json.loads((step / "progress.json").read_text(encoding="utf-8")) for step in whole[-keep:]]
    named = {good_folder(folder, document.get("good", {}).get("step", -1)) for document in documents}
    for document in documents:
        opponents = document.get("source", {}).get("opponents", {})
        named |= {folder.parent / SELVES / name for name in opponents.get("past", [])}
    newest = whole[-1].name.removeprefix("step-") if whole else ""
    weights = [*folder.glob("good-*"), *(folder.parent / SELVES).glob("self-*")]
    dropped = [path for path in weights if path not in named and path.name[len("good-") :] < newest]
    for old in [*whole[:-keep], *folder.glob(".step-*"), *dropped]:
        shutil.rmtree(old, ignore_errors=True)


def newest(folder: Path) -> Path | None:
    """Return the newest complete checkpoint in `folder`, or None."""
    found = sorted(path for path in folder.glob("step-*") if (path / "progress.json").is_file())
    return found[-1] if found else None


def read_progress(checkpoint: Path) -> RunState:
    """Return the state of the run at a checkpoint; raise UserError if it cannot be read."""
    path = checkpoint / "progress.json"
    try:
        document = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged: {error}; remove {checkpoint} to resume from an earlier one") from error
    document.setdefault("record_bytes", 0)  # missing in runs from before such records existed
    if "mixture" in document:  # the name in version 0.1.0
        document["source"] = document.pop("mixture")
    if other := {part.name for part in fields(RunState)} ^ set(document):
        differs = ", ".join(sorted(map(str, other)))
        raise UserError(f"{path} is from another version of Kickoff ({differs}); resume with that version")
    return RunState(**document)


def restore(checkpoint: Path, learner: Saved) -> None:
    """Restore a checkpoint into a learner of the same stage."""
    learner.restore(checkpoint)
