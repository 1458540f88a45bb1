"""Connection to Ray and placement groups for learners, engines and rollout workers."""

import asyncio
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ray
from ray.util.placement_group import PlacementGroup, placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from training.config.cluster import ClusterConfig

JOIN_TIMEOUT_S = 10.0
"""Seconds within which a Ray cluster must answer."""
PLACEMENT_TIMEOUT_S = 300.0
"""Seconds within which the cluster must have free resources for all actors."""
RAY_ENVIRONMENT = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a colocated engine sets its own GPUs
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # the actors do the main work, so they keep normal priority
}


def bundles(cluster: ClusterConfig) -> list[dict[str, int]]:
    """Return the Ray resource bundles of learners and engines. The parts of one bundle share a machine.

    Colocated: one bundle for each engine and the learners on its GPUs. Otherwise: learners first, then engines.
    """
    if cluster.colocate:
        return [{"GPU": cluster.engine_gpus, "CPU": cluster.engine_gpus + 1}] * cluster.engines
    if cluster.gpus:
        learner, engine = {"GPU": 1, "CPU": 1}, {"GPU": cluster.engine_gpus, "CPU": 1}
        return [learner] * cluster.learners + [engine] * cluster.engines
    return [{"CPU": 1}] * (cluster.learners + cluster.engines)


def connect(cluster: ClusterConfig) -> None:
    """Join the configured Ray cluster, or start one on this machine.

    Args:
        cluster: Cluster settings.

    Raises:
        ValueError: The Ray cluster does not answer or is too small (one-line message).
    """
    os.environ.update(RAY_ENVIRONMENT)
    address = cluster.address or ("auto" if os.environ.get("RAY_ADDRESS") else "local")
    common: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    if address == "local":  # actors share the cores of this machine
        common |= {"num_cpus": max(needs(cluster)["CPU"], os.cpu_count() or 1)}
    try:
        if ":" in address:  # ray.init would wait for minutes if nothing answers
            host, _, port = address.rpartition(":")
            socket.create_connection((host.removeprefix("ray://"), int(port)), timeout=JOIN_TIMEOUT_S).close()
        ray.init(address=address, runtime_env={"env_vars": RAY_ENVIRONMENT} if address != "local" else None, **common)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"cluster.address={address} has no Ray: {str(error).splitlines()[0]}; run `ray start --head` on one "
            "machine and `ray start --address=HOST:6379` on the others"
        ) from error
    try:
        check_room(cluster, ray.cluster_resources())  # type: ignore[no-untyped-call]
    except ValueError:
        ray.shutdown()
        raise


def needs(cluster: ClusterConfig) -> dict[str, int]:
    """Return the Ray resources of all actors. "CPU" is a scheduling count of one for each actor."""
    needed = bundles(cluster)
    cpus = sum(bundle["CPU"] for bundle in needed) + cluster.rollout_workers
    return {"GPU": sum(bundle.get("GPU", 0) for bundle in needed), "CPU": cpus}


def check_room(cluster: ClusterConfig, there: Mapping[str, float]) -> None:
    """Raise ValueError (one line) if a Ray cluster with the resources `there` is too small."""
    for kind, count in needs(cluster).items():
        if there.get(kind, 0) < count:
            raise ValueError(
                f"the run needs {count} {kind}s, but the Ray cluster has {there.get(kind, 0):.0f}; lower "
                "cluster.learners, engines, engine_gpus or rollout_workers, or add machines"
            )


@dataclass(frozen=True)
class Reservation:
    """Resources for all actors, held during the run. A replacement actor reuses its predecessor's place."""

    cluster: ClusterConfig
    machines: PlacementGroup
    workers: PlacementGroup

    @classmethod
    async def make(cls, cluster: ClusterConfig) -> "Reservation":
        """Reserve resources for all actors.

        Args:
            cluster: Cluster settings.

        Raises:
            ValueError: The cluster has the resources, but they are in use or on different machines.
        """
        machines = placement_group(bundles(cluster), strategy="PACK")
        workers = placement_group([{"CPU": 1}] * cluster.rollout_workers, strategy="SPREAD")
        for group in (machines, workers):
            if not await asyncio.to_thread(group.wait, PLACEMENT_TIMEOUT_S):
                raise ValueError(
                    f"the Ray cluster had no room for {len(group.bundle_specs)} x {group.bundle_specs[0]} within "
                    f"{PLACEMENT_TIMEOUT_S:.0f} s: the resources are in use, or no single machine has enough; "
                    "see `ray status`"
                )
        return cls(cluster, machines, workers)

    def options(self, kind: str, number: int) -> dict[str, Any]:
        """Return Ray's options for actor `number` of a kind ("learner", "engine" or "worker")."""
        cluster = self.cluster
        group, gpus = self.machines, float(cluster.gpus > 0)
        if kind == "worker":
            group, bundle, gpus = self.workers, number, 0.0
        elif kind == "learner":
            bundle = number // cluster.engine_gpus if cluster.colocate else number
        elif cluster.colocate:
            bundle, gpus = number, 0.0  # it uses the learners' GPUs
        else:
            bundle, gpus = cluster.learners + number, gpus * cluster.engine_gpus
        strategy = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=bundle)
        return {"num_cpus": 1, "num_gpus": gpus, "scheduling_strategy": strategy}
