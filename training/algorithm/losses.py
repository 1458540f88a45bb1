"""Policy losses as pure functions of per-token streams.

Shapes: N trained tokens (sampled tokens of the replies) of S sequences, in any order and packing. Every loss is a *sum*
over the tokens, divided by counts of the whole minibatch. The losses of micro-batches and ranks therefore add up.

Notation: r = policy / old, w = old / engine, A is the advantage, sg[x] is x without gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from configs.imports import load_object
from training.config.algo import LOSSES, AlgoConfig


@dataclass(frozen=True)
class Streams:
    """Input of a loss: the per-token values of one micro-batch."""

    policy_logprobs: Tensor
    """[N] log-probs of the sampled tokens under the weights in training, with gradient."""
    engine_logprobs: Tensor
    """[N] log-probs of the same tokens when the engine sampled them."""
    old_logprobs: Tensor
    """[N] log-probs under the learner's weights before the first update of the step. Without a correction, they are
    the engine log-probs."""
    advantages: Tensor
    """[N] advantages."""
    sequence: Tensor
    """[N] int64 index of each token's sequence, 0 … S - 1."""
    total_tokens: float
    """Number of trained tokens in the minibatch, over all micro-batches and ranks."""
    total_sequences: float
    """Number of sequences in the minibatch, over all micro-batches and ranks."""
    entropy: Tensor
    """[N] entropy of the policy's distribution at each token, without gradient."""
    reference_logprobs: Tensor | None = None
    """[N] log-probs under the weights at the start of the stage, for the KL term."""


Metrics = dict[str, Tensor]
PolicyLoss = Callable[[Streams, AlgoConfig, Tensor], tuple[Tensor, Tensor]]
"""(streams, config, importance weights [N]) → loss (scalar), and mask of the clipped tokens ([N] bool)."""


