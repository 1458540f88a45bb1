"""The parts of a run as plain classes, which the cluster turns into Ray actors. `engine_host.py` has EngineHost.

RolloutWorker ──generate──▶ EngineHost ◀──weights── LearnerRank 0 … n-1
▲ job, episodes ▼                                ▲ trajectories, metrics ▼
RayCluster (the driver)
"""

import asyncio
import os
import warnings
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayActorError

from agents.engines.config import EngineConfig, VLLMConfig
from agents.models.config import ModelConfig
from envs.task.config import TaskConfig
from training.cluster.ray.network import free_port, join_store, open_store, use_interface
from training.cluster.ray.router import RemoteEngine
from training.cluster.ray.weights import pieces
from training.config.algo import AlgoConfig
from training.config.learner import LearnerConfig
from training.runs.checkpoint import RunState

if TYPE_CHECKING:
    from agents.engines.transfer import DirectSender
    from agents.episodes.episode import Episode
    from agents.policies.jobs import Job
    from training.algorithm.groups import Trajectory

COLLECTIVE_TIMEOUT = timedelta(hours=1)
"""Maximum time that a rank waits in a collective. Ray detects a dead rank immediately."""


class LearnerRank:
    """One rank of the learner. All ranks are called at the same time with the same arguments."""

    def __init__(self, rank: int, world: int, gpu: bool) -> None:
        self.rank = rank
        self.world = world
        self.gpu = gpu
        if not gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        self.learner: Any = None
        self.store: Any = None
        self.sender: DirectSender | None = None
        self.receivers: list[Any] = []

    def meeting(self) -> tuple[str, int]:
        """Return the IP address of this machine and the port at which rank 0 meets the others."""
        if self.rank == 0:
            self.store = open_store(_own_address())
        return _own_address(), self.store.port if self.store else 0

    def address(self) -> tuple[str, int]:
        """Return the IP address of this machine and a free port."""
        return _own_address(), free_port()

    def gpus(self) -> str:
        """Return the GPU of this rank, as in CUDA_VISIBLE_DEVICES."""
        return os.environ.get("CUDA_VISIBLE_DEVICES", "")

    def gpu_bytes(self) -> float:
        """Return the memory of this rank's GPU in bytes."""
        import torch

        return float(torch.cuda.get_device_properties(0).total_memory)

    def start(self, address: tuple[str, int], model: ModelConfig, config: LearnerConfig) -> None:
        """Connect to the other ranks and load the model. Only rank 0 reads its weights.

        Args:
            address: IP address and port of rank 0.
            model: Model settings.
            config: Learner settings.
        """
        import torch
        from torch.distributed import init_process_group
        from torch.distributed.device_mesh import init_device_mesh

        from agents.models.load import load_model, load_skeleton
        from training.learner.learner import Learner

        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")  # shared trajectories
        use_interface(_own_address())
        mesh = None
        if self.world > 1:
            self.store = self.store or join_store(*address)
            backend = "nccl" if self.gpu else "gloo"
            init_process_group(
                backend, store=self.store, rank=self.rank, world_size=self.world, timeout=COLLECTIVE_TIMEOUT
            )
            mesh = init_device_mesh("cuda" if self.gpu else "cpu", (self.world,))
        loaded = load_skeleton(model.path) if self.rank else load_model(model.path)
        device = torch.device("cuda", torch.cuda.current_device()) if self.gpu else None
        self.learner = Learner(loaded.vlm, config, mesh, device)
        self._release()

    def _release(self) -> None:
        """Return unused GPU memory, for an engine on the same GPU."""
        if self.gpu:
            import torch

            torch.cuda.empty_cache()

    def begin_stage(self, algo: AlgoConfig, steps: int) -> None:
        """Create a new optimiser with the settings of a stage of `steps` steps."""
        self.learner.begin_stage(algo, steps)

    def update(self, trajectories: "list[Trajectory]", step: int, seed: int) -> dict[str, float]:
        """Run one training step on this rank's share of the trajectories.

        Args:
            trajectories: Token sequences of all ranks.
            step: Step number within the stage.
            seed: Seed of the minibatch order.

        Returns:
            Metrics over all ranks.
        """
        metrics: dict[str, float] = self.learner.update(trajectories, step, seed)
        self._release()
        return metrics

    def weights(self) -> list[Any]:
        """Return references to the pieces of the full weights on rank 0, and an empty list on other ranks."""
        references = []
        if self.rank:
            for _ in self.learner.weights():
                pass
        else:
            references = [ray.put(piece) for piece in pieces(self.learner.weights())]
        self._release()
        return references

    def send(self, engines: list[Any], config: VLLMConfig, address: tuple[str, int], version: int) -> None:
        """Send the weights directly from this GPU to the engines' GPUs with vLLM's own transfer.

        Args:
            engines: Actors of all engines.
            config: vLLM settings.
            address: IP address and port of rank 0.
            version: Version of the weights.

        Raises:
            RuntimeError: An engine died. The other engines and ranks are left waiting for it.
        """
        import torch

        from agents.engines.transfer import DirectSender

        names = [engine._actor_id for engine in engines]
        if self.sender is None or names != self.receivers:

            def call(method: str, arguments: list[tuple[Any, ...]]) -> None:
                calls = [engine.call.remote(method, *each) for engine, each in zip(engines, arguments, strict=True)]
                try:
                    ray.get(calls)
                except RayActorError as error:  # would be mistaken for the death of this rank
                    raise RuntimeError("an engine died while it was sent weights") from error

            dtype = torch.float32 if config.dtype == "float32" else torch.bfloat16
            if self.sender is not None:
                self.sender.close()
            self.sender, self.receivers = None, names
            self.sender = DirectSender(
                config.transfer,
                self.learner.weights,
                dtype,
                self.rank,
                call,
                len(engines),
                config.tensor_parallel,
                address,
            )
        self.sender.send(version)
        self._release()

    def save(self, folder: Path, progress: "RunState") -> None:
        """Write a checkpoint from all ranks."""
        from training.runs import checkpoint

        checkpoint.save(folder, self.learner, progress)

    def restore(self, folder: Path) -> None:
        """Load a checkpoint written by `save` with any number of ranks."""
        from training.runs import checkpoint

        checkpoint.restore(folder, self.learner)

    def load_weights(self, folder: Path) -> None:
        """Load only the weights, from an exported folder."""
        self.learner.load_weights(folder)

    def export(self, folder: Path) -> None:
        """Write a folder that transformers and vLLM can load, from rank 0."""
        self.learner.export(folder)

    def close(self) -> None:
        """Wait for pending checkpoint writes."""
        self.learner.close()


