"""A cluster of Ray actors: learner ranks, engines and rollout workers on one or more machines.

A dead engine or rollout worker is replaced immediately and its work is repeated. A dead learner rank invalidates the
others: all ranks restart, and `LearnerLost` makes the trainer resume from the last checkpoint.
The actors import this file too, so its imports are light.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayActorError

from agents.engines.base import EngineDead
from agents.engines.config import EngineConfig
from agents.models.config import ModelConfig
from envs.task.config import TaskConfig
from training.cluster.placement import engine_settings
from training.cluster.ray.actors import RolloutWorker
from training.cluster.ray.calls import gather_alive, result, wait_all
from training.cluster.ray.engine_host import EngineHost
from training.cluster.ray.failures import RestartBudget
from training.cluster.ray.ranks import Ranks
from training.cluster.ray.reservation import Reservation, connect
from training.cluster.ray.sending import send_weights
from training.config.algo import AlgoConfig
from training.config.cluster import ClusterConfig
from training.config.learner import LearnerConfig
from training.runs.checkpoint import RunState

if TYPE_CHECKING:
    from agents.episodes.episode import Episode
    from agents.policies.jobs import Job
    from training.algorithm.groups import Trajectory

CLOSE_TIMEOUT_S = 60.0
"""Maximum seconds to wait for actors to close: learners may still be writing a checkpoint."""
MAX_CONCURRENCY = 100_000  # concurrent calls of one engine or rollout worker


class RayCluster:
    """Learner ranks, engines and rollout workers as Ray actors. Create one with `start`."""

    def __init__(
        self,
        cluster: ClusterConfig,
        model: ModelConfig,
        engine: EngineConfig,
        learner: LearnerConfig,
        tasks: Mapping[str, TaskConfig],
        reserved: float = 0.0,
    ) -> None:
        self.cluster = cluster
        self.model = model
        self.engine = engine
        self.reserved = reserved  # bytes of each GPU that an engine without gpu_memory leaves for the learner on it
        self.learner = learner
        self.tasks = tasks
        self.version = 0
        self.engines: dict[int, Any] = {}
        """Engines with the weights of `version`, by number."""
        self.workers: dict[int, Any] = {}
        self._waiting: dict[int, Any] = {}  # engines without weights, until the next `publish`
        self._playing: dict[int, int] = {}  # number of episodes in progress on each worker
        self._workers_there = asyncio.Event()
        self._max_context: int | None = None
        self._learning = asyncio.Lock()
        self._ahead = False  # True if the learners' weights differ from those of `version`
        self._running = False
        self._lost: RuntimeError | None = None  # not raised yet
        self._deaths = RestartBudget(cluster.restarts)
        self._supervisors: list[asyncio.Task[None]] = []
        self._reserved: Reservation | None = None
        self._ranks: Ranks | None = None

    @property
    def replaced(self) -> dict[str, int]:
        """Number of replaced actors by kind. A restart of all learner ranks counts as one."""
        return dict(self._deaths.counts)

    @classmethod
    async def start(
        cls,
        cluster: ClusterConfig,
        model: ModelConfig,
        engine: EngineConfig,
        learner: LearnerConfig,
        tasks: Mapping[str, TaskConfig],
        reserved: float = 0.0,
    ) -> "RayCluster":
        """Join or start Ray, and start all actors. Raise ValueError (one line) if the cluster is too small."""
        connect(cluster)
        self = cls(cluster, model, engine, learner, tasks, reserved)
        try:
            self._reserved = await Reservation.make(cluster)
            await self._deaths.guarded(self._start_all())
        except BaseException:
            await self.close()
            raise
        return self

    # -- playing ------------------------------------------------------------------------------------------------------

    async def play(self, job: "Job") -> "list[Episode]":
        """Play a job on the worker with the fewest episodes in progress. Repeat on another worker if it dies."""
        while True:
            await self._deaths.guarded(self._workers_there.wait())
            number = min(self.workers, key=lambda n: (self._playing[n], n))
            worker = self.workers[number]
            self._playing[number] += len(job.starts)
            try:
                return await self._deaths.guarded(result(worker.play.remote(job)))
            except RayActorError:
                await self._drop("worker", number, worker)
            finally:
                if self.workers.get(number) is worker:  # a replacement starts at 0
                    self._playing[number] -= len(job.starts)

    # -- learning -----------------------------------------------------------------------------------------------------

    async def begin_stage(self, algo: AlgoConfig, steps: int) -> None:
        """Create a new optimiser with the settings of a stage of `steps` steps."""
        async with self._learning:
            await self._call("begin_stage", algo, steps)

    async def update(self, trajectories: "Sequence[Trajectory]", step: int, seed: int) -> dict[str, float]:
        """Run one training step and return its metrics. All ranks read the trajectories from the object store."""
        async with self._learning:
            await self._set_engines_asleep(True)
            self._ahead = True
            metrics: list[dict[str, float]] = await self._call("update", ray.put(list(trajectories)), step, seed)
            return metrics[0]

    async def publish(self, version: int) -> None:
        """Load the learners' weights into every engine, as `version`."""
        async with self._learning:
            await self._set_engines_asleep(True)  # the transfer needs the memory of the KV caches
            await self._set_engines_asleep(False)
            self.version = version
            await self._send(self.engines | self._waiting)
            self._ahead = False
            self.engines |= self._waiting
            self._waiting.clear()
            await self._broadcast_engines(self.workers.values())

    async def save(self, folder: Path, progress: "RunState") -> None:
        """Write a checkpoint below `folder`, from which any number of ranks resumes exactly."""
        async with self._learning:
            await self._call("save", folder.resolve(), progress)

    async def restore(self, folder: Path) -> None:
        """Load the weights and optimiser of a checkpoint into learners of the same stage."""
        async with self._learning:
            self._ahead = True
            await self._call("restore", folder.resolve())

    async def load_weights(self, folder: Path) -> None:
        """Load weights written by `export` into the learners."""
        async with self._learning:
            self._ahead = True
            await self._call("load_weights", folder.resolve())

    async def export(self, folder: Path) -> None:
        """Write a folder that transformers and vLLM can load."""
        async with self._learning:
            await self._call("export", folder.resolve())

    async def close(self) -> None:
        """Wait for pending writes, then stop all actors, and Ray if it was started here."""
        for supervisor in self._supervisors:
            supervisor.cancel()
        await asyncio.gather(*self._supervisors, return_exceptions=True)
        learners = self._ranks.actors if self._ranks is not None else []
        await wait_all([one.close.remote() for one in [*self.engines.values(), *learners]], CLOSE_TIMEOUT_S)
        ray.shutdown()

    # -- learner ranks ------------------------------------------------------------------------------------------------

    async def _call(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of all learner ranks at once and return the results by rank."""
        if self._lost is not None:
            lost, self._lost = self._lost, None
            raise lost
        assert self._ranks is not None
        return await self._ranks.call(method, *arguments)

    def _learner_died(self, error: Exception) -> None:
        """Count the death. All ranks restart with the run's initial weights."""
        self._ahead = True
        self._deaths.count("learner", error)

    # -- engines and workers ------------------------------------------------------------------------------------------

    async def _start_all(self) -> None:
        """Start every actor, and supervise engines and workers from now on."""
        assert self._reserved is not None
        self._ranks = Ranks(self._reserved, self.model, self.learner, self._learner_died)
        learners = asyncio.ensure_future(self._ranks.start())
        if self.cluster.colocate:
            await learners  # they allocate their memory first
        memory = await self._ranks.gpu_bytes() if self.reserved else 0.0
        self.engine = engine_settings(self.cluster, self.engine, self.reserved, memory)
        kinds = [("engine", self.cluster.engines), ("worker", self.cluster.rollout_workers)]
        started = [(kind, number, asyncio.Event()) for kind, count in kinds for number in range(count)]
        self._supervisors = [asyncio.create_task(self._supervise(*one)) for one in started]
        await asyncio.gather(learners, *(ready.wait() for *_, ready in started))
        self._running = True

    async def _supervise(self, kind: str, number: int, ready: asyncio.Event) -> None:
        """Start an engine or worker, and restart it whenever it dies."""
        while not self._deaths.final:
            actor = None
            try:
                actor = await (self._start_engine(number) if kind == "engine" else self._start_worker(number))
                ready.set()
                await result(actor.live.remote())
            except (RayActorError, EngineDead) as error:
                await self._drop(kind, number, actor)
                if actor is not None:  # it may only be unreachable
                    ray.kill(actor)
                with suppress(RuntimeError):
                    self._deaths.count(kind, error)
            except Exception as error:  # it fails at start-up
                self._deaths.fail(error)

    async def _start_engine(self, number: int) -> Any:
        """Start an engine with the learners' weights. If those are ahead, the next `publish` loads them."""
        late = self.cluster.colocate and self._running  # a replacement has memory only while no learner works
        engine = None if late else await self._load_engine(number)
        async with self._learning:
            engine = engine or await self._load_engine(number)
            if self.version and not self._ahead:
                try:
                    await self._send({number: engine})
                except RuntimeError as lost:  # raised in the trainer's next call
                    self._lost, self._ahead = lost, True
            if self._ahead:
                self._waiting[number] = engine
                if late:
                    await gather_alive([engine.sleep.remote()])
                return engine
            self.engines[number] = engine
        await self._broadcast_engines(self.workers.values())
        return engine

    async def _load_engine(self, number: int) -> Any:
        """Start an engine with the run's initial weights."""
        gpus = None if self.cluster.gpus else ""
        if self.cluster.colocate:
            assert self._ranks is not None
            gpus = await self._ranks.gpus(number)
        engine = self._actor(EngineHost, "engine", number).remote(gpus)
        self._max_context = await result(engine.start.remote(self.model, self.engine))
        return engine

    async def _start_worker(self, number: int) -> Any:
        """Start a rollout worker and connect it to the engines."""
        worker = self._actor(RolloutWorker, "worker", number).remote(number)
        await result(worker.start.remote(self.model, self.tasks, self.engine))
        self.workers[number], self._playing[number] = worker, 0
        await self._broadcast_engines([worker])
        self._workers_there.set()
        return worker

    async def _drop(self, kind: str, number: int, actor: Any) -> None:
        """Stop routing work to a dead actor."""
        for known in (self.engines, self._waiting) if kind == "engine" else (self.workers,):
            if actor is not None and known.get(number) is actor:
                del known[number]
        if not self.workers:
            self._workers_there.clear()
        if kind == "engine":
            await self._broadcast_engines(self.workers.values())

    async def _broadcast_engines(self, workers: Any) -> None:
        """Send workers the current engines."""
        await gather_alive(worker.connect.remote(self.engines, self.version, self._max_context) for worker in workers)

    async def _send(self, engines: Mapping[int, Any]) -> None:
        """Load the learners' weights into engines, as `version`."""
        await send_weights(self._call, engines, self.engine.vllm, self.version)

    async def _set_engines_asleep(self, asleep: bool) -> None:
        """Put colocated engines to sleep during learner work, or wake them."""
        if self.cluster.colocate:
            engines = (self.engines | self._waiting).values()
            await gather_alive(engine.sleep.remote() if asleep else engine.wake.remote() for engine in engines)

    def _actor(self, kind: type, name: str, number: int) -> Any:
        """Return Ray's actor class with the reserved resources."""
        assert self._reserved is not None
        return ray.remote(kind).options(max_concurrency=MAX_CONCURRENCY, **self._reserved.options(name, number))
