"""Policy losses: pure functions of per-token streams. N tokens of sampled replies, in any order and packing."""

import torch
from torch import Tensor


def clipped_loss(
    policy_logprobs: Tensor,
    engine_logprobs: Tensor,
    advantages: Tensor,
    total_tokens: float,
    clip_low: float,
    clip_high: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The clipped policy-gradient loss of GRPO with DAPO's token mean and asymmetric clip (arXiv 2503.14476).

    Args:
        policy_logprobs: [N], of the sampled tokens under the weights in training.
        engine_logprobs: [N], of the same tokens when they were sampled.
        advantages: [N].
        total_tokens: the number of sampled tokens in the *whole* minibatch; the loss is a sum over these N divided
            by it, so that micro-batches and ranks add up to one result.
        clip_low: ratios below 1 - clip_low are clipped where that limits the gain.
        clip_high: the same above 1 + clip_high.

    Returns:
        The loss (a scalar), and two sums over the N tokens, each divided by `total_tokens`: `clip_fraction`, the share
        of tokens whose gain is limited, and `policy_kl`, the k3 estimate r - log r - 1 of KL(engine ‖ policy).
    """
    log_ratio = policy_logprobs - engine_logprobs
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1 - clip_low, 1 + clip_high)
    gain = torch.minimum(ratio * advantages, clipped * advantages)
    with torch.no_grad():
        metrics = {
            "clip_fraction": (clipped * advantages < ratio * advantages).float().sum() / total_tokens,
            "policy_kl": (ratio - log_ratio - 1).sum() / total_tokens,
        }
    return -gain.sum() / total_tokens, metrics
