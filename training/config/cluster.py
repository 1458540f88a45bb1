"""The machines of a run: which parts it has, and how many GPUs."""

from dataclasses import dataclass

KINDS = ("local", "ray")


@dataclass
class ClusterConfig:
    """The machines of a run."""

    kind: str = "local"
    """Where it runs: local (one process on this machine), or ray (actors on one machine or many)."""
    address: str = ""
    """Ray cluster to join: auto (the one this machine belongs to) or host:port; empty starts Ray on this machine."""
    nodes: int = 1
    """Machines."""
    gpus_per_node: int = 0
    """GPUs of each machine; 0: everything runs on CPUs."""
    gpu_gib: float = 80.0
    """Memory of each GPU, in GiB; only plan=true needs to know."""
    learners: int = 1
    """Learner ranks, one GPU each; the model and its optimiser are sharded over them."""
    engines: int = 1
    """Engines that generate replies."""
    engine_gpus: int = 1
    """GPUs of each engine, over which its model is split (tensor parallel); they are on one machine."""
    rollout_workers: int = 1
    """Processes that play episodes."""
    colocate: bool = False
    """Engines share the learners' GPUs and sleep while they learn; needs as many engine GPUs as learners."""
    restarts: int = 10
    """Dead actors replaced before the run gives up."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
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
        """GPUs of all machines."""
        return self.nodes * self.gpus_per_node

    @property
    def generating_gpus(self) -> int:
        """GPUs of all engines."""
        return self.engines * self.engine_gpus
