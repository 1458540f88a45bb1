"""The interface between a run and its learner, engines and rollout workers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from agents.episodes.episode import Episode
from agents.policies.jobs import Job
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.runs.checkpoint import RunState


class LearnerLost(RuntimeError):  # noqa: N818  (an event rather than an error)
    """Raised after a learner rank died and all ranks were restarted with the initial weights.

    The caller must begin the stage, restore a checkpoint and publish the weights.
    """


class Cluster(Protocol):
    """Engines, rollout workers and learner of a run, in one process or on many machines."""

    async def play(self, job: Job) -> list[Episode]:
        """Play the episodes of one job. Jobs may run concurrently."""
        ...

    async def begin_stage(self, algo: AlgoConfig, steps: int) -> None:
        """Create a new optimiser with the settings of a stage of `steps` steps."""
        ...

    async def update(self, trajectories: Sequence[Trajectory], step: int, seed: int) -> dict[str, float]:
        """Run one training step.

        Args:
            trajectories: Token sequences with advantages.
            step: Step number within the stage.
            seed: Seed of the minibatch order.

        Returns:
            Metrics by name.
        """
        ...

    async def publish(self, version: int) -> None:
        """Load the learner's weights into every engine, as `version`."""
        ...

    async def save(self, folder: Path, progress: RunState) -> None:
        """Write a checkpoint below `folder`, from which `restore` resumes exactly."""
        ...

    async def restore(self, folder: Path) -> None:
        """Load the weights and optimiser of a checkpoint into a learner of the same stage."""
        ...

    async def load_weights(self, folder: Path) -> None:
        """Load weights written by `export` into the learner."""
        ...

    async def export(self, folder: Path) -> None:
        """Write a folder that transformers and vLLM can load."""
        ...

    async def close(self) -> None:
        """Wait for pending writes, then stop all parts."""
        ...
