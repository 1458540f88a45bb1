"""Transformers engine: batched in-process generation with a KV cache and exact log-probs.

A round starts when the event loop is idle and takes all waiting `generate` calls. It is split into batches of similar
prompts, which run in threads. All replies of a round are returned together, in order, before the next round starts.
So equal calls form equal batches, regardless of thread speed.
B: rows of a batch; T: cached tokens per row; V: vocabulary size.
"""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.chat.types import Completion, Prompt
from agents.engines.config import EngineConfig
from agents.engines.sampling import DistributionLog, sample
from agents.models.vlm import VLM
from agents.rounds import SerialRounds
from agents.seeds import uniforms

SHARED = 32
"""Number of calls on a CPU from which each thread gets a batch."""

Call = tuple[Prompt, float]


class TransformersEngine:
    """Engine that generates with the forward pass that the learner trains."""

    in_rounds = True

    def __init__(self, vlm: VLM, eos: int, config: EngineConfig) -> None:
        self.vlm = vlm
        self.eos = eos
        self.config = config
        self.version = 0
        self.max_context: int | None = vlm.model.config.get_text_config().max_position_embeddings
        self._pool = ThreadPoolExecutor(config.threads)
        self._rounds: SerialRounds[Call, Completion] = SerialRounds(self._answer)
        self._awake = vlm.device

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """Generate the reply to a prompt; temperature 0 is greedy."""
        return await self._rounds.run((prompt, temperature))

    async def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Copy new weights by their names in the model, between two rounds."""
        async with self._rounds.pause():
            own = self.vlm.model.state_dict(keep_vars=True)
            with torch.no_grad():
                for name, tensor in weights:
                    if name not in own:
                        raise ValueError(f"the engine's model has no weight {name!r}")
                    own[name].copy_(tensor)
            self.version = version

    async def sleep(self) -> None:
        """Move the weights to host memory."""
        async with self._rounds.pause():
            if self.vlm.device.type == "cuda":
                self.vlm.to("cpu")
                torch.cuda.empty_cache()

    async def wake(self) -> None:
        """Move the weights back to the device."""
        self.vlm.to(self._awake)

    async def close(self) -> None:
        """Answer all calls, then stop the threads."""
        await self._rounds.finish()
        self._pool.shutdown()

    async def _answer(self, calls: list[Call]) -> list[Completion | BaseException]:
        """Generate the replies of one round, in batches."""
        loop = asyncio.get_running_loop()
        batches = self._batches(calls)
        jobs = []
        for batch in batches:
            prompts, temperature = [calls[i][0] for i in batch], calls[batch[0]][1]
            jobs.append(loop.run_in_executor(self._pool, self._generate, prompts, temperature))
        answers: dict[int, Completion | BaseException] = {}
        for batch, result in zip(batches, await asyncio.gather(*jobs, return_exceptions=True), strict=True):
            answers |= zip(batch, [result] * len(batch) if isinstance(result, BaseException) else result, strict=True)
        return [answers[i] for i in range(len(calls))]

    def _batches(self, calls: list[Call]) -> list[list[int]]:
        """Group the indices of calls by temperature and similar length, with equal images adjacent."""
        batches = []
        on_cpu = self.vlm.device.type == "cpu"
        for temperature in dict.fromkeys(call[1] for call in calls):
            same = [i for i, call in enumerate(calls) if call[1] == temperature]
            same.sort(key=lambda i: (len(calls[i][0].images), len(calls[i][0].tokens), calls[i][0].image_ids))
            count = max(
                -(-len(same) // self.config.max_batch), self.config.threads if on_cpu and len(same) >= SHARED else 1
            )
            batches += [same[len(same) * k // count : len(same) * (k + 1) // count] for k in range(count)]
        return batches

    @torch.no_grad()
    def _generate(self, prompts: Sequence[Prompt], temperature: float) -> list[Completion]:
        """Generate a batch of replies."""
        vlm = self.vlm
        seeds = np.array([prompt.seed for prompt in prompts], dtype=np.uint64)
        limits = np.array([prompt.max_tokens for prompt in prompts])
        hidden, positions, mask, cache = self._prefill(prompts, int(limits.max()))
        alive = np.arange(len(prompts))
        replies: list[list[int]] = [[] for _ in prompts]
        logprobs: list[list[float]] = [[] for _ in prompts]
        wanted = np.array([prompt.distributions for prompt in prompts])
        distributions = DistributionLog()
        for position in range(int(limits.max())):
            logits = vlm.logits(hidden)
            uniform = uniforms(seeds[alive], position) if temperature else None
            scaled = logits / (temperature or 1.0)
            sampled = sample(scaled, uniform)
            chosen = sampled.tokens
            if len(logged := np.flatnonzero(wanted[alive])):
                distributions.add(alive[logged], (scaled - sampled.normaliser)[logged])
            tokens = chosen.tolist()
            for row, token, logprob in zip(alive.tolist(), tokens, sampled.logprobs.tolist(), strict=True):
                replies[row].append(token)
                logprobs[row].append(logprob)
            going = (np.array(tokens) != self.eos) & (limits[alive] > position + 1)
            if not going.any():
                break
            if going.sum() <= len(going) // 2:  # compacting pays once half of the rows have ended
                rows = torch.from_numpy(np.flatnonzero(going)).to(vlm.device)
                cache.select(rows)
                chosen, positions, alive = chosen[rows], positions[rows], alive[going]
                mask = mask[rows] if mask is not None else None
            elif not going.all():
                limits[alive[~going]] = 0  # ended rows stay until the batch is compacted
            seen = mask[:, : cache.length + 1] if mask is not None else None
            hidden = vlm.next_hidden(chosen, positions, seen, cache)
            positions = positions + 1
            cache.length += 1
        completions = []
        for row, (reply, logprob, prompt) in enumerate(zip(replies, logprobs, prompts, strict=True)):
            end = reply.index(self.eos) + 1 if self.eos in reply else len(reply)
            end = min(end, prompt.max_tokens)  # rows are sampled beyond their end until they are left out
            completions.append(
                Completion(
                    np.array(reply[:end], dtype=np.int32),
                    np.array(logprob[:end], dtype=np.float32),
                    finished=reply[end - 1] == self.eos,
                    versions=np.full(end, self.version, dtype=np.int32),
                    distributions=distributions.of_row(row, end) if prompt.distributions else None,
                )
            )
        return completions

    def _prefill(self, prompts: Sequence[Prompt], room: int) -> tuple[Tensor, Tensor, Tensor | None, "KeysValues"]:
        """Compute the prompts and prepare the cache.

        Equal prompts (the first turns of a group) are computed once. Prompts are padded on the left so that all
        replies start in one column.

        Returns:
            Last hidden states [B, D], next positions [B], a mask [B, T] of the unpadded tokens, and the cache.
        """
        device = self.vlm.device
        keys = [(prompt.tokens.tobytes(), prompt.image_ids) for prompt in prompts]
        distinct = {key: prompt for key, prompt in zip(keys, prompts, strict=True)}
        packed = self.vlm.pack(list(distinct.values()))
        first = _Layers()
        last = torch.tensor(packed.bounds[1:], device=device) - 1
        hidden = self.vlm.hidden(packed, last, first)
        newest = packed.positions[..., 0, last]
        positions = (newest.amax(0) if newest.dim() == 2 else newest) + 1
        number = {key: i for i, key in enumerate(distinct)}
        row = np.array([number[key] for key in keys])
        rows = torch.from_numpy(row).to(device)
        starts, ends = (np.array(part)[row] for part in (packed.bounds[:-1], packed.bounds[1:]))
        length = int((ends - starts).max())
        columns = ends[:, None] - length + np.arange(length)  # [B, T], clamped to the start for padding
        index = torch.from_numpy(np.maximum(columns, starts[:, None])).to(device)
        mask = None
        if (columns < starts[:, None]).any():
            shown = torch.from_numpy(columns >= starts[:, None]).to(device)
            mask = torch.cat([shown, shown.new_ones(len(prompts), room)], dim=1)
        return hidden[rows], positions[rows], mask, KeysValues(first, index, room)


class _Layers:
    """Cache that only stores the keys and values [1, K, T, d] of each layer."""

    def __init__(self) -> None:
        self.layers: list[tuple[Tensor, Tensor]] = []

    def update(self, key: Tensor, value: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        self.layers.append((key, value))
        return key, value


class KeysValues:
    """Cache with preallocated keys and values [B, K, T, d] of each layer, written in place."""

    def __init__(self, first: _Layers, index: Tensor, room: int) -> None:
        """Copy the tokens `index` [B, T] of packed layers, with space for `room` more tokens."""
        batch, self.length = index.shape
        self.layers = []
        for layer in first.layers:
            grown = []
            for packed in layer:
                heads, width = packed.shape[1], packed.shape[3]
                tensor = packed.new_empty(batch, heads, self.length + room, width)
                rows = packed[0].transpose(0, 1)[index.reshape(-1)].view(batch, self.length, heads, width)
                tensor[:, :, : self.length] = rows.transpose(1, 2)
                grown.append(tensor)
            self.layers.append((grown[0], grown[1]))

    def update(self, key: Tensor, value: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write a token's key and value [B, K, 1, d] and return all so far. `length` advances after all layers."""
        for tensor, new in zip(self.layers[layer], (key, value), strict=True):
            tensor[:, :, self.length : self.length + 1] = new
        keys, values = (tensor[:, :, : self.length + 1] for tensor in self.layers[layer])
        return keys, values

    def select(self, rows: Tensor) -> None:
        """Keep only these rows."""
        self.layers = [(keys[rows], values[rows]) for keys, values in self.layers]
