"""ClusterConfig: the processes of a run and their GPUs."""

from dataclasses import dataclass

KINDS = ("local", "ray")


@dataclass
class ClusterConfig:
    """Processes of a run and their GPUs."""

    kind: str = "local"
    """Kind of cluster: `local` (one process on this machine) or `ray` (actors on one or more machines)."""
    address: str = ""
    """Ray cluster to join: `auto` (the one this machine belongs to) or host:port. Empty: start Ray on this machine."""
    nodes: int = 1
    """Number of machines."""
    gpus_per_node: int = 0
    """Number of GPUs per machine. 0 runs everything on CPUs."""
    gpu_gib: float = 80.0
    """Memory per GPU in GiB, used by plan=true only."""
    learners: int = 1
    """Number of learner ranks, one GPU each. The model and its optimiser state are sharded over them."""
    engines: int = 1
    """Number of engines."""
    engine_gpus: int = 1
    """Number of GPUs per engine, all on one machine. The model is split over them (tensor parallelism)."""
    rollout_workers: int = 1
    """Number of processes that play episodes."""
    colocate: bool = False
    """Run the engines on the learners' GPUs. They sleep during updates. Needs as many engine GPUs as learner ranks."""
    restarts: int = 10
    """Number of failed actors to replace before the run ends with an error."""

    def __post_init__(self) -> None:
        """Raise ValueError if a value is out of range."""
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        for key in ("nodes", "learners", "engines", "engine_gpus", "rollout_workers"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        for key in ("gpus_per_node", "restarts"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key} must not be negative, got {getattr(self, key)}")
        if not self.gpu_gib > 0:
            raise ValueError(f"gpu_gib must be greater than 0, got {self.gpu_gib}")

    @property
    def gpus(self) -> int:
        """Number of GPUs of all machines."""
        return self.nodes * self.gpus_per_node

    @property
    def generating_gpus(self) -> int:
        """Number of GPUs of all engines."""
        return self.engines * self.engine_gpus
