"""All parts of a run in one process: plain objects where `training/cluster/ray` has actors."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from agents.engines.base import Engine
from agents.engines.factory import make_engine
from agents.episodes.episode import Episode
from agents.episodes.jobs import Job, JobRunner
from agents.models.load import LoadedModel
from agents.policies.model import VLMPolicy
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.run import Config
from training.learner.learner import Learner
from training.runs import checkpoint
from training.runs.checkpoint import RunState


class LocalCluster:
    """One learner, one engine and one player in this process."""

    def __init__(self, config: Config, model: LoadedModel, engine: Engine) -> None:
        self.model = model
        self.engine = engine
        self.learner = Learner(model.vlm, config.learner)
        self.player = JobRunner(config.tasks, VLMPolicy(model.chat, engine))
        self._at_once = any(stage.algo.max_staleness for stage in config.played.values())

    @classmethod
    async def start(cls, config: Config, model: LoadedModel) -> "LocalCluster":
        """The learner trains `model`; the engine loads its own copy."""
        return cls(config, model, await make_engine(config.model.path, config.engine))

    async def play(self, job: Job) -> list[Episode]:
        """Play one job."""
        return await self.player.play(job)

    async def begin_stage(self, algo: AlgoConfig, steps: int) -> None:
        """A fresh optimiser with a stage's numbers."""
        self.learner.begin_stage(algo, steps)

    async def update(self, trajectories: Sequence[Trajectory], step: int, seed: int) -> dict[str, float]:
        """One training step; in a thread of its own where episodes are played meanwhile."""
        if self._at_once:
            return await asyncio.to_thread(self.learner.update, trajectories, step, seed)
        await self.engine.sleep()
        return self.learner.update(trajectories, step, seed)

    async def publish(self, version: int) -> None:
        """The learner's weights into the engine."""
        if not self._at_once:
            await self.engine.wake()
        await self.engine.load_weights(self.learner.weights(), version)

    async def save(self, folder: Path, progress: RunState) -> None:
        """A checkpoint below `folder`."""
        checkpoint.save(folder, self.learner, progress)

    async def restore(self, folder: Path) -> None:
        """Weights and optimiser of a checkpoint."""
        checkpoint.restore(folder, self.learner)

    async def load_weights(self, folder: Path) -> None:
        """Weights that `export` wrote."""
        self.learner.load_weights(folder)

    async def export(self, folder: Path) -> None:
        """A folder that transformers and vLLM load."""
        self.learner.export(folder)

    async def close(self) -> None:
        """Stop everything."""
        self.player.close()
        self.learner.close()
        await self.engine.close()
