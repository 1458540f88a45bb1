"""Forward pass over a packed micro-batch: log-probs, and its part of the loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.models.vlm import VLM
from training.algorithm.groups import Trajectory
from training.algorithm.losses import Metrics, Streams, total_loss
from training.config.algo import AlgoConfig
from training.learner.packing import MicroBatch, Size


@dataclass(frozen=True)
class Minibatch:
    """Trajectories of one optimiser update, and this rank's passes over them."""

    trajectories: Sequence[Trajectory]
    passes: Sequence[MicroBatch]
    tokens: float
    """Number of trained tokens on all ranks."""

    def members(self, part: MicroBatch) -> list[Trajectory]:
        """Return the trajectories of a micro-batch, without its filler."""
        return [self.trajectories[i] for i in part.items]

    def trained(self, part: MicroBatch) -> int:
        """Return the number of trained tokens in a micro-batch."""
        return sum(int(member.sequence.loss_mask.sum()) for member in self.members(part))


def size(trajectory: Trajectory, vlm: VLM) -> Size:
    """Return the size of a trajectory. Repeated images count once, since they are encoded once."""
    sequence = trajectory.sequence
    frames = dict(zip(sequence.image_ids, sequence.images, strict=True)).values()
    return Size(len(sequence.tokens), sum(vlm.chat.images.patches(*frame.shape[:2]) for frame in frames))


def forward(vlm: VLM, batch: Minibatch, part: MicroBatch, temperature: float) -> tuple[Tensor, Tensor]:
    """Return log-probs and entropy of a micro-batch's trained tokens.

    Args:
        vlm: Model.
        batch: Minibatch of the micro-batch.
        part: Micro-batch.
        temperature: Sampling temperature of the tokens.

    Returns:
        Log-probs and entropy, each [N + F]: N trained tokens, then F tokens of the filler.
    """
    chosen = part.items if part.filler is None else (*part.items, part.filler)
    result: tuple[Tensor, Tensor] = vlm([batch.trajectories[i].sequence for i in chosen], temperature)
    return result


@torch.no_grad()
def logprobs(vlm: VLM, batch: Minibatch, part: MicroBatch, temperature: float) -> Tensor:
    """Return log-probs [N] of a micro-batch's trained tokens. The arguments are those of `forward`."""
    return forward(vlm, batch, part, temperature)[0][: batch.trained(part)]


def share_of_loss(
    vlm: VLM, batch: Minibatch, part: MicroBatch, algo: AlgoConfig, old: Tensor | None, reference: Tensor | None
) -> tuple[Tensor, Metrics]:
    """Return a micro-batch's part of the minibatch's loss and metrics.

    Args:
        vlm: Model.
        batch: Minibatch of the micro-batch.
        part: Micro-batch.
        algo: Algorithm settings.
        old: [N] old log-probs as in `Streams`. None without a correction, or for the only minibatch of a step.
        reference: [N] reference log-probs as in `Streams`, or None without a KL term.

    Returns:
        The loss (scalar) and the metrics. Both sum over the micro-batches to the values of the minibatch.
    """
    policy, entropy = forward(vlm, batch, part, algo.temperature)
    members = batch.members(part)
    masks = [member.sequence.loss_mask for member in members]
    lengths = torch.tensor([int(mask.sum()) for mask in masks], dtype=torch.long)
    count = int(lengths.sum())
    own = policy[:count]
    device = policy.device
    engine = _stream([m.sequence.engine_logprobs[mask] for m, mask in zip(members, masks, strict=True)], device)
    if old is None:
        old = engine if algo.correction == "none" else own.detach()
    streams = Streams(
        policy_logprobs=own,
        engine_logprobs=engine,
        old_logprobs=old,
        advantages=_stream([m.advantages[mask] for m, mask in zip(members, masks, strict=True)], device),
        sequence=torch.repeat_interleave(lengths).to(device),
        total_tokens=batch.tokens,
        total_sequences=float(len(batch.trajectories)),
        entropy=entropy[:count],
        reference_logprobs=reference,
    )
    loss, metrics = total_loss(streams, algo)
    metrics["loss"] = loss.detach()
    if algo.loss != "cross_entropy":
        metrics["mismatch"] = (own.detach() - engine).abs().sum() / batch.tokens
    return loss + 0.0 * policy[count:].sum(), metrics  # include the filler with zero gradient


def _stream(arrays: Sequence[NDArray[np.float32]], device: torch.device) -> Tensor:
    flat = np.concatenate([np.zeros(0, np.float32), *arrays])
    return torch.from_numpy(flat).to(device)
