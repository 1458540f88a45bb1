"""Where the parts of a run stand: learner ranks, engines and rollout workers on machines and their GPUs. Knows no Ray.

Colocated, every learner rank shares its GPU with an engine (or a part of one), which sleeps while it learns. Split,
learners and engines have GPUs of their own and work at the same time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from agents.engines.config import EngineConfig
from training.config.algo import AlgoConfig
from training.config.cluster import ClusterConfig


@dataclass(frozen=True)
class Slot:
    """A GPU of the cluster, and what runs on it."""

    node: int
    gpu: int
    learner: int | None
    """Rank."""
    engine: int | None
    """Number of the engine of which a part is here."""


def check(cluster: ClusterConfig, stages: Mapping[str, AlgoConfig], engine: EngineConfig) -> None:
    """ValueError in one line where the sizes do not fit together.

    Args:
        cluster: The machines.
        stages: Numbers of every stage, by name.
        engine: The engines' settings.
    """
    for name, algo in stages.items():
        if cluster.kind == "ray" and cluster.colocate and algo.max_staleness:
            raise ValueError(
                f"stages.{name}.algo.max_staleness={algo.max_staleness} needs engines that play while the "
                "learners learn, but cluster.colocate=true puts them on the same GPUs; set max_staleness=0 or "
                "cluster.colocate=false"
            )
        if algo.minibatch < cluster.learners:
            raise ValueError(
                f"stages.{name}.algo.minibatch={algo.minibatch} trajectories cannot be shared out among "
                f"cluster.learners={cluster.learners}; raise minibatch to at least {cluster.learners}"
            )
    _check_transfer(cluster, engine)
    if cluster.kind == "local":
        _check_local(cluster)
        return
    if cluster.gpus == 0:
        _check_cpu(cluster)
        return
    if engine.kind == "transformers" and cluster.engine_gpus > 1:
        raise ValueError(
            f"cluster.engine_gpus={cluster.engine_gpus} needs engine.kind=vllm: a transformers engine has one GPU"
        )
    if cluster.engine_gpus > cluster.gpus_per_node:
        raise ValueError(
            f"cluster.engine_gpus={cluster.engine_gpus} is more than cluster.gpus_per_node={cluster.gpus_per_node}, "
            "and an engine stays on one machine; lower engine_gpus and raise engines"
        )
    if cluster.colocate and cluster.generating_gpus != cluster.learners:
        raise ValueError(
            f"cluster.colocate=true needs engines × engine_gpus = learners, got {cluster.engines} × "
            f"{cluster.engine_gpus} and {cluster.learners}; make them equal or set cluster.colocate=false"
        )
    needed = cluster.learners if cluster.colocate else cluster.learners + cluster.generating_gpus
    if needed > cluster.gpus:
        raise ValueError(
            f"{needed} GPUs are asked for ({_sum(cluster)}), but cluster.nodes={cluster.nodes} × "
            f"cluster.gpus_per_node={cluster.gpus_per_node} have {cluster.gpus}; ask for fewer or add machines"
        )
    place(cluster)


def place(cluster: ClusterConfig) -> list[Slot]:
    """What runs on each GPU in use, machine by machine: engines first, for an engine must not span two machines.

    ValueError where engines of this size leave gaps, so that learners or engines do not fit.
    """
    per_node = cluster.gpus_per_node // cluster.engine_gpus  # engines of one machine at most
    slots: list[Slot] = []
    engines = learners = 0
    for node in range(cluster.nodes):
        here = min(per_node, cluster.engines - engines)
        for gpu in range(cluster.gpus_per_node):
            engine = engines + gpu // cluster.engine_gpus if gpu < here * cluster.engine_gpus else None
            learner = learners if learners < cluster.learners and (engine is None or cluster.colocate) else None
            if cluster.colocate and engine is None:
                learner = None
            learners += learner is not None
            if learner is not None or engine is not None:
                slots.append(Slot(node, gpu, learner, engine))
        engines += here
    if engines < cluster.engines or learners < cluster.learners:
        raise ValueError(
            f"engines of {cluster.engine_gpus} GPUs leave gaps on machines of {cluster.gpus_per_node}: there is room "
            f"for {engines} of {cluster.engines} engines and {learners} of {cluster.learners} learners; choose "
            "engine_gpus that divides gpus_per_node"
        )
    return slots


def engine_settings(cluster: ClusterConfig, engine: EngineConfig) -> EngineConfig:
    """The engines' settings, with what the machines decide of them."""
    vllm = replace(engine.vllm, tensor_parallel=cluster.engine_gpus)
    if cluster.colocate:
        vllm = replace(vllm, sleep=vllm.sleep or 1)
    return replace(engine, vllm=vllm)


def _check_transfer(cluster: ClusterConfig, engine: EngineConfig) -> None:
    """From GPU to GPU weights come by vLLM's own transfer: nccl between two GPUs, ipc on one."""
    transfer = engine.vllm.transfer
    if transfer == "shared":
        return
    word = f"engine.vllm.transfer={transfer}"
    if cluster.kind == "local" or not cluster.gpus:
        where = "in one process" if cluster.kind == "local" else "on CPUs"
        raise ValueError(f"{word} needs learners and engines on GPUs of a Ray cluster; {where} set it to shared")
    if engine.kind != "vllm":
        raise ValueError(f"{word} needs engine.kind=vllm, got engine.kind={engine.kind}")
    if transfer != ("ipc" if cluster.colocate else "nccl"):
        how, fits = ("true", "ipc, on one GPU,") if cluster.colocate else ("false", "nccl, between GPUs,")
        raise ValueError(f"{word} does not go with cluster.colocate={how}; {fits} does, and shared")


def _check_local(cluster: ClusterConfig) -> None:
    """One process has one of everything, and takes the GPU that is there."""
    for key in ("gpus_per_node", "colocate"):
        if value := getattr(cluster, key):
            raise ValueError(
                f"cluster.{key}={str(value).lower()} needs cluster.kind=ray (cluster=ray): one process takes the GPU "
                "that it finds"
            )
    for key in ("nodes", "learners", "engines", "engine_gpus", "rollout_workers"):
        if getattr(cluster, key) != 1:
            raise ValueError(
                f"cluster.{key}={getattr(cluster, key)} needs cluster.kind=ray (cluster=ray): one process has one"
            )


def _check_cpu(cluster: ClusterConfig) -> None:
    """CPUs are not shared out: an engine is one process and there is nothing to colocate."""
    if cluster.engine_gpus != 1:
        raise ValueError(f"cluster.engine_gpus={cluster.engine_gpus} needs GPUs, but cluster.gpus_per_node=0")
    if cluster.colocate:
        raise ValueError("cluster.colocate=true shares GPUs, but cluster.gpus_per_node=0; set cluster.colocate=false")


def _sum(cluster: ClusterConfig) -> str:
    """How the GPUs asked for come together."""
    if cluster.colocate:
        return f"{cluster.learners} learners, colocated with the engines"
    return f"{cluster.learners} learners + {cluster.engines} engines × {cluster.engine_gpus}"
