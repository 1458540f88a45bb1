"""ClusterConfig: the processes of a run and their GPUs."""

from dataclasses import dataclass
from typing import Literal

from configs.schema import Settings
from configs.types import NonNegativeInt, PositiveFloat, PositiveInt


@dataclass
class ClusterConfig(Settings):
    """Processes of a run and their GPUs."""

    kind: Literal["local", "ray"] = "local"
    """Kind of cluster: `local` (one process on this machine) or `ray` (actors on one or more machines)."""
    address: str = ""
    """Ray cluster to join: `auto` (the one this machine belongs to) or host:port. Empty: start Ray on this machine."""
    nodes: PositiveInt = 1
    """Number of machines."""
    gpus_per_node: NonNegativeInt = 0
    """Number of GPUs per machine. 0 runs everything on CPUs."""
    gpu_gib: PositiveFloat = 79.0
    """Memory per GPU in GiB, used by plan=true only. A GPU of 80 GB has 79, one of 24 GB has 22 to 23.6."""
    learners: PositiveInt = 1
    """Number of learner ranks, one GPU each. The model and its optimiser state are sharded over them."""
    engines: PositiveInt = 1
    """Number of engines."""
    engine_gpus: PositiveInt = 1
    """Number of GPUs per engine, all on one machine. The model is split over them (tensor parallelism)."""
    rollout_workers: PositiveInt = 1
    """Number of processes that play episodes."""
    colocate: bool = False
    """Run the engines on the learners' GPUs. They sleep during updates. Needs as many engine GPUs as learner ranks."""
    restarts: NonNegativeInt = 10
    """Number of failed actors to replace before the run ends with an error."""

    @property
    def gpus(self) -> int:
        """Number of GPUs of all machines."""
        return self.nodes * self.gpus_per_node

    @property
    def generating_gpus(self) -> int:
        """Number of GPUs of all engines."""
        return self.engines * self.engine_gpus
