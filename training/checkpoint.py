"""Exact resume: the training state as safetensors and JSON, written whole or not at all."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from envs.schema import ConfigError
from training.learner import Learner


@dataclass
class Progress:
    """Where a run stands. Everything random is a hash of the seed and these counters (agents/sampling.py)."""

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
    best: float = -1.0
    """Best validation success so far in the last stage."""
    good: dict[str, Any] = field(default_factory=dict)
    """The last good evaluation (step, success): its weights are in the folder `good`."""
    stages: list[dict[str, Any]] = field(default_factory=list)
    """Name, steps and seconds of the stages done, then of the one in progress."""
    seconds: float = 0.0
    """Working time so far."""
    results: dict[str, Any] = field(default_factory=dict)
    """Held-out results so far, as summary.json has them."""

    @property
    def reported_step(self) -> int:
        """The step, counted through all stages, whose weights are the ones to report."""
        step: int = self.good.get("step", self.total_steps)
        return step


def write_folder(folder: Path, tensors: dict[str, dict[str, Tensor]], documents: dict[str, Any]) -> None:
    """Write files of tensors and JSON documents as one new folder that appears whole, in place of an older one."""
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        for name, named in tensors.items():
            save_file({key: tensor.detach().cpu().contiguous() for key, tensor in named.items()}, fresh / name)
        for name, document in documents.items():
            (fresh / name).write_text(json.dumps(document, indent=1), encoding="utf-8")
        for file in fresh.iterdir():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
    except Exception as error:
        shutil.rmtree(fresh, ignore_errors=True)
        if isinstance(error, OSError) or "SafetensorError" in type(error).__name__:
            raise ConfigError(f"cannot save {folder}: {error}; earlier checkpoints are intact") from error
        raise
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def distinct_weights(learner: Learner) -> dict[str, Tensor]:
    """The trained tensors by name, tied ones once."""
    return dict(learner.vlm.model.named_parameters())


def save(folder: Path, learner: Learner, progress: Progress, keep: int = 2) -> None:
    """Write `folder`/step-N with weights, optimiser and progress; only the newest `keep` of them stay."""
    optimizer: dict[str, Tensor] = {}
    for name, parameter in learner.vlm.model.named_parameters():
        for key, value in learner.optimizer.state.get(parameter, {}).items():
            optimizer[f"{key}.{name}"] = value
    write_folder(
        folder / f"step-{progress.total_steps:06d}",
        {"weights.safetensors": distinct_weights(learner), "optimizer.safetensors": optimizer},
        {"progress.json": asdict(progress) | {"updates": learner.updates}},
    )
    for old in sorted(folder.glob("step-*"))[:-keep]:
        shutil.rmtree(old)


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint below `folder`, if there is one."""
    found = sorted(path for path in folder.glob("step-*") if (path / "progress.json").is_file())
    return found[-1] if found else None


def read_progress(checkpoint: Path) -> Progress:
    """Where the run stood at a checkpoint."""
    path = checkpoint / "progress.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        document.pop("updates")
        return Progress(**document)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} is damaged or of another version: {error}; remove {checkpoint} to go on before"
        ) from error


def restore(checkpoint: Path, learner: Learner) -> None:
    """Put a checkpoint's weights and optimiser state into a learner of the same stage."""
    load_weights(checkpoint, learner.vlm.model)
    state = load_file(checkpoint / "optimizer.safetensors")
    for name, parameter in learner.vlm.model.named_parameters():
        own = {key: state[f"{key}.{name}"] for key in ("step", "exp_avg", "exp_avg_sq") if f"{key}.{name}" in state}
        if own:
            learner.optimizer.state[parameter] = own
    learner.updates = json.loads((checkpoint / "progress.json").read_text(encoding="utf-8"))["updates"]


def load_weights(folder: Path, model: Any) -> None:
    """Put the weights of a checkpoint into a model."""
    weights = load_file(folder / "weights.safetensors")
    for name, parameter in model.named_parameters():
        parameter.data.copy_(weights[name])


def remove(folder: Path) -> None:
    """Remove the states of a finished run: nothing is left to resume."""
    shutil.rmtree(folder, ignore_errors=True)
