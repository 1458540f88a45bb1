"""What a run asks of its learner, engines and players, wherever they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from agents.episodes.episode import Episode
from agents.episodes.jobs import Job
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.runs.checkpoint import RunState


class LearnerLost(RuntimeError):  # noqa: N818  (it is news rather than an error)
    """A learner rank died. All ranks are new and know nothing: begin the stage, restore a checkpoint and publish."""


class Cluster(Protocol):
    """Engines, players and learner, wherever they are."""

    async def play(self, job: Job) -> list[Episode]:
        """Play one job; many may be under way."""
        ...

    async def begin_stage(self, algo: AlgoConfig, steps: int) -> None:
        """A fresh optimiser with a stage's numbers."""
        ...

    async def update(self, trajectories: Sequence[Trajectory], step: int, seed: int) -> dict[str, float]:
        """One training step; its metrics."""
        ...

    async def publish(self, version: int) -> None:
        """The learner's weights into every engine, as `version`."""
        ...

    async def save(self, folder: Path, progress: RunState) -> None:
        """A checkpoint below `folder`, from which `restore` goes on exactly."""
        ...

    async def restore(self, folder: Path) -> None:
        """Weights and optimiser of a checkpoint, into a learner of the same stage."""
        ...

    async def load_weights(self, folder: Path) -> None:
        """Weights that `export` wrote, into the learner."""
        ...

    async def export(self, folder: Path) -> None:
        """A folder that transformers and vLLM load."""
        ...

    async def close(self) -> None:
        """Stop everything, once all that was saved is on the disk."""
        ...
