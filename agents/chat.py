r"""Messages ↔ tokens of one model family (Idefics3/SmolVLM); the only place that knows a chat template.

A conversation is laid down as pieces: `<|im_start|>User:<image>text<end_of_utterance>\nAssistant:` for its first turn,
the sampled reply as it is, then `\nUser:…` for the next. Joined, they are what the family's own template renders.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Chat:
    """Tokens of turns and texts of replies, for one processor."""

    def __init__(self, processor: Any) -> None:
        tokenizer = processor.tokenizer
        self.tokenizer = tokenizer
        self.eos: int = tokenizer.convert_tokens_to_ids("<end_of_utterance>")
        self.pad: int = tokenizer.pad_token_id
        self.image_token: int = tokenizer.convert_tokens_to_ids("<image>")
        self.visual_tokens: int = processor.image_seq_len
        self.forbidden: list[int] = sorted(set(tokenizer.all_special_ids) - {self.eos})
        # One placeholder a visual token: the stream as the model sees it.
        self._picture = "<fake_token_around_image><global-img>" + "<image>" * self.visual_tokens
        self._picture += "<fake_token_around_image>"
        self.turn = lru_cache(maxsize=4096)(self._turn)

    def _turn(self, text: str, image: bool, first: bool, closed: bool = True) -> NDArray[np.int32]:
        """Tokens of a user turn, up to where the reply begins.

        `first` opens the conversation; else the turn follows a reply, which `closed` itself with the end token or not.
        """
        head = "<|im_start|>User:" if first else ("\nUser:" if closed else "<end_of_utterance>\nUser:")
        body = self._picture + text if image else f" {text}"
        return self._encode(f"{head}{body}<end_of_utterance>\nAssistant:")

    def reply(self, text: str) -> NDArray[np.int32]:
        """Tokens of a reply in words, with the end token: how demonstrations are written."""
        return np.append(self._encode(text), np.int32(self.eos))

    def text(self, tokens: NDArray[np.int32]) -> str:
        """The words of a sampled reply, without the end token."""
        ids = tokens.tolist()
        if ids and ids[-1] == self.eos:
            ids = ids[:-1]
        decoded: str = self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return decoded

    def prompt_text(self, tokens: NDArray[np.int32]) -> str:
        """A prompt for people to read: the visual tokens of a picture as one `<image>`."""
        decoded: str = self.tokenizer.decode(tokens.tolist(), skip_special_tokens=False)
        return decoded.replace(self._picture, "<image>")

    def _encode(self, text: str) -> NDArray[np.int32]:
        return np.asarray(self.tokenizer.encode(text, add_special_tokens=False), dtype=np.int32)
