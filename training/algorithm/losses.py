"""Policy losses: pure functions of per-token streams, in one registry.

N trained tokens (of sampled replies) of S sequences, in any order and packing. Every loss is a *sum* over them divided
by counts of the whole minibatch, so that micro-batches and ranks add up to one result.
r = policy / old, w = old / engine, A the advantage; sg[x] has no gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from configs.imports import load_object
from training.config.algo import LOSSES, AlgoConfig


@dataclass(frozen=True)
class Streams:
    """What a loss sees of a micro-batch."""

    policy_logprobs: Tensor
    """[N], of the sampled tokens under the weights in training, with gradient."""
    engine_logprobs: Tensor
    """[N], of the same tokens when they were sampled."""
    old_logprobs: Tensor
    """[N], under the learner's weights before the step's first update; the engine's where nothing is corrected."""
    advantages: Tensor
    """[N]."""
    sequence: Tensor
    """[N] int64, the sequence of each token, 0 … S - 1."""
    total_tokens: float
    """Trained tokens in the whole minibatch, over all micro-batches and ranks."""
    total_sequences: float
    """Sequences in it."""
    entropy: Tensor
    """[N], of the distributions that the tokens were sampled from, without gradient."""
    reference_logprobs: Tensor | None = None
    """[N], under the weights with which the stage began."""


Metrics = dict[str, Tensor]
PolicyLoss = Callable[[Streams, AlgoConfig, Tensor], tuple[Tensor, Tensor]]
"""(streams, config, weight [N]) → the loss (a scalar) and, by token, whether its gain is limited [N] bool."""


def dapo(streams: Streams, config: AlgoConfig, weight: Tensor) -> tuple[Tensor, Tensor]:
    """-min(r A, clip(r, 1 - clip_low, 1 + clip_high) A), mean over tokens (DAPO, arXiv 2503.14476)."""
    ratio = (streams.policy_logprobs - streams.old_logprobs).exp()
    clipped = ratio.clamp(1 - config.clip_low, 1 + config.clip_high)
    gain = torch.minimum(ratio * streams.advantages, clipped * streams.advantages)
    limited = clipped * streams.advantages < ratio * streams.advantages
    return -(weight * gain).sum() / streams.total_tokens, limited


def gspo(streams: Streams, config: AlgoConfig, weight: Tensor) -> tuple[Tensor, Tensor]:
    """As `dapo`, with s = exp(mean of log r over the sequence) for r, mean over sequences (GSPO, arXiv 2507.18071).

    In the paper's token form, s_t = sg[s] policy_t / sg[policy_t], so that turns may have different advantages.
    """
    log_ratio = streams.policy_logprobs - streams.old_logprobs
    sequences = int(streams.sequence.max()) + 1 if len(streams.sequence) else 0
    lengths = log_ratio.new_zeros(sequences).index_add_(0, streams.sequence, torch.ones_like(log_ratio))
    means = log_ratio.detach().new_zeros(sequences).index_add_(0, streams.sequence, log_ratio.detach()) / lengths
    ratio = (means[streams.sequence] + streams.policy_logprobs - streams.policy_logprobs.detach()).exp()
    clipped = ratio.clamp(1 - config.clip_low, 1 + config.clip_high)
    gain = torch.minimum(ratio * streams.advantages, clipped * streams.advantages)
    limited = clipped * streams.advantages < ratio * streams.advantages
    return -(weight * gain / lengths[streams.sequence]).sum() / streams.total_sequences, limited


def cispo(streams: Streams, config: AlgoConfig, weight: Tensor) -> tuple[Tensor, Tensor]:
    """-sg[min(r, 1 + clip_high)] A log policy, mean over tokens: no token loses its gradient (CISPO, 2506.13585)."""
    ratio = (streams.policy_logprobs.detach() - streams.old_logprobs).exp()
    capped = ratio.clamp(max=1 + config.clip_high)
    gain = capped * streams.advantages * streams.policy_logprobs
    return -(weight * gain).sum() / streams.total_tokens, ratio > capped


def policy_loss(name: str) -> PolicyLoss:
    """Return the loss of a name in `LOSSES`, or of an import path; UserError if it cannot be imported."""
    found: PolicyLoss = load_object(LOSSES.get(name, name))
    return found


def correction(streams: Streams, config: AlgoConfig) -> Tensor:
    """Weights [N] for the difference between engine and learner, without gradient.

    tis: min(w, tis_cap) (Yao et al., 2025, "Your efficient RL framework secretly brings you off-policy RL training");
    icepop: w where icepop_low <= w <= icepop_high, else 0 (Ling Team, 2025, arXiv 2510.18855).
    """
    weight = (streams.old_logprobs - streams.engine_logprobs).detach().exp()
    if config.correction == "tis":
        return weight.clamp(max=config.tis_cap)
    if config.correction == "icepop":
        return torch.where((weight >= config.icepop_low) & (weight <= config.icepop_high), weight, 0.0)
    return torch.ones_like(weight)


def k3(policy_logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    """The k3 estimate [N] of KL(policy ‖ reference), e^d - d - 1 with d = reference - policy (Schulman, 2020)."""
    difference = reference_logprobs - policy_logprobs
    return difference.exp() - difference - 1


def total_loss(streams: Streams, config: AlgoConfig) -> tuple[Tensor, Metrics]:
    """The policy loss with its correction, KL and entropy terms.

    The entropy term's gradient is that of the entropy in expectation over the sampled tokens:
    E[-(log policy + entropy) grad log policy] = grad entropy.

    Returns:
        The loss (a scalar), and sums over the N tokens divided by `total_tokens`: `clip_fraction` (tokens whose gain is
        limited), `masked_fraction` (tokens that the correction leaves out), `correction` (its mean weight), `policy_kl`
        (k3 of the engine's distribution to the policy), `entropy`, and `reference_kl` where there is a reference.
    """
    weight = correction(streams, config)
    loss, limited = policy_loss(config.loss)(streams, config, weight)
    detached = streams.policy_logprobs.detach()
    per_token: Metrics = {
        "clip_fraction": limited.float(),
        "masked_fraction": (weight == 0).float(),
        "correction": weight,
        "policy_kl": k3(streams.engine_logprobs, detached),
        "entropy": streams.entropy,
    }
    if streams.reference_logprobs is not None:
        divergence = k3(streams.policy_logprobs, streams.reference_logprobs)
        loss = loss + config.kl_coef * divergence.sum() / streams.total_tokens
        per_token["reference_kl"] = divergence.detach()
    if config.entropy_coef:
        surprise = -(detached + streams.entropy) * streams.policy_logprobs
        loss = loss - config.entropy_coef * surprise.sum() / streams.total_tokens
    return loss, {name: values.sum() / streams.total_tokens for name, values in per_token.items()}
