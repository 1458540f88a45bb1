"""Room in a Ray cluster: joining or starting Ray, and placement groups for learners, engines and rollout workers."""

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
"""Seconds in which a Ray cluster must answer."""
PLACEMENT_TIMEOUT_S = 300.0
"""Seconds in which the cluster must have room for all actors."""
RAY_ENVIRONMENT = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a colocated engine names its GPUs itself
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # the actors are the run: they need not stand back behind anything
}


def bundles(cluster: ClusterConfig) -> list[dict[str, int]]:
    """The resources of learners and engines, one bundle for what has to be on one machine.

    Colocated: one for an engine and the learners whose GPUs it uses. Else the learners' bundles, then the engines'.
    """
    if cluster.colocate:
        return [{"GPU": cluster.engine_gpus, "CPU": cluster.engine_gpus + 1}] * cluster.engines
    if cluster.gpus:
        learner, engine = {"GPU": 1, "CPU": 1}, {"GPU": cluster.engine_gpus, "CPU": 1}
        return [learner] * cluster.learners + [engine] * cluster.engines
    return [{"CPU": 1}] * (cluster.learners + cluster.engines)


def connect(cluster: ClusterConfig) -> None:
    """Join the Ray cluster of the config, or start one here; ValueError in one line where it is absent or too small."""
    os.environ.update(RAY_ENVIRONMENT)
    address = cluster.address or ("auto" if os.environ.get("RAY_ADDRESS") else "local")
    common: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    if address == "local":  # actors share the cores that there are
        common |= {"num_cpus": max(needs(cluster)["CPU"], os.cpu_count() or 1)}
    try:
        if ":" in address:  # ray.init would wait for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host.removeprefix("ray://"), int(port)), timeout=JOIN_TIMEOUT_S).close()
        ray.init(address=address, runtime_env={"env_vars": RAY_ENVIRONMENT} if address != "local" else None, **common)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"cluster.address={address} has no Ray: {str(error).splitlines()[0]}; start it with `ray start --head` on "
            "one machine and `ray start --address=HOST:6379` on the others"
        ) from error
    try:
        check_room(cluster, ray.cluster_resources())  # type: ignore[no-untyped-call]
    except ValueError:
        ray.shutdown()
        raise


def needs(cluster: ClusterConfig) -> dict[str, int]:
    """Ray's resources for all actors; a CPU is a count for the scheduler, of which each actor has one."""
    needed = bundles(cluster)
    cpus = sum(bundle["CPU"] for bundle in needed) + cluster.rollout_workers
    return {"GPU": sum(bundle.get("GPU", 0) for bundle in needed), "CPU": cpus}


def check_room(cluster: ClusterConfig, there: Mapping[str, float]) -> None:
    """ValueError in one line where a Ray cluster with these resources is too small."""
    for kind, count in needs(cluster).items():
        if there.get(kind, 0) < count:
            raise ValueError(
                f"the run needs {count} {kind}s, but the Ray cluster has {there.get(kind, 0):.0f}; lower "
                "cluster.learners, engines, engine_gpus or rollout_workers, or add machines"
            )


@dataclass(frozen=True)
class Reservation:
    """Room for all actors, held for the run: a replacement goes where its predecessor was."""

    cluster: ClusterConfig
    machines: PlacementGroup
    workers: PlacementGroup

    @classmethod
    async def make(cls, cluster: ClusterConfig) -> "Reservation":
        """Reserve; ValueError in one line where the cluster has the resources but no place for them."""
        machines = placement_group(bundles(cluster), strategy="PACK")
        workers = placement_group([{"CPU": 1}] * cluster.rollout_workers, strategy="SPREAD")
        for group in (machines, workers):
            if not await asyncio.to_thread(group.wait, PLACEMENT_TIMEOUT_S):
                raise ValueError(
                    f"the Ray cluster had no room for {len(group.bundle_specs)} x {group.bundle_specs[0]} in "
                    f"{PLACEMENT_TIMEOUT_S:.0f} s: another job holds it, or no machine has so much; see `ray status`"
                )
        return cls(cluster, machines, workers)

    def options(self, kind: str, number: int) -> dict[str, Any]:
        """Ray's options for actor `number` of a kind (learner, engine, worker)."""
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
