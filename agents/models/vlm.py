"""Forward pass of the model, shared by the engine that samples and the learner that trains.

Sharing the code makes `engine_logprobs` and `policy_logprobs` agree to 1e-4. Sequences are laid end to end, [1, T],
without padding. Each distinct image is encoded once, however many sequences contain it.
Shapes: n sequences, T tokens of all of them, V vocabulary size, S visual tokens, N trained tokens.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.chat.template import Chat
from agents.chat.types import TokenSequence
from agents.models import attention, families
from agents.models.logprobs import chosen_logprobs
from agents.models.prefix import Shared, ragged, share


class Sequenced(Protocol):
    """Tokens with images: a TokenSequence or a Prompt."""

    @property
    def tokens(self) -> NDArray[np.int32]:
        """[T], with expanded placeholders."""
        ...

    @property
    def images(self) -> tuple[NDArray[np.uint8], ...]:
        """Images in the order of their placeholders."""
        ...

    @property
    def image_ids(self) -> tuple[str, ...]:
        """Hash of each image."""
        ...


@dataclass(frozen=True)
class Packed:
    """Sequences laid end to end, on the model's device."""

    tokens: Tensor
    """[1, T]"""
    positions: Tensor
    """[1, T], or [3, 1, T] if images have rows and columns (M-RoPE)."""
    bounds: tuple[int, ...]
    """[n + 1] start of each sequence, and the end."""
    placeholders: Tensor
    """[S] positions of visual tokens."""
    features: families.Features | None
    """Features for the placeholders, or None without images."""
    shared: Shared | None = None
    """Layout of the suffixes after the last bound, each of which continues one of the prompts."""

    @property
    def longest(self) -> int:
        """Number of tokens of the longest sequence."""
        return int(np.diff(self.bounds).max())


