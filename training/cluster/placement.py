"""Placement of learner ranks and engines on machines and GPUs, independent of Ray.

Colocated: every learner rank shares its GPU with an engine (or a part of one), which sleeps during training steps.
Split: learners and engines use separate GPUs and work at the same time.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from agents.engines.config import SHARE, EngineConfig
from training.config.algo import AlgoConfig
from training.config.cluster import ClusterConfig


@dataclass(frozen=True)
class Slot:
    """One GPU of the cluster and the parts that run on it."""

    node: int
    gpu: int
    learner: int | None
    """Learner rank on this GPU."""
    engine: int | None
    """Number of the engine that uses this GPU."""


def check(cluster: ClusterConfig, stages: Mapping[str, AlgoConfig], engine: EngineConfig) -> None:
    """Check that the cluster sizes are consistent with each other, the stages and the engines.

    Args:
        cluster: Cluster settings.
        stages: Algorithm settings of every stage, by name.
        engine: Engine settings.

    Raises:
        ValueError: The sizes are inconsistent (one-line message).
    """
    for name, algo in stages.items():
        if cluster.kind == "ray" and cluster.colocate and algo.max_staleness:
            raise ValueError(
                f"stages.{name}.algo.max_staleness={algo.max_staleness} needs engines that run during training "
                "steps, but cluster.colocate=true puts them on the learners' GPUs; set max_staleness=0 or "
                "cluster.colocate=false"
            )
        if algo.minibatch < cluster.learners:
            raise ValueError(
                f"stages.{name}.algo.minibatch={algo.minibatch} trajectories cannot be divided among "
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
            f"cluster.engine_gpus={cluster.engine_gpus} needs engine.kind=vllm: a transformers engine uses one GPU"
        )
    if cluster.engine_gpus > cluster.gpus_per_node:
        raise ValueError(
            f"cluster.engine_gpus={cluster.engine_gpus} exceeds cluster.gpus_per_node={cluster.gpus_per_node}, "
            "but an engine must fit on one machine; lower engine_gpus and raise engines"
        )
    if cluster.colocate and cluster.generating_gpus != cluster.learners:
        raise ValueError(
            f"cluster.colocate=true needs engines × engine_gpus = learners, got {cluster.engines} × "
            f"{cluster.engine_gpus} and {cluster.learners}; make them equal or set cluster.colocate=false"
        )
    needed = cluster.learners if cluster.colocate else cluster.learners + cluster.generating_gpus
    if needed > cluster.gpus:
        raise ValueError(
            f"{needed} GPUs are required ({_sum(cluster)}), but cluster.nodes={cluster.nodes} × "
            f"cluster.gpus_per_node={cluster.gpus_per_node} provide {cluster.gpus}; request fewer or add machines"
        )
    place(cluster)


def place(cluster: ClusterConfig) -> list[Slot]:
    """Assign engines and learner ranks to GPUs, machine by machine.

    Engines are placed first, because an engine must not span two machines.

    Args:
        cluster: Cluster settings.

    Returns:
        The GPUs in use, in order of machine and GPU.

    Raises:
        ValueError: Engines of this size leave gaps, so that not all learners or engines fit.
    """
    per_node = cluster.gpus_per_node // cluster.engine_gpus  # maximum number of engines on one machine
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
            f"engines of {cluster.engine_gpus} GPUs leave gaps on machines of {cluster.gpus_per_node}: only "
            f"{engines} of {cluster.engines} engines and {learners} of {cluster.learners} learners fit; choose "
            "an engine_gpus that divides gpus_per_node"
        )
    return slots


def engine_settings(
    cluster: ClusterConfig, engine: EngineConfig, reserved: float = 0.0, memory: float = 0.0
) -> EngineConfig:
    """Return the engine settings with the values that the cluster determines.

    Args:
        cluster: Cluster settings.
        engine: Engine settings.
        reserved: Bytes of each GPU that an engine without `gpu_memory` leaves for a learner.
        memory: Bytes of a GPU.

    Raises:
        ValueError: The learner leaves nothing (one-line message).
    """
    vllm = replace(engine.vllm, tensor_parallel=cluster.engine_gpus)
    if cluster.colocate:
        vllm = replace(vllm, sleep=vllm.sleep or 2)
    if reserved and not vllm.gpu_memory:
        share = largest_share(reserved, memory)
        if share <= 0:
            raise ValueError(
                f"the learner needs {reserved / 2**30:.1f} of the GPU's {memory / 2**30:.1f} GiB, which leaves nothing "
                "for an engine; set learner.lora_rank=16 or use more GPUs (plan=true prints the memory)"
            )
        vllm = replace(vllm, gpu_memory=share)
    return replace(engine, vllm=vllm)


def largest_share(reserved: float, memory: float) -> float:
    """Return the fraction of a GPU of `memory` bytes that an engine may take, with `reserved` bytes left."""
    return min(SHARE, math.floor(100 * (1 - reserved / memory)) / 100)


def _check_transfer(cluster: ClusterConfig, engine: EngineConfig) -> None:
    """Check that vLLM's own weight transfer matches the placement: nccl between two GPUs, ipc on one."""
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
        how, fits = ("true", "ipc (on one GPU)") if cluster.colocate else ("false", "nccl (between GPUs)")
        raise ValueError(f"{word} does not work with cluster.colocate={how}; set it to {fits} or shared")


def _check_local(cluster: ClusterConfig) -> None:
    """Check that a single process is asked for one of each part and for no GPU settings."""
    for key in ("gpus_per_node", "colocate"):
        if value := getattr(cluster, key):
            raise ValueError(
                f"cluster.{key}={str(value).lower()} needs cluster.kind=ray (cluster=ray): a single process uses the "
                "GPU that it finds"
            )
    for key in ("nodes", "learners", "engines", "engine_gpus", "rollout_workers"):
        if getattr(cluster, key) != 1:
            raise ValueError(
                f"cluster.{key}={getattr(cluster, key)} needs cluster.kind=ray (cluster=ray): a single process has one"
            )


def _check_cpu(cluster: ClusterConfig) -> None:
    """Check that a cluster without GPUs has one-process engines and no colocation."""
    if cluster.engine_gpus != 1:
        raise ValueError(f"cluster.engine_gpus={cluster.engine_gpus} needs GPUs, but cluster.gpus_per_node=0")
    if cluster.colocate:
        raise ValueError("cluster.colocate=true shares GPUs, but cluster.gpus_per_node=0; set cluster.colocate=false")


def _sum(cluster: ClusterConfig) -> str:
    """Return the composition of the requested GPUs as text."""
    if cluster.colocate:
        return f"{cluster.learners} learners, colocated with the engines"
    return f"{cluster.learners} learners + {cluster.engines} engines × {cluster.engine_gpus}"
