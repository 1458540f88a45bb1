r"""Turns ↔ tokens of one model; the only place that knows a chat template.

A conversation is laid down as pieces: `<|im_start|>User:<image>text<end_of_utterance>\nAssistant:` for its first turn,
the sampled reply as it is, then `\nUser:…` for the next. The pieces are cut out of what the tokenizer's own template
renders for a sample conversation, so that, joined, they are what it renders for any.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from agents.chat.images import ImageCodec

Ids = NDArray[np.int32]

# Stand for texts in the sample conversation: private characters that no template writes itself.
FIRST, REPLY, SECOND = "\ue000", "\ue001", "\ue002"


@dataclass(frozen=True)
class _Frame:
    """A user turn without its text: ids up to the image, ids after it, plain text around the text, ids to the end."""

    before: Ids
    after: Ids
    lead: str
    trail: str
    end: Ids


class Chat:
    """Tokens of turns and texts of replies."""

    def __init__(self, tokenizer: Any, pictures: "ImageCodec", vocabulary: int = 0) -> None:
        """`vocabulary` is the number of the model's embeddings; the tokenizer may have fewer tokens."""
        self.tokenizer = tokenizer
        self.images = pictures
        self._backend = tokenizer.backend_tokenizer  # a tenth of the time of transformers' own `encode`
        self._backend.no_truncation()
        self._backend.no_padding()
        self.image_token = pictures.image_token
        special = {str(token): int(id) for id, token in tokenizer.added_tokens_decoder.items() if token.special}
        special |= {str(token): tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens}
        self._special = re.compile("|".join(re.escape(name) for name in sorted(special, key=len, reverse=True)))
        self._image = "".join(tokenizer.convert_ids_to_tokens(pictures.collapsed.tolist()))

        after_reply = self._sample(image=False, first=False).partition(REPLY)[2]
        end = self._special.search(after_reply)
        if end is None:
            raise ValueError("the chat template writes no special token after a reply")
        self.eos: int = special[end[0]]
        self.pad: int = self.eos if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        self.forbidden: list[int] = sorted({*special.values(), *range(len(tokenizer), vocabulary)} - {self.eos})
        """Ids that must never be sampled."""

        self._frames = {(image, first): self._cut(image, first) for image in (True, False) for first in (True, False)}
        opened = self._sample(image=False, first=True).partition(FIRST)[2].rpartition("<think>")
        self._opening = opened[1] + opened[2] if opened[1] and "</think>" not in opened[2] else ""
        self.turn = lru_cache(maxsize=4096)(self._turn)
        self._picture = lru_cache(maxsize=256)(pictures.tokens)

    def _sample(self, image: bool, first: bool) -> str:
        """The template's words for a short conversation, up to where a reply begins."""
        picture = [{"type": "image"}] if image else []
        messages: list[dict[str, Any]] = [
            {"role": "user", "content": [*(picture if first else []), {"type": "text", "text": FIRST}]}
        ]
        if not first:
            messages.append({"role": "assistant", "content": [{"type": "text", "text": REPLY}]})
            messages.append({"role": "user", "content": [*picture, {"type": "text", "text": SECOND}]})
        text: str = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return text

    def _cut(self, image: bool, first: bool) -> _Frame:
        """The turn at the end of the sample conversation; if it follows a reply, from behind its end token."""
        text = self._sample(image, first)
        if not first:
            text = text.partition(REPLY)[2]
            end = self._special.search(text)
            assert end is not None  # `__init__` saw it
            text = text[end.end() :]
        head, sentinel, tail = text.partition(FIRST if first else SECOND)
        before, marker, head = head.partition(self._image) if image else ("", "", head)
        if not sentinel or bool(marker) != image:
            raise ValueError(f"the chat template does not write {self._image} and the text of a user's turn")
        # Text is encoded together with the plain words around it, as far as the next special tokens.
        last = max((found.end() for found in self._special.finditer(head)), default=0)
        found = self._special.search(tail)
        stop = found.start() if found else len(tail)
        return _Frame(
            self._encode(before), self._encode(head[:last]), head[last:], tail[:stop], self._encode(tail[stop:])
        )

    def _turn(self, text: str, size: tuple[int, int] | None, first: bool, closed: bool = True) -> Ids:
        """Tokens [T] of a user turn, expanded, up to where the reply begins.

        `size` is the height and width of its image, if it has one. `first` opens the conversation; else the turn
        follows a reply, which `closed` itself with the end token or not. The text is only text: a special token's
        name in it is spelled out.
        """
        frame = self._frames[size is not None, first]
        words = self._encode(frame.lead + text + frame.trail, plain=True)
        end = [] if first or closed else [np.array([self.eos], dtype=np.int32)]
        picture = [] if size is None else [self._picture(*size)]
        return np.concatenate([*end, frame.before, *picture, frame.after, words, frame.end])

    def collapse(self, tokens: Ids) -> Ids:
        """The tokens with one placeholder an image, as vLLM takes them; never cut inside an image."""
        pieces, past = [], 0
        for start, stop in self.images.spans(tokens):
            pieces += [tokens[past:start], self.images.collapsed]
            past = stop
        return np.concatenate([*pieces, tokens[past:]])

    def reply(self, text: str) -> Ids:
        """Tokens of a reply in words, with the end token: how demonstrations are written."""
        said = text.removeprefix(self._opening)
        if said == text:
            said = text.removeprefix(self._opening.rstrip())
        return np.append(self._encode(said, plain=True), np.int32(self.eos))

    def text(self, tokens: Ids) -> str:
        """The words of a sampled reply, without the end token; with the `<think>` that its prompt may have opened."""
        ids = tokens.tolist()
        if ids and ids[-1] == self.eos:
            ids = ids[:-1]
        return self._opening + self._decode(ids)

    def prompt_text(self, tokens: Ids) -> str:
        """A prompt for people to read: a picture is what the template writes for it."""
        return self._decode(self.collapse(tokens).tolist())

    def _decode(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def _encode(self, text: str, plain: bool = False) -> Ids:
        """`plain`: the names of special tokens are text like any other."""
        self._backend.encode_special_tokens = plain
        return np.asarray(self._backend.encode(text, add_special_tokens=False).ids, dtype=np.int32)
