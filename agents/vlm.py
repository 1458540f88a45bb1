"""The model's forward pass, shared by the engine that samples and the learner that trains.

One piece of code for both is what makes `engine_logprobs` and `policy_logprobs` agree to 1e-4.
Shapes: B sequences, T tokens, V vocabulary, U distinct frames, N visual tokens a frame.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import Idefics3ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling

from agents.conversation import Branch


def frames_to_pixels(frames: Sequence[NDArray[np.uint8]], device: torch.device) -> Tensor:
    """Frames [H, W, 3] of one size → [U, 1, 3, H, W] in [-1, 1], as the processor's mean and std of 0.5 give."""
    stacked = torch.from_numpy(np.stack(frames)).to(device)
    return stacked.permute(0, 3, 1, 2).unsqueeze(1).float().div_(127.5).sub_(1.0)


def distinct_frames(
    images: Sequence[Sequence[NDArray[np.uint8]]],
) -> tuple[list[NDArray[np.uint8]], list[int]]:
    """The distinct frame objects among `images`, and each placeholder's index into them, in order."""
    index: dict[int, int] = {}
    frames: list[NDArray[np.uint8]] = []
    order = []
    for frame in (frame for sequence in images for frame in sequence):
        if id(frame) not in index:
            index[id(frame)] = len(frames)
            frames.append(frame)
        order.append(index[id(frame)])
    return frames, order


class VLM:
    """A vision-language model with the token ids that must never be sampled."""

    def __init__(self, model: Idefics3ForConditionalGeneration, forbidden: Sequence[int], pad: int) -> None:
        self.model = model
        self.pad = pad
        self.device = model.device
        self.forbidden = torch.tensor(list(forbidden), dtype=torch.long, device=model.device)
        vision: Any = model.config.vision_config
        self.image_size: int = vision.image_size

    def check_size(self, frame: NDArray[np.uint8]) -> None:
        """ValueError unless a frame is of the one size whose visual tokens are as many as its placeholders."""
        height, width = frame.shape[:2]
        if (height, width) != (self.image_size, self.image_size):
            size = f"{self.image_size}x{self.image_size}"
            raise ValueError(f"the model sees images of {size}, got {height}x{width}: give the task image_size")

    def hidden(
        self,
        tokens: Tensor,
        images: Sequence[Sequence[NDArray[np.uint8]]],
        attention_mask: Tensor | None = None,
        cache: Any = None,
    ) -> Tensor:
        """Hidden states [B, T, D] of `tokens` [B, T]; frames in the order of their placeholders, none when decoding.

        `attention_mask` [B, T_total] marks the tokens that count (left or right padding); None: all of them.
        `cache` is a transformers cache, extended in place.
        """
        frames, order = distinct_frames(images)
        encoded = None
        if frames:
            self.check_size(frames[0])
            features = self.model.model.get_image_features(frames_to_pixels(frames, self.device)).pooler_output
            if order != list(range(len(frames))):
                features = features[torch.tensor(order, device=self.device)]
            encoded = {"image": BaseModelOutputWithPooling(pooler_output=features)}
        positions = None
        if attention_mask is not None:
            positions = (attention_mask.long().cumsum(-1) - 1).clamp_(min=0)[:, -tokens.shape[1] :]
        output = self.model.model(
            input_ids=tokens,
            attention_mask=attention_mask,
            position_ids=positions,
            mm_encoder_outputs=encoded,
            past_key_values=cache,
            use_cache=cache is not None,
        )
        hidden: Tensor = output.last_hidden_state
        return hidden

    def log_softmax(self, hidden: Tensor, temperature: float) -> Tensor:
        """Log-probs [..., V] of the next token at `temperature`, over the tokens that may be sampled."""
        logits = self.model.lm_head(hidden).float()
        logits = logits.index_fill(-1, self.forbidden, float("-inf"))
        return torch.log_softmax(logits / temperature, dim=-1)

    def score(self, branches: Sequence[Branch], temperature: float) -> tuple[Tensor, Tensor]:
        """Log-probs [N] of the N tokens that the branches' `loss_mask`s mark, branch by branch, with gradient.

        With them comes the entropy [N] (no gradient) of the distributions they came from. Branches are padded on the
        right, where causal attention never sees it; only the marked positions go through the head.
        """
        length = max(len(branch.tokens) for branch in branches)
        padded = np.full((len(branches), length), self.pad, dtype=np.int64)
        marked = np.zeros((len(branches), length), dtype=bool)
        for row, branch in enumerate(branches):
            padded[row, : len(branch.tokens)] = branch.tokens
            marked[row, : len(branch.tokens)] = branch.loss_mask
        tokens = torch.from_numpy(padded).to(self.device)
        rows, columns = (torch.from_numpy(axis).to(self.device) for axis in np.nonzero(marked))
        hidden = self.hidden(tokens, [branch.images for branch in branches])
        distribution = self.log_softmax(hidden[rows, columns - 1], temperature)  # [N, V]
        logprobs = distribution.gather(-1, tokens[rows, columns][:, None])[:, 0]
        with torch.no_grad():
            entropy = -(distribution.exp() * distribution.masked_fill(distribution.isinf(), 0.0)).sum(-1)
        return logprobs, entropy
