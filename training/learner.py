"""The learner: the model in training and its optimiser; `update(trajectories)` → metrics."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from agents.sampling import mix
from agents.vlm import VLM
from training.algo import AlgoConfig
from training.losses import clipped_loss
from training.trajectory import Trajectory


class Learner:
    """Trains one model with AdamW under one stage's numbers."""

    def __init__(self, vlm: VLM, config: AlgoConfig, steps: int) -> None:
        self.vlm = vlm
        self.config = config
        self.steps = steps
        self.updates = 0
        self._pool = ThreadPoolExecutor(config.threads)
        self.parameters = [parameter for parameter in vlm.model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=config.lr,
            betas=(config.beta1, config.beta2),
            eps=config.eps,
            weight_decay=config.weight_decay,
            fused=True,
        )

    @property
    def weights(self) -> dict[str, Tensor]:
        """The model's weights by name."""
        return self.vlm.model.state_dict()

    def learning_rate(self, step: int) -> float:
        """Warm-up by updates, then linear decay by steps to `final_lr`."""
        warmup = min(1.0, (self.updates + 1) / max(1, self.config.warmup_updates))
        decay = 1.0 - (1.0 - self.config.final_lr) * min(1.0, step / max(1, self.steps))
        return self.config.lr * warmup * decay

    def update(self, trajectories: Sequence[Trajectory], step: int, seed: int) -> dict[str, float]:
        """One pass over the trajectories in shuffled minibatches; sums and means over all trained tokens.

        A minibatch whose loss or gradient is not finite is left out and counted in `skipped_updates`.
        """
        live = [trajectory for trajectory in trajectories if trajectory.advantage]
        order = np.random.default_rng(mix(seed, step)).permutation(len(live))
        totals: dict[str, float] = {}
        norms: list[float] = []
        skipped = 0
        tokens = 0
        mismatch = 0.0
        learning_rate = self.learning_rate(step)
        for start in range(0, len(live), self.config.minibatch):
            chosen = [live[i] for i in order[start : start + self.config.minibatch]]
            learning_rate = self.learning_rate(step)
            metrics, norm = self._minibatch(chosen, learning_rate)
            if not math.isfinite(norm):
                skipped += 1
                continue
            count = sum(int(trajectory.branch.loss_mask.sum()) for trajectory in chosen)
            gap = metrics.pop("mismatch")
            if not tokens:  # before the first update: engine and learner have the same weights
                mismatch = gap
            tokens += count
            norms.append(norm)
            for name, value in metrics.items():
                totals[name] = totals.get(name, 0.0) + value * count
        result = {name: value / max(1, tokens) for name, value in totals.items()}
        result |= {
            "grad_norm": float(np.mean(norms)) if norms else 0.0,
            "learning_rate": learning_rate,
            "updates": float(len(norms)),
            "skipped_updates": float(skipped),
            "trained_tokens": float(tokens),
            "mismatch": mismatch,
        }
        return result

    def _minibatch(self, trajectories: Sequence[Trajectory], learning_rate: float) -> tuple[dict[str, float], float]:
        """One optimiser update over a minibatch, in micro-batches; its mean metrics and the gradient's norm."""
        config = self.config
        total = float(sum(int(trajectory.branch.loss_mask.sum()) for trajectory in trajectories))
        ordered = sorted(trajectories, key=lambda t: (len(t.branch.images), len(t.branch.tokens)))
        batches = [ordered[start : start + config.micro_batch] for start in range(0, len(ordered), config.micro_batch)]
        sums: dict[str, float] = {}
        for gradients, metrics in self._pool.map(lambda batch: self._gradients(batch, total), batches):
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                if gradient is not None:  # summed in the order of the batches: threads do not change the result
                    parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
            for name, value in metrics.items():
                sums[name] = sums.get(name, 0.0) + value
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, config.max_grad_norm))
        if math.isfinite(norm) and math.isfinite(sums["loss"]):
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate
            self.optimizer.step()
            self.updates += 1
        else:
            norm = math.nan
        self.optimizer.zero_grad(set_to_none=True)
        return sums, norm

    def _gradients(
        self, batch: Sequence[Trajectory], total: float
    ) -> tuple[tuple[Tensor | None, ...], dict[str, float]]:
        """One micro-batch's share of the minibatch's gradients and metrics."""
        config = self.config
        policy_logprobs, entropy = self.vlm.score([trajectory.branch for trajectory in batch], config.temperature)
        engine_logprobs, advantages = self._streams(batch)
        loss, metrics = clipped_loss(
            policy_logprobs, engine_logprobs, advantages, total, config.clip_low, config.clip_high
        )
        metrics |= {"loss": loss.detach(), "entropy": entropy.sum() / total}
        metrics["mismatch"] = (policy_logprobs.detach() - engine_logprobs).abs().sum() / total
        gradients = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        return gradients, {name: float(value) for name, value in metrics.items()}

    def _streams(self, trajectories: Sequence[Trajectory]) -> tuple[Tensor, Tensor]:
        """Engine log-probs and advantages [N] of the trained tokens, in the order of `VLM.score`."""
        branches = [trajectory.branch for trajectory in trajectories]
        logprobs = np.concatenate([branch.engine_logprobs[branch.loss_mask] for branch in branches])
        counts = [int(branch.loss_mask.sum()) for branch in branches]
        advantages = np.repeat([np.float32(trajectory.advantage) for trajectory in trajectories], counts)
        return torch.from_numpy(logprobs).to(self.vlm.device), torch.from_numpy(advantages).to(self.vlm.device)
