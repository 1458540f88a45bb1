r"""Chat template of one model: converts turns to tokens and replies to text.

A conversation is concatenated from pieces: `<|im_start|>User:<image>text<end_of_utterance>\nAssistant:` for the first
turn, the unchanged sampled reply, then `\nUser:…` for the next turn. The pieces are cut from the tokenizer's rendering
of a sample conversation, so their concatenation equals the rendering of any conversation.

Replies stay as they were sampled. Some templates drop the reasoning of earlier replies (Qwen3) or write an empty
`<think>` block in its place. Here the history keeps it, since it was in the context of the tokens that are trained.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from envs.questions.places import places

if TYPE_CHECKING:
    from agents.chat.images import ImageCodec

Ids = NDArray[np.int32]

# Placeholder texts in the sample conversation: private-use characters that no template contains.
FIRST, REPLY, SECOND = "\ue000", "\ue001", "\ue002"

TODAY = date(2024, 7, 26)
"""Date in the prompts of templates that write one. It is fixed, so that prompts do not depend on the day of a run."""


@dataclass(frozen=True)
class _TurnTemplate:
    """User turn without its text: IDs before and after the image, text around the user text, IDs at the end."""

    before: Ids
    after: Ids
    lead: str
    trail: str
    end: Ids


class Chat:
    """Tokenizer and chat template of one model."""

    def __init__(self, tokenizer: Any, pictures: "ImageCodec", vocabulary: int = 0) -> None:
        """Cut the pieces of a conversation out of the chat template.

        Args:
            tokenizer: transformers tokenizer with a chat template.
            pictures: image codec of the model family.
            vocabulary: number of embeddings of the model, which may exceed the number of tokens.

        Raises:
            ValueError: there is no template, it writes no end token, or not the image and the text of a turn, or a
                conversation cannot be extended turn by turn.
        """
        if tokenizer.chat_template is None:
            raise ValueError(
                "there is no chat template; use an instruct model, or add chat_template.jinja to the folder"
            )
        self.tokenizer = tokenizer
        self.images = pictures
        self.takes_images = len(pictures.collapsed) > 0
        """False for a model that reads text only."""
        self._backend = tokenizer.backend_tokenizer  # takes a tenth of the time of transformers' own `encode`
        self._backend.no_truncation()
        self._backend.no_padding()
        self.image_token = pictures.image_token
        special = {str(token): int(id) for id, token in tokenizer.added_tokens_decoder.items() if token.special}
        special |= {str(token): tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens}
        self._special = re.compile("|".join(re.escape(name) for name in sorted(special, key=len, reverse=True)))
        self._image = "".join(tokenizer.convert_ids_to_tokens(pictures.collapsed.tolist()))

        after_reply = self._sample([{"type": "text", "text": SECOND}], first=False).partition(REPLY)[2]
        end = self._special.search(after_reply)
        if end is None:
            raise ValueError("the chat template writes no special token after a reply")
        self.eos: int = special[end[0]]
        self.pad: int = self.eos if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        self.forbidden: list[int] = sorted({*special.values(), *range(len(tokenizer), vocabulary)} - {self.eos})
        """IDs that must never be sampled."""

        kinds = (True, False) if self.takes_images else (False,)
        self._turns = {(image, first): self._cut(image, first) for image in kinds for first in (True, False)}
        opened = self._sample([{"type": "text", "text": FIRST}], first=True).partition(FIRST)[2].rpartition("<think>")
        self._opening = opened[1] + opened[2] if opened[1] and "</think>" not in opened[2] else ""
        self.turn = lru_cache(maxsize=4096)(self._turn)
        self._image_tokens = lru_cache(maxsize=256)(pictures.tokens)
        self._check_turns()

    def _sample(self, content: list[dict[str, str]], first: bool, replies: int = 1) -> str:
        """Return a short conversation that ends with a user turn, rendered by the template up to the next reply.

        Args:
            content: parts of the last user turn.
            first: True if that turn opens the conversation.
            replies: number of replies before it otherwise.
        """
        before: list[tuple[str, list[dict[str, str]]]] = []
        if not first:
            for said in (FIRST, *[SECOND] * (replies - 1)):
                before += [("user", [{"type": "text", "text": said}]), ("assistant", [{"type": "text", "text": REPLY}])]
        messages = [
            # Templates of models without images take the content as one text.
            {"role": role, "content": parts if self.takes_images else "".join(part["text"] for part in parts)}
            for role, parts in [*before, ("user", content)]
        ]
        text: str = self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=False, strftime_now=TODAY.strftime
        )
        return text

    def _last_turn(self, content: list[dict[str, str]], first: bool, replies: int = 1) -> str:
        """Return the user turn of `_sample`, starting after the end token of any reply before it."""
        text = self._sample(content, first, replies)
        if first:
            return text
        text = text.rpartition(REPLY)[2]
        end = self._special.search(text)
        assert end is not None  # checked in `__init__`
        return text[end.end() :]

    def _cut(self, image: bool, first: bool) -> _TurnTemplate:
        """Return the pieces of a turn, cut from a sample conversation."""
        image_part = [{"type": "image"}] if image else []
        text = self._last_turn([*image_part, {"type": "text", "text": FIRST if first else SECOND}], first)
        head, sentinel, tail = text.partition(FIRST if first else SECOND)
        before, marker, head = head.partition(self._image) if image else ("", "", head)
        if not sentinel or bool(marker) != image:
            raise ValueError(f"the chat template does not write {self._image} and the text of a user's turn")
        # The user text is encoded together with the plain text around it, up to the nearest special tokens.
        last = max((found.end() for found in self._special.finditer(head)), default=0)
        found = self._special.search(tail)
        stop = found.start() if found else len(tail)
        return _TurnTemplate(
            self._encode(before), self._encode(head[:last]), head[last:], tail[:stop], self._encode(tail[stop:])
        )

    def _check_turns(self) -> None:
        """Raise ValueError unless turns can be appended to a conversation, and encoded apart from it."""
        content = [{"type": "text", "text": SECOND}]
        second = self._last_turn(content, first=False)
        opening = self._sample([{"type": "text", "text": FIRST}], first=True).partition(FIRST)[0]
        if self._last_turn(content, False, 2) != second or not self._sample(content, False, 2).startswith(opening):
            raise ValueError("the chat template writes a turn differently in a longer conversation")
        words = "Solve 2 + 3.\nAnswer:"
        for first, end in ((True, ""), (False, self._decode([self.eos]))):
            whole = self._last_turn([{"type": "text", "text": words}], first)
            if self._encode(end + whole).tolist() != self._turn(words, None, first, closed=not end).tolist():
                raise ValueError("the tokenizer encodes the parts of a turn differently from the whole turn")

    def _turn(
        self,
        text: str,
        size: tuple[int, int] | None,
        first: bool,
        closed: bool = True,
        more: tuple[tuple[int, int], ...] = (),
    ) -> Ids:
        """Return the tokens [T] of a user turn, expanded, up to the start of the reply.

        Names of special tokens inside the text are encoded as plain text.

        Args:
            text: text of the turn.
            size: height and width of the turn's image, or None.
            first: True if the turn opens the conversation, False if it follows a reply.
            closed: True if the reply before this turn ended with the end token.
            more: sizes of the images after the first. Images are placed as in `envs.questions.places`.
        """
        end = [] if first or closed else [np.array([self.eos], dtype=np.int32)]
        if size is not None and more:
            return np.concatenate([*end, *self._mixed(places(text, 1 + len(more)), [size, *more], first)])
        image_part = [] if size is None else [self._image_tokens(*size)]
        pieces = self._turns[size is not None, first]
        words = self._encode(pieces.lead + text + pieces.trail, plain=True)
        return np.concatenate([*end, pieces.before, *image_part, pieces.after, words, pieces.end])

    def _mixed(self, parts: Sequence[str | None], sizes: Sequence[tuple[int, int]], first: bool) -> Iterator[Ids]:
        """Yield the pieces of a user turn with several images, as the template renders its texts and images.

        Args:
            parts: texts, and None for each image.
            sizes: height and width of each image.
            first: True if the turn opens the conversation.
        """
        mark = FIRST if first else SECOND
        content = [{"type": "image"} if part is None else {"type": "text", "text": mark} for part in parts]
        rendered = self._last_turn(content, first)
        texts, images = (part for part in parts if part is not None), iter(sizes)
        special = re.compile(f"({re.escape(self._image)}|{self._special.pattern})")
        for piece in special.split(rendered):
            if piece == self._image:
                yield self._image_tokens(*next(images))
            elif self._special.fullmatch(piece):
                yield self._encode(piece)
            elif piece:
                yield self._encode(re.sub(mark, lambda _: next(texts), piece), plain=True)
        if next(images, None) is not None or next(texts, None) is not None:
            raise ValueError(f"the chat template does not write every {self._image} and text of a user's turn")

    def collapse(self, tokens: Ids) -> Ids:
        """Return the tokens with one placeholder per image, as vLLM expects them. Images must be complete."""
        pieces, past = [], 0
        for start, stop in self.images.spans(tokens):
            pieces += [tokens[past:start], self.images.collapsed]
            past = stop
        return np.concatenate([*pieces, tokens[past:]])

    def reply(self, text: str) -> Ids:
        """Return the tokens of a reply given as text, with the end token. Used for demonstrations."""
        content = text.removeprefix(self._opening)
        if content == text:
            content = text.removeprefix(self._opening.rstrip())
        return np.append(self._encode(content, plain=True), np.int32(self.eos))

    def text(self, tokens: Ids) -> str:
        """Return the text of a sampled reply without the end token, with any `<think>` that its prompt opened."""
        ids = tokens.tolist()
        if ids and ids[-1] == self.eos:
            ids = ids[:-1]
        return self._opening + self._decode(ids)

    def prompt_text(self, tokens: Ids) -> str:
        """Return a prompt as readable text, with one placeholder per image."""
        return self._decode(self.collapse(tokens).tolist())

    def _decode(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def _encode(self, text: str, plain: bool = False) -> Ids:
        """Encode a text. With `plain`, names of special tokens are encoded as plain text."""
        self._backend.encode_special_tokens = plain
        return np.asarray(self._backend.encode(text, add_special_tokens=False).ids, dtype=np.int32)