class RolloutWorker:
    """A process that plays episodes with all engines of the cluster."""

    def __init__(self, number: int) -> None:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        self.engine = RemoteEngine(number)
        self.player: Any = None

    async def start(self, model: ModelConfig, tasks: Mapping[str, TaskConfig], engine: EngineConfig) -> None:
        """Load the tasks and the model's tokenizer and image processor. Opponents and teachers use `engine`."""
        from agents.models.load import load_chat
        from agents.policies.jobs import JobRunner
        from agents.policies.model import VLMPolicy

        self.player = JobRunner(tasks, VLMPolicy(load_chat(model.path), self.engine), engine)

    async def connect(self, hosts: Mapping[int, Any], version: int, max_context: int | None) -> None:
        """Set the engines to use.

        Args:
            hosts: Engine actors by number.
            version: Version of the engines' weights.
            max_context: Maximum context length in tokens.
        """
        self.engine.connect(hosts, version, max_context)

    async def play(self, job: "Job") -> "list[Episode]":
        """Play the episodes of a job."""
        await self.engine.ready()
        episodes: list[Episode] = await self.player.play(job)
        return episodes

    async def pid(self) -> int:
        """Return this process's ID."""
        return os.getpid()

    async def live(self) -> None:
        """Wait forever, so that a caller awaiting this method sees the actor's death immediately."""
        await asyncio.Event().wait()


def _own_address() -> str:
    host: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    return host
