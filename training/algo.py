"""The numbers of a GRPO stage."""

from dataclasses import dataclass


@dataclass
class AlgoConfig:
    """How a stage collects groups and updates the policy."""

    groups: int = 16
    """Groups (starts) played a step."""
    group_size: int = 8
    """Episodes a group: players of the same start."""
    temperature: float = 1.0
    """Sampling temperature of the rollouts."""
    lr: float = 2e-4
    """Peak learning rate of AdamW."""
    warmup_updates: int = 10
    """Optimiser updates over which the learning rate rises from 0."""
    final_lr: float = 1.0
    """Share of `lr` towards which it falls, linearly, over the stage's steps; 1 keeps it constant."""
    beta1: float = 0.9
    """First-moment decay of AdamW."""
    beta2: float = 0.99
    """Second-moment decay of AdamW."""
    eps: float = 1e-4
    """Epsilon of AdamW; large values tame the first updates of a small model."""
    weight_decay: float = 0.0
    """Weight decay of AdamW."""
    max_grad_norm: float = 0.2
    """Gradients are scaled down to this norm."""
    minibatch: int = 256
    """Trajectories an optimiser update."""
    micro_batch: int = 128
    """Trajectories a forward pass: lower it to save memory; the result is the same."""
    threads: int = 2
    """Micro-batches computed side by side; the result is the same."""
    clip_low: float = 0.2
    """Ratios below 1 - clip_low are clipped."""
    clip_high: float = 0.28
    """Ratios above 1 + clip_high are clipped."""
    advantage: str = "grpo"
    """Estimator: grpo (divided by the group's standard deviation) or dr_grpo (not divided)."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        for key in ("groups", "minibatch", "micro_batch", "threads"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if self.group_size < 2:
            raise ValueError(f"group_size must be at least 2 (advantages compare players), got {self.group_size}")
        for key in ("lr", "eps", "max_grad_norm", "temperature"):
            if not getattr(self, key) > 0:
                raise ValueError(f"{key} must be greater than 0, got {getattr(self, key)}")
        for key in ("beta1", "beta2", "clip_low"):
            if not 0 <= getattr(self, key) < 1:
                raise ValueError(f"{key} must be in [0, 1), got {getattr(self, key)}")
        for key in ("weight_decay", "warmup_updates", "clip_high"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key} must not be negative, got {getattr(self, key)}")
        if not 0 <= self.final_lr <= 1:
            raise ValueError(f"final_lr must be in [0, 1], got {self.final_lr}")
        if self.advantage not in ("grpo", "dr_grpo"):
            raise ValueError(f"advantage must be grpo or dr_grpo, got {self.advantage!r}")
