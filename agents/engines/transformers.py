"""The transformers engine: batched generation with a KV cache, in this process, with exact log-probs."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from agents.engines import Completion, EngineConfig, Prompt
from agents.sampling import uniforms
from agents.vlm import VLM


class TransformersEngine:
    """Generates with the very forward pass that the learner trains."""

    def __init__(self, vlm: VLM, eos: int, config: EngineConfig) -> None:
        self.vlm = vlm
        self.eos = eos
        self.config = config
        self.version = 0
        self._pool = ThreadPoolExecutor(config.threads)

    def load_weights(self, weights: Mapping[str, Tensor], version: int) -> None:
        """Copy new weights, by their names in the model, into the engine's model."""
        self.vlm.model.load_state_dict(dict(weights), strict=False)
        self.version = version

    def generate(self, prompts: Sequence[Prompt], temperature: float) -> list[Completion]:
        """A completion for each prompt; temperature 0 is greedy.

        Prompts of like length share a batch; batches run side by side in `threads` threads.
        """
        order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i].images), len(prompts[i].tokens), i))
        count = -(-len(order) // self.config.max_batch)
        batches = [order[len(order) * k // count : len(order) * (k + 1) // count] for k in range(count)]
        sampled = self._pool.map(lambda batch: self._generate([prompts[i] for i in batch], temperature), batches)
        completions: dict[int, Completion] = {}
        for batch, replies in zip(batches, sampled, strict=True):
            completions.update(zip(batch, replies, strict=True))
        return [completions[i] for i in range(len(prompts))]

    @torch.no_grad()
    def _generate(self, prompts: list[Prompt], temperature: float) -> list[Completion]:
        length = max(len(prompt.tokens) for prompt in prompts)
        ragged = any(len(prompt.tokens) != length for prompt in prompts)
        tokens = torch.full((len(prompts), length), self.vlm.pad, dtype=torch.long)
        shown = torch.zeros(len(prompts), length, dtype=torch.long)
        for row, prompt in enumerate(prompts):  # padded on the left: all replies begin in one column
            tokens[row, length - len(prompt.tokens) :] = torch.from_numpy(prompt.tokens)
            shown[row, length - len(prompt.tokens) :] = 1
        tokens = tokens.to(self.vlm.device)
        mask = shown.to(self.vlm.device) if ragged else None
        cache = DynamicCache(config=self.vlm.model.config)
        images: Sequence[Sequence[np.ndarray]] = [prompt.images for prompt in prompts]
        seeds = np.array([prompt.seed for prompt in prompts], dtype=np.uint64)
        limits = np.array([prompt.max_tokens for prompt in prompts])
        alive = np.arange(len(prompts))
        replies: list[list[int]] = [[] for _ in prompts]
        logprobs: list[list[float]] = [[] for _ in prompts]
        for position in range(int(limits.max())):
            hidden = self.vlm.hidden(tokens, images, mask, cache)[:, -1]
            images = ()
            distribution = self.vlm.log_softmax(hidden, temperature or 1.0)  # [B, V]
            chosen = sample(distribution, uniforms(seeds[alive], position) if temperature else None)
            chosen_logprobs = distribution.gather(-1, chosen[:, None])[:, 0].tolist()
            for row, token, logprob in zip(alive.tolist(), chosen.tolist(), chosen_logprobs, strict=True):
                replies[row].append(token)
                logprobs[row].append(logprob)
            ended = (chosen == self.eos).cpu().numpy()
            going = ~ended & (limits[alive] > position + 1)
            if not going.any():
                break
            tokens = chosen[:, None]
            if mask is not None:
                mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
            if going.sum() <= len(going) // 2:  # enough have ended for a smaller batch to pay
                rows = torch.from_numpy(np.flatnonzero(going)).to(self.vlm.device)
                cache.batch_select_indices(rows)
                tokens, alive = tokens[rows], alive[going]
                mask = mask[rows] if mask is not None else None
            elif not going.all():
                limits[alive[~going]] = 0  # ended rows ride along until the batch shrinks
        return [
            _completion(reply, logprob, self.eos, prompt.max_tokens, self.version)
            for reply, logprob, prompt in zip(replies, logprobs, prompts, strict=True)
        ]


def _completion(reply: list[int], logprobs: list[float], eos: int, limit: int, version: int) -> Completion:
    """Cut what a row sampled while it rode along after its end."""
    end = reply.index(eos) + 1 if eos in reply else len(reply)
    end = min(end, limit)
    return Completion(
        np.array(reply[:end], dtype=np.int32),
        np.array(logprobs[:end], dtype=np.float32),
        finished=reply[end - 1] == eos,
        version=version,
    )


def sample(distribution: Tensor, uniform: np.ndarray | None) -> Tensor:
    """Tokens [B] by inverting the cumulative distribution of log-probs [B, V] at `uniform` [B]; None: the likeliest."""
    if uniform is None:
        return distribution.argmax(dim=-1)
    cumulative = distribution.double().exp().cumsum(dim=-1)
    target = torch.from_numpy(uniform).to(distribution.device)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, target, right=True)[:, 0].clamp_(max=distribution.shape[-1] - 1)
