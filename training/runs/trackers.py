"""Trackers (`track=`): TensorBoard and Weights & Biases."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from configs.errors import UserError, install_command
from training.config.run import trackers

WANDB_ID = "wandb.id"
"""File in the run folder with the ID of its W&B run."""
SLOW = 3.0
"""Time after which waiting for W&B is reported, in seconds."""


class Tracker(Protocol):
    """Receiver of metrics and videos."""

    def write(self, total_step: int, metrics: Mapping[str, float]) -> None:
        """Write the metrics of one step. `total_step` counts over all stages."""
        ...

    def film(self, label: str, path: Path) -> None:
        """Show a video of the run."""
        ...

    def close(self, failed: bool) -> None:
        """Close the tracker after the run. `failed` is true if it raised an error."""
        ...


def check(track: str) -> None:
    """Raise UserError if `track=` includes W&B and a login fails."""
    if "wandb" not in trackers(track):
        return
    wandb = _wandb()
    if wandb.setup().settings.mode != "online":
        return
    told = "track=wandb: waiting for W&B (up to about a minute) …"
    slow = threading.Timer(SLOW, print, [told], {"file": sys.stderr})
    slow.daemon = True
    slow.start()
    offline = "or set WANDB_MODE=offline to keep the run on this machine"
    try:
        if not wandb.login(prompt=False):
            raise UserError(f"track=wandb needs a key: set WANDB_API_KEY, run `wandb login`, {offline}")
    except wandb.errors.Error as error:
        raise UserError(f"track=wandb: {str(error).rstrip('.')}; fix this, {offline}") from error
    finally:
        slow.cancel()


def start(track: str, folder: Path, config: Mapping[str, Any], next_step: int) -> list[Tracker]:
    """Return the trackers of a run.

    Args:
        track: Value of `track=`.
        folder: Run folder.
        config: Config of the run.
        next_step: First step to write, counted over all stages.
    """
    kinds: dict[str, type[TensorBoard] | type[WandB]] = {"tensorboard": TensorBoard, "wandb": WandB}
    return [kinds[name](folder, config, next_step) for name in trackers(track)]


class TensorBoard:
    """TensorBoard event files in the run's tensorboard/ folder."""

    def __init__(self, folder: Path, config: Mapping[str, Any], next_step: int) -> None:
        """Open the event file. Existing metrics from `next_step` on are hidden, since a resumed run rewrites them."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=next_step)

    def write(self, total_step: int, metrics: Mapping[str, float]) -> None:
        """Write the metrics of one step. `total_step` counts over all stages."""
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, total_step)

    def film(self, label: str, path: Path) -> None:
        """Ignore videos."""

    def close(self, failed: bool) -> None:
        """Close the file."""
        self._writer.close()


class WandB:
    """W&B run in the project WANDB_PROJECT (or kickoff). A resumed run continues the same W&B run."""

    def __init__(self, folder: Path, config: Mapping[str, Any], next_step: int) -> None:
        """Start or resume the W&B run; raise UserError if W&B refuses it."""
        wandb = _wandb()
        known = folder / WANDB_ID
        try:
            self._run = wandb.init(
                id=known.read_text(encoding="utf-8").strip() if known.exists() else None,
                resume="allow",
                project=wandb.setup().settings.project or "kickoff",
                name=folder.name,
                dir=folder,
                config=dict(config),
                allow_val_change=True,  # the cluster settings may change on resume
                settings=wandb.Settings(console="off"),  # W&B must not capture the progress bars
            )
        except wandb.errors.Error as error:
            problem = str(error).rstrip(".")
            raise UserError(f"track=wandb: {problem}; fix this, or set WANDB_MODE=offline") from error
        known.write_text(self._run.id + "\n", encoding="utf-8")
        self._run.define_metric("total_step")
        self._run.define_metric("*", step_metric="total_step")
        self._video = wandb.Video

    def write(self, total_step: int, metrics: Mapping[str, float]) -> None:
        """Write metrics. `total_step` is a metric, since several lines can have the same step."""
        self._run.log({"total_step": total_step, **metrics})

    def film(self, label: str, path: Path) -> None:
        """Upload a video."""
        self._run.log({f"video/{label}": self._video(str(path), format="mp4")})

    def close(self, failed: bool) -> None:
        """Wait for the upload and finish the W&B run."""
        self._run.finish(exit_code=int(failed))


def _wandb() -> Any:
    try:
        import wandb
    except ImportError:
        raise UserError(f"track=wandb needs the package wandb: {install_command('wandb')}") from None
    return wandb