def dapo(streams: Streams, config: AlgoConfig, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return -min(r A, clip(r, 1 - clip_low, 1 + clip_high) A), mean over tokens (DAPO, arXiv 2503.14476).

    Args:
        streams: Per-token values of a micro-batch.
        config: Algorithm settings.
        weight: [N] importance weights of the correction.

    Returns:
        The loss (scalar) and the mask of the clipped tokens ([N] bool).
    """
    ratio = (streams.policy_logprobs - streams.old_logprobs).exp()
    clipped = ratio.clamp(1 - config.clip_low, 1 + config.clip_high)
    gain = torch.minimum(ratio * streams.advantages, clipped * streams.advantages)
    limited = clipped * streams.advantages < ratio * streams.advantages
    return -(weight * gain).sum() / streams.total_tokens, limited


def gspo(streams: Streams, config: AlgoConfig, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sequence-level loss, mean over sequences (GSPO, arXiv 2507.18071).

    The ratio is s = exp(mean of log r over the sequence) instead of r. This is the paper's token form,
    s_t = sg[s] policy_t / sg[policy_t], which allows different advantages per turn.

    Arguments and return values are those of `dapo`.
    """
    log_ratio = (streams.policy_logprobs - streams.old_logprobs).detach()
    lengths = _sequence_sums(torch.ones_like(log_ratio), streams.sequence)
    means = _sequence_sums(log_ratio, streams.sequence) / lengths
    ratio = (means + streams.policy_logprobs - streams.policy_logprobs.detach()).exp()
    clipped = ratio.clamp(1 - config.clip_low, 1 + config.clip_high)
    gain = torch.minimum(ratio * streams.advantages, clipped * streams.advantages)
    limited = clipped * streams.advantages < ratio * streams.advantages
    return -(weight * gain / lengths).sum() / streams.total_sequences, limited


def cispo(streams: Streams, config: AlgoConfig, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return -sg[min(r, 1 + clip_high)] A log policy, mean over tokens (CISPO, arXiv 2506.13585).

    Clipping limits the weight of a token but keeps its gradient.

    Arguments and return values are those of `dapo`.
    """
    ratio = (streams.policy_logprobs.detach() - streams.old_logprobs).exp()
    capped = ratio.clamp(max=1 + config.clip_high)
    gain = capped * streams.advantages * streams.policy_logprobs
    return -(weight * gain).sum() / streams.total_tokens, ratio > capped


def dppo(streams: Streams, config: AlgoConfig, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return -sg[m min(r, ratio_cap)] A log policy, mean over tokens (DPPO, arXiv 2602.04879).

    The mask m is 0 where the divergence of the old and the new probability of the token exceeds `max_divergence` and
    the token moves in the direction of its advantage (more likely for A > 0, less likely otherwise), and else 1. With p
    = policy and q = old, the divergence is |p - q| (`tv`) or q log(q / p) + (1 - q) log((1 - q) / (1 - p)) (`kl`). The
    form with a truncated ratio is that of verl and prime-rl. The paper measures the divergence from the policy that
    sampled the tokens. Here this is the case without a correction.

    Arguments and return values are those of `dapo`. The masked tokens count as clipped.
    """
    policy = streams.policy_logprobs.detach()
    p, q = policy.exp(), streams.old_logprobs.exp()
    if config.divergence == "tv":
        divergence = (p - q).abs()
    else:
        rest = ((1 - q).clamp(min=1e-8) / (1 - p).clamp(min=1e-8)).log()
        divergence = q * (streams.old_logprobs - policy) + (1 - q) * rest
    further = torch.where(streams.advantages > 0, p > q, p < q)
    masked = further & (divergence > config.max_divergence)
    ratio = (policy - streams.old_logprobs).exp().clamp(max=config.ratio_cap)
    gain = torch.where(masked, 0.0, ratio * streams.advantages) * streams.policy_logprobs
    return -(weight * gain).sum() / streams.total_tokens, masked


def cross_entropy(streams: Streams, config: AlgoConfig, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return -A log policy, mean over tokens, for a teacher's replies (A = 1). No token is clipped.

    Arguments and return values are those of `dapo`.
    """
    gain = streams.advantages * streams.policy_logprobs
    return -(weight * gain).sum() / streams.total_tokens, torch.zeros_like(gain, dtype=torch.bool)


def policy_loss(name: str) -> PolicyLoss:
    """Return the loss with a name in `LOSSES` or with an import path.

    Raises:
        UserError: the loss cannot be imported.
    """
    found: PolicyLoss = load_object(LOSSES.get(name, name))
    return found


def correction(streams: Streams, config: AlgoConfig) -> Tensor:
    """Return importance weights [N] that correct the mismatch between engine and learner, without gradient.

    - tis: min(w, tis_cap) (Yao et al., 2025, "Your efficient RL framework secretly brings you off-policy RL training").
    - icepop: w where icepop_low <= w <= icepop_high, else 0 (Ling Team, 2025, arXiv 2510.18855).
    - sequence_mask: w where the product of w over the token's sequence is within the same bounds, else 0 (Trust Region
      Masking, arXiv 2512.23075, masks whole sequences by their divergence).
    - geometric_mask: the same with the geometric mean, which does not depend on the length of the sequence.
    - none: 1.

    TRL's correction `sequence_mask` multiplies by the product of the sequence instead of by w.
    """
    log_weight = (streams.old_logprobs - streams.engine_logprobs).detach()
    weight = log_weight.exp()
    if config.correction == "none":
        return torch.ones_like(weight)
    if config.correction == "tis":
        return weight.clamp(max=config.tis_cap)
    bounded = weight
    if config.correction != "icepop":
        log_product = _sequence_sums(log_weight, streams.sequence)
        if config.correction == "geometric_mask":
            log_product = log_product / _sequence_sums(torch.ones_like(weight), streams.sequence)
        bounded = log_product.exp()
    return torch.where((bounded >= config.icepop_low) & (bounded <= config.icepop_high), weight, 0.0)


def _sequence_sums(values: Tensor, sequence: Tensor) -> Tensor:
    """Return the sum [N] over the sequence of each token, of values [N]."""
    sequences = int(sequence.max()) + 1 if len(sequence) else 0
    return values.new_zeros(sequences).index_add_(0, sequence, values)[sequence]


def k3(policy_logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    """Return the k3 estimate [N] of KL(policy ‖ reference), e^d - d - 1 with d = reference - policy.

    Source: Schulman, 2020.
    """
    difference = reference_logprobs - policy_logprobs
    return difference.exp() - difference - 1


def reference_kl(streams: Streams, config: AlgoConfig) -> Tensor:
    """Return the estimate [N] of KL(policy ‖ reference) for the penalty, with gradient.

    - k3: the value is unbiased on-policy, but the gradient is not the gradient of the KL.
    - unbiased: k3 times policy / engine. The gradient flows through both factors, which makes it unbiased
      (DeepSeek-V3.2, arXiv 2512.02556).

    The streams must have reference log-probs.
    """
    assert streams.reference_logprobs is not None
    divergence = k3(streams.policy_logprobs, streams.reference_logprobs)
    if config.kl == "unbiased":
        divergence = divergence * (streams.policy_logprobs - streams.engine_logprobs).exp()
    return divergence


def total_loss(streams: Streams, config: AlgoConfig) -> tuple[Tensor, Metrics]:
    """Return the policy loss with its correction, KL and entropy terms.

    The gradient of the entropy term equals the entropy's gradient in expectation over the sampled tokens:
    E[-(log policy + entropy) grad log policy] = grad entropy.

    Returns:
        The loss (scalar) and the metrics. Metrics are sums over the N tokens divided by `total_tokens`:
        `clip_fraction` (clipped tokens), `masked_fraction` (tokens with importance weight 0), `correction` (mean
        importance weight), `policy_kl` (k3 estimate of KL(engine ‖ policy)), `entropy`, and, with reference log-probs,
        `reference_kl`. With the loss `cross_entropy`, `nll` (negative log-likelihood) replaces the first four, since no
        engine has sampled the tokens.
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
    if config.loss == "cross_entropy":
        per_token = {"nll": -detached, "entropy": streams.entropy}
    if streams.reference_logprobs is not None:
        divergence = reference_kl(streams, config)
        loss = loss + config.kl_coef * divergence.sum() / streams.total_tokens
        per_token["reference_kl"] = divergence.detach()
    if config.entropy_coef:
        surprise = -(detached + streams.entropy) * streams.policy_logprobs
        loss = loss - config.entropy_coef * surprise.sum() / streams.total_tokens
    return loss, {name: values.sum() / streams.total_tokens for name, values in per_token.items()}
