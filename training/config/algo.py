"""AlgoConfig: the algorithm settings of a stage."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from configs.imports import is_import_path
from configs.schema import Settings
from configs.types import Fraction, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

ESTIMATORS = {
    name: f"training.algorithm.advantages:{name}"
    for name in ("grpo", "dr_grpo", "rloo", "reinforce_pp", "gigpo", "vpr", "gdpo", "max_rl", "gagpo", "spiral")
}
"""Advantage estimators: name → import path. Import paths work in every process of a cluster."""
LOSSES = {name: f"training.algorithm.losses:{name}" for name in ("dapo", "gspo", "cispo", "dppo", "cross_entropy")}
"""Policy losses: name → import path."""
BelowOne = Annotated[float, Ge(0), Lt(1)]


@dataclass
class AlgoConfig(Settings):
    """Settings for collecting groups and updating the policy."""

    groups: PositiveInt = 16
    """Number of groups played per step."""
    group_size: Annotated[int, Ge(2)] = 8
    """Number of episodes per group. They share the env seed and differ in sampling. Advantages compare them."""
    refill: NonNegativeFloat = 0.0
    """Dynamic sampling: maximum number of groups with equal rewards to replace, as a multiple of `groups`. 0 turns it
    off."""
    keep_groups: Annotated[float, Gt(0), Le(1)] = 1.0
    """Reward-variance filter: fraction of the groups with different rewards to learn from, those with the highest
    reward variance. 1 turns it off."""
    pool: NonNegativeInt = 0
    """Difficulty pool: maximum number of env seeds to keep for each task. A seed is kept while the rewards of its last
    group differ. 0 turns it off."""
    pool_fraction: Fraction = 0.5
    """Fraction of a step's groups of a task that replay seeds of the pool. The other groups have new seeds."""
    max_staleness: NonNegativeInt = 0
    """Maximum age of a sampled token, in versions of the weights. 0 alternates between rollout and update (on-policy).
    Larger values let both run at the same time."""
    temperature: PositiveFloat = 1.0
    """Sampling temperature of the rollouts."""
    advantage: str = "grpo"
    """Advantage estimator: `grpo`, `dr_grpo` (no division by the standard deviation), `rloo` (leave-one-out baseline),
    `reinforce_pp` (group baseline, divided by the standard deviation of the batch), `gigpo` (grpo plus a comparison of
    turns in the same state), `vpr` (turn rewards, normalised by turn number, in tasks with `reward: process`; grpo in
    others), `gdpo` (every reward part normalised by itself), `max_rl` (divided by the group mean), `gagpo` (generalized
    advantage estimation over turns with values from the group), `spiral` (reward minus the running mean of the role, in
    self-play; grpo in other tasks), or an import path module:name."""
    role_decay: Fraction = 0.95
    """Decay per training step of the running mean reward of a role (spiral)."""
    step_weight: NonNegativeFloat = 1.0
    """Weight of the advantage among turns in the same state (gigpo)."""
    gamma: Fraction = 0.95
    """Discount factor per turn (gigpo, gagpo)."""
    gae_lambda: Fraction = 0.95
    """Decay of later temporal-difference errors per turn (gagpo). 0 uses only the next one."""
    loss: str = "dapo"
    """Policy loss: `dapo` (clipped token ratios), `gspo` (clipped sequence ratios), `cispo` (clipped weights), `dppo`
    (masks tokens by the change of their probability), or an import path module:name. Stages of kind `sft` and `distill`
    always use `cross_entropy`."""
    clip_low: BelowOne = 0.2
    """Lower clipping range: ratios below 1 - clip_low are clipped. For gspo, use about 3e-4."""
    clip_high: NonNegativeFloat = 0.28
    """Upper clipping range: ratios above 1 + clip_high are clipped. For gspo, use about 4e-4."""
    divergence: Literal["tv", "kl"] = "tv"
    """Change of a token's probability that dppo limits: `tv` (absolute difference) or `kl` (binary KL in nats)."""
    max_divergence: PositiveFloat = 0.2
    """Maximum divergence: tokens that exceed it in the direction of their advantage are masked (dppo). For kl, use
    about 0.05."""
    ratio_cap: PositiveFloat = 20.0
    """Maximum ratio: larger ratios are truncated (dppo)."""
    correction: Literal["none", "tis", "icepop", "sequence_mask", "geometric_mask"] = "none"
    """Importance-sampling correction of the log-prob mismatch between engine and learner: `none` (ratios use the engine
    log-probs), `tis` (truncated weights), `icepop` (ignores tokens with a large mismatch), `sequence_mask` or
    `geometric_mask` (ignore sequences by the product or the geometric mean of their weights)."""
    tis_cap: PositiveFloat = 2.0
    """Maximum importance weight (tis)."""
    icepop_low: NonNegativeFloat = 0.5
    """Minimum importance weight: tokens (icepop) or sequences (sequence_mask, geometric_mask) with a smaller weight are
    ignored. For geometric_mask, use about 0.99."""
    icepop_high: PositiveFloat = 5.0
    """Maximum importance weight: tokens (icepop) or sequences (sequence_mask, geometric_mask) with a larger weight are
    ignored. For geometric_mask, use about 1.01."""
    kl_coef: NonNegativeFloat = 0.0
    """Coefficient of the KL penalty towards the weights at the start of the stage. 0 keeps no copy of them."""
    kl: Literal["k3", "unbiased"] = "k3"
    """Estimate of the KL penalty: `k3`, or `unbiased` (k3 times the ratio to the engine's probability). Stages of
    kind `sft` and `distill` always use `k3`."""
    entropy_coef: NonNegativeFloat = 0.0
    """Coefficient of the entropy bonus."""
    lr: PositiveFloat = 2e-4
    """Peak learning rate of AdamW."""
    warmup_updates: NonNegativeInt = 10
    """Number of optimiser updates in which the learning rate rises linearly to its peak."""
    final_lr: Fraction = 1.0
    """Final learning rate of the stage, as a fraction of `lr`. The decay is linear over the steps. 1: no decay."""
    beta1: BelowOne = 0.9
    """Decay rate of AdamW's first moment."""
    beta2: BelowOne = 0.99
    """Decay rate of AdamW's second moment."""
    eps: PositiveFloat = 1e-4
    """Epsilon of AdamW. A large value limits the first updates of a small model."""
    weight_decay: NonNegativeFloat = 0.0
    """Weight decay of AdamW."""
    max_grad_norm: PositiveFloat = 0.2
    """Maximum gradient norm. Larger gradients are scaled down to it."""
    minibatch: PositiveInt = 256
    """Maximum number of trajectories per optimiser update. The trajectories of a step are divided evenly."""

    def __post_init__(self) -> None:
        """Check the values, and the names of the functions."""
        super().__post_init__()
        for key, known in (("advantage", ESTIMATORS), ("loss", LOSSES)):
            name = getattr(self, key)
            if name not in known and not is_import_path(name):
                raise ValueError(f"{key} must be one of {', '.join(known)} or an import path module:name, got {name!r}")
