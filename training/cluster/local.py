"""A cluster in one process, with plain objects instead of the actors of `training/cluster/ray`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import torch

from agents.engines.base import Engine
from agents.engines.factory import make_engine
from agents.episodes.episode import Episode
from agents.models.load import LoadedModel, best_device
from agents.policies.jobs import Job, JobRunner
from agents.policies.model import VLMPolicy
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.run import Config
from training.learner.learner import Learner
from training.runs import checkpoint
from training.runs.checkpoint import RunState


class LocalCluster:
    """One learner, one engine and one job runner in this process."""

    def __init__(self, config: Config, model: LoadedModel, engine: Engine) -> None:
        self.model = model
        self.engine = engine
        self.learner = Learner(model.vlm, config.learner, device=best_device())
        joint = any(stage.selfplay.past for stage in config.played.values())
        self.player = JobRunner(config.tasks, VLMPolicy(model.chat, engine), config.engine, joint=joint)
        self._at_once = any(stage.algo.max_staleness for stage in config.played.values())

    @classmethod
    async def start(cls, config: Config, model: LoadedModel) -> "LocalCluster":
        """Create a cluster with a learner for `model`. The engine loads a separate copy."""
        return cls(config, model, await make_engine(config.model.path, config.engine))

    async def play(self, job: Job) -> list[Episode]:
        """Play the episodes of one job."""
        return await self.player.play(job)

    async def begin_stage(self, algo: AlgoConfig, steps: int) -> None:
        """Create a new optimiser with the settings of a stage of `steps` steps."""
        self.learner.begin_stage(algo, steps)

    async def update(self, trajectories: Sequence[Trajectory], step: int, seed: int) -> dict[str, float]:
        """Run one training step and return its metrics.

        The step runs in a separate thread if any stage plays episodes during training (`max_staleness`).

        Args:
            trajectories: Token sequences with advantages.
            step: Step number within the stage.
            seed: Seed of the minibatch order.
        """
        if self._at_once:
            return await asyncio.to_thread(self.learner.update, trajectories, step, seed)
        await self.engine.sleep()
        metrics = self.learner.update(trajectories, step, seed)
        self._release()
        return metrics

    async def publish(self, version: int) -> None:
        """Load the learner's weights into the engine, as `version`."""
        if not self._at_once:
            await self.engine.sleep()  # an update needs the memory of its KV cache
            await self.engine.wake()
        await self.engine.load_weights(self.learner.weights(), version)
        self._release()

    def _release(self) -> None:
        """Return unused GPU memory, for vLLM's process on the same GPU."""
        if self.learner.device.type == "cuda":
            torch.cuda.empty_cache()

    async def save(self, folder: Path, progress: RunState) -> None:
        """Write a checkpoint below `folder`."""
        checkpoint.save(folder, self.learner, progress)

    async def restore(self, folder: Path) -> None:
        """Load the weights and optimiser of a checkpoint."""
        checkpoint.restore(folder, self.learner)

    async def load_weights(self, folder: Path) -> None:
        """Load weights written by `export`."""
        self.learner.load_weights(folder)

    async def export(self, folder: Path) -> None:
        """Write a folder that transformers and vLLM can load."""
        self.learner.export(folder)

    async def close(self) -> None:
        """Stop the job runner, the learner and the engine."""
        self.player.close()
        await self.player.close_engines()
        self.learner.close()
        await self.engine.close()
