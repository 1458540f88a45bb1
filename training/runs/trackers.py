"""Where metrics go beside metrics.jsonl: TensorBoard, Weights & Biases, both or none (`track=`)."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from configs.errors import UserError
from training.config.run import trackers

WANDB_ID = "wandb.id"
"""The file in a run folder that names its W&B run."""
SLOW = 3.0
"""Seconds after which a wait for W&B is told."""


class Tracker(Protocol):
    """Draws metrics somewhere."""

    def write(self, total_step: int, metrics: Mapping[str, float]) -> None:
        """The metrics of one step."""
        ...

    def film(self, label: str, path: Path) -> None:
        """A video of the run."""
        ...

    def close(self, failed: bool) -> None:
        """Nothing more comes, because the run is done or has failed."""
        ...


def check(track: str) -> None:
    """UserError in one line where W&B is asked for and cannot be reached: before anything is written."""
    if "wandb" not in trackers(track):
        return
    wandb = _wandb()
    if wandb.setup().settings.mode != "online":
        return
    told = "track=wandb: waiting for W&B to answer (a minute or so at most) …"
    slow = threading.Timer(SLOW, print, [told], {"file": sys.stderr})
    slow.daemon = True
    slow.start()
    offline = "or set WANDB_MODE=offline to keep the run on this machine"
    try:
        if not wandb.login(prompt=False):
            raise UserError(f"track=wandb needs a key: set WANDB_API_KEY, run `wandb login`, {offline}")
    except wandb.errors.Error as error:
        raise UserError(f"track=wandb: {str(error).rstrip('.')}. Mend that, {offline}") from error
    finally:
        slow.cancel()


def start(track: str, folder: Path, config: Mapping[str, Any], next_step: int) -> list[Tracker]:
    """The trackers of a run that goes on at `next_step`."""
    kinds: dict[str, type[TensorBoard] | type[WandB]] = {"tensorboard": TensorBoard, "wandb": WandB}
    return [kinds[name](folder, config, next_step) for name in trackers(track)]


class TensorBoard:
    """Event files in the run's tensorboard/."""

    def __init__(self, folder: Path, config: Mapping[str, Any], next_step: int) -> None:
        """What an unfinished run has written from `next_step` on is hidden: it comes again."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=next_step)

    def write(self, total_step: int, metrics: Mapping[str, float]) -> None:
        """The metrics of one step."""
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, total_step)

    def film(self, label: str, path: Path) -> None:
        """Videos are not shown there."""

    def close(self, failed: bool) -> None:
        """Close the file."""
        self._writer.close()


class WandB:
    """A W&B run in the project WANDB_PROJECT (or kickoff), the same one when the run goes on."""

    def __init__(self, folder: Path, config: Mapping[str, Any], next_step: int) -> None:
        """UserError where W&B does not take the run."""
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
                allow_val_change=True,  # other machines may go on with it
                settings=wandb.Settings(console="off"),  # the bars stay this program's
            )
        except wandb.errors.Error as error:
            problem = str(error).rstrip(".")
            raise UserError(f"track=wandb: {problem}. Mend that, or set WANDB_MODE=offline to go on") from error
        known.write_text(self._run.id + "\n", encoding="utf-8")
        self._run.define_metric("total_step")
        self._run.define_metric("*", step_metric="total_step")
        self._video = wandb.Video

    def write(self, total_step: int, metrics: Mapping[str, float]) -> None:
        """The metrics of one step: several lines may have one, and a run that goes on writes some steps again."""
        self._run.log({"total_step": total_step, **metrics})

    def film(self, label: str, path: Path) -> None:
        """A video, as it is on the disk."""
        self._run.log({f"video/{label}": self._video(str(path), format="mp4")})

    def close(self, failed: bool) -> None:
        """Wait until all is there."""
        self._run.finish(exit_code=int(failed))


def _wandb() -> Any:
    try:
        import wandb
    except ImportError:
        raise UserError("track=wandb needs the package wandb: pip install 'kickoff-rl[wandb]'") from None
    return wandb