class VLM(nn.Module):
    """Vision-language model, or a text model, with its chat template."""

    def __init__(self, model: Any, chat: Chat) -> None:
        super().__init__()
        self.model = model
        self.chat = chat
        families.prepare(model)
        accepted = inspect.signature(families.language_model(model).forward).parameters
        self._cache_argument = "cache" if "cache" in accepted else "past_key_values"  # the older name
        self.register_buffer("forbidden", torch.tensor(chat.forbidden, dtype=torch.long, device=model.device), False)
        self.forbidden: Tensor

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return self.forbidden.device

    def forward(self, sequences: Sequence[TokenSequence], temperature: float) -> tuple[Tensor, Tensor]:
        """Return the log-probs [N] of the N tokens marked by `loss_mask`, in sequence order, with gradient.

        The second result is the entropy [N] of their distributions over the allowed tokens, without gradient.
        """
        shared = share(sequences)
        packed = self.pack(sequences, shared)
        trained = np.flatnonzero(np.concatenate([sequence.loss_mask for sequence in sequences]))
        before = shared.row[trained - 1]
        chosen = np.concatenate([sequence.tokens for sequence in sequences])[trained].astype(np.int64)
        hidden = self.hidden(packed, self._put(before))
        return chosen_logprobs(hidden, self.head, self._put(chosen), self.forbidden, temperature)

    @property
    def head(self) -> Tensor:
        """Weight [V, D] of the output layer."""
        weight: Tensor = self.model.lm_head.weight
        return weight

    def _put(self, array: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def pack(self, sequences: Sequence[Sequenced], shared: Shared | None = None) -> Packed:
        """Lay sequences end to end, or use the layout `shared`, and encode their distinct images."""
        joined = np.concatenate([sequence.tokens for sequence in sequences]).astype(np.int64)
        bounds = (0, *np.cumsum([len(sequence.tokens) for sequence in sequences]).tolist())
        places = np.flatnonzero(joined == self.chat.image_token)
        wanted = np.arange(len(places))
        if shared is not None:  # only the computed ones, in the order of the layout
            found = np.flatnonzero(shared.kept[shared.row[places]] == places)
            wanted = found[np.argsort(shared.row[places[found]])]
        features = self._features(sequences, len(places), wanted)
        if families.has_grids(self.model):
            positions = families.positions(bounds, places, features.grids if features is not None else ())[:, None]
        else:
            positions = families.text_positions(bounds)[None]
        if shared is not None:
            joined, positions, places = joined[shared.kept], positions[..., shared.kept], shared.row[places[wanted]]
            bounds = shared.bounds
        put = self._put
        return Packed(put(joined[None]), put(positions), bounds, put(places), features, shared)

    def _features(
        self, sequences: Sequence[Sequenced], placeholders: int, wanted: NDArray[np.int64]
    ) -> families.Features | None:
        """Return the features of the `wanted` placeholders. Each distinct image is encoded once."""
        images = self.chat.images
        frames: dict[str, NDArray[np.uint8]] = {}
        for sequence in sequences:
            frames.update(zip(sequence.image_ids, sequence.images, strict=True))
        index = {image_id: i for i, image_id in enumerate(frames)}
        shown = [index[image_id] for sequence in sequences for image_id in sequence.image_ids]
        counts = np.array([images.visual_tokens(*frame.shape[:2]) for frame in frames.values()], dtype=np.int64)
        if counts[shown].sum() != placeholders:
            raise ValueError(
                f"{len(shown)} images have {counts[shown].sum()} visual tokens, but {placeholders} placeholders"
            )
        if not frames:
            return None
        pixels = images.pixels(list(frames.values()))
        features = families.encode(self.model, {name: part.to(self.device) for name, part in pixels.items()})
        first = np.cumsum(counts) - counts
        rows = np.concatenate([np.arange(first[i], first[i] + counts[i]) for i in shown])[wanted]
        if len(shown) != len(frames) or len(rows) != len(features.tokens) or (np.diff(rows) != 1).any():
            features = features.take(self._put(rows), shown)
        return features

    def hidden(self, packed: Packed, keep: Tensor, cache: Any = None) -> Tensor:
        """Compute hidden states of packed sequences.

        Args:
            packed: sequences laid end to end.
            keep: [N] positions of the tokens to return.
            cache: receives the keys and values [1, K, T, d] of all tokens, layer by layer.

        Returns:
            Hidden states [N, D].
        """
        model = families.language_model(self.model)
        embeds = model.embed_tokens(packed.tokens)
        deepstack = {}
        if packed.features is not None:
            features = packed.features.tokens.to(embeds.dtype)
            embeds = embeds.index_copy(1, packed.placeholders, features[None])
            if packed.features.deep:
                visual = torch.zeros_like(packed.tokens, dtype=torch.bool).index_fill_(1, packed.placeholders, True)
                deepstack = {"visual_pos_masks": visual, "deepstack_visual_embeds": list(packed.features.deep)}
        one_call = attention.has_kernel(embeds)
        bounds = torch.tensor(packed.bounds, dtype=torch.int32, device=self.device)
        longest = packed.longest
        output = model(
            inputs_embeds=embeds,
            attention_mask=attention.everything(embeds),
            position_ids=packed.positions,
            **{self._cache_argument: cache},
            use_cache=cache is not None,
            cu_seq_lens_q=bounds,
            cu_seq_lens_k=bounds,
            max_length_q=longest,
            max_length_k=longest,
            suffixes=() if packed.shared is None or one_call else packed.shared.suffixes,
            ragged=ragged(packed.shared, self.device) if packed.shared is not None and one_call else None,
            keep=keep,
            **deepstack,
        )
        hidden: Tensor = output.last_hidden_state[0]
        return hidden

    def next_hidden(self, tokens: Tensor, positions: Tensor, mask: Tensor | None, cache: Any) -> Tensor:
        """Compute hidden states for one more text token in each row of a cache.

        Args:
            tokens: [B] newest token of each row.
            positions: [B] position of each token.
            mask: [B, T] True for a row's own cached tokens, including this one; None for all.
            cache: keys and values so far, extended by this token.

        Returns:
            Hidden states [B, D].
        """
        model = families.language_model(self.model)
        embeds = model.embed_tokens(tokens[:, None])
        output = model(
            inputs_embeds=embeds,
            attention_mask=attention.everything(embeds) if mask is None else mask[:, None, None],
            position_ids=positions[:, None],
            **{self._cache_argument: cache},
            use_cache=True,
        )
        hidden: Tensor = output.last_hidden_state[:, -1]
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits [..., V], float32, of the next token, with -inf for tokens that must not be sampled."""
        logits: Tensor = self.model.lm_head(hidden).float()
        return logits.index_fill(-1, self.forbidden, float("-inf"))
