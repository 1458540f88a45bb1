"""The numbers of a GRPO stage."""

from dataclasses import dataclass

from configs.imports import is_import_path

ESTIMATORS = {
    name: f"training.algorithm.advantages:{name}" for name in ("grpo", "dr_grpo", "rloo", "reinforce_pp", "gigpo")
}
"""Estimators of advantages: name → import path, so that every process of a cluster finds them."""
LOSSES = {name: f"training.algorithm.losses:{name}" for name in ("dapo", "gspo", "cispo")}
"""Policy losses: name → import path."""
CORRECTIONS = ("none", "tis", "icepop")


@dataclass
class AlgoConfig:
    """How a stage collects groups and updates the policy."""

    groups: int = 16
    """Groups (starts) played a step."""
    group_size: int = 8
    """Episodes a group: players of the same start."""
    refill: float = 0.0
    """Groups whose rewards are all equal teach nothing and are replaced, at most refill x groups a step."""
    max_staleness: int = 0
    """Versions that sampled tokens may lie behind the weights in training: 0 plays and learns in turn (on-policy), more
    lets both go on at once."""
    temperature: float = 1.0
    """Sampling temperature of the rollouts."""
    advantage: str = "grpo"
    """Estimator: grpo, dr_grpo (no division by the standard deviation), rloo (leave one out), reinforce_pp (group
    baseline, divided by the batch's standard deviation), gigpo (grpo plus credit among turns in the same state), or an
    import path module:name."""
    step_weight: float = 1.0
    """gigpo: weight of the advantage among turns in the same state."""
    gamma: float = 0.95
    """gigpo: discount of later rewards, a turn."""
    loss: str = "dapo"
    """Policy loss: dapo (clipped token ratios), gspo (clipped sequence ratios), cispo (clipped weights), or an import
    path module:name."""
    clip_low: float = 0.2
    """Ratios below 1 - clip_low are clipped (gspo wants about 3e-4)."""
    clip_high: float = 0.28
    """Ratios above 1 + clip_high are clipped (gspo wants about 4e-4)."""
    correction: str = "none"
    """Of the difference between engine and learner: none (ratios are taken to the engine), tis (truncated weights) or
    icepop (tokens that differ too much are left out)."""
    tis_cap: float = 2.0
    """tis: weights are cut at this."""
    icepop_low: float = 0.5
    """icepop: tokens whose weight is below are left out."""
    icepop_high: float = 5.0
    """icepop: tokens whose weight is above are left out."""
    kl_coef: float = 0.0
    """Weight of the k3 KL divergence to the weights with which the stage began; 0 keeps no copy of them."""
    entropy_coef: float = 0.0
    """Weight of the policy's entropy as a bonus."""
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

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        for key in ("groups", "minibatch"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if self.group_size < 2:
            raise ValueError(f"group_size must be at least 2 (advantages compare players), got {self.group_size}")
        for key in ("lr", "eps", "max_grad_norm", "temperature", "tis_cap", "icepop_high"):
            if not getattr(self, key) > 0:
                raise ValueError(f"{key} must be greater than 0, got {getattr(self, key)}")
        for key in ("beta1", "beta2", "clip_low"):
            if not 0 <= getattr(self, key) < 1:
                raise ValueError(f"{key} must be in [0, 1), got {getattr(self, key)}")
        for key in ("final_lr", "gamma"):
            if not 0 <= getattr(self, key) <= 1:
                raise ValueError(f"{key} must be in [0, 1], got {getattr(self, key)}")
        not_negative = ("weight_decay", "warmup_updates", "clip_high", "refill", "max_staleness", "kl_coef")
        for key in (*not_negative, "entropy_coef", "step_weight", "icepop_low"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key} must not be negative, got {getattr(self, key)}")
        if self.correction not in CORRECTIONS:
            raise ValueError(f"correction must be one of {', '.join(CORRECTIONS)}, got {self.correction!r}")
        for key, known in (("advantage", ESTIMATORS), ("loss", LOSSES)):
            name = getattr(self, key)
            if name not in known and not is_import_path(name):
                raise ValueError(f"{key} must be one of {', '.join(known)} or an import path module:name, got {name!r}")
