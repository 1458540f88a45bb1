"""Conversations as token sequences: the exact tokens that were shown and sampled, never rendered a second time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.chat.template import Chat
from agents.chat.types import NO_TOKENS, Completion, Ids, Message, Prompt, TokenSequence
from render.draw.images import frame_id


@dataclass
class _Turn:
    words: str
    words_first: str
    images: tuple[NDArray[np.uint8], ...]
    image_ids: tuple[str, ...]
    completion: Completion | None = None
    shown: dict[bool, tuple[Ids, Ids]] = field(default_factory=dict)
    """Expanded and collapsed tokens of the turn, keyed by True if the turn opens a context."""


@dataclass
class Conversation:
    """Turns of one episode. Each context holds the newest turn and `history` past turns (-1: all).

    Without a chat (for engines that return text), a prompt contains messages only and no token sequences are recorded.
    """

    chat: Chat | None
    history: int
    turns: list[_Turn] = field(default_factory=list)

    def ask(
        self,
        words: str,
        words_first: str,
        image: NDArray[np.uint8] | None,
        more: Sequence[NDArray[np.uint8]] = (),
    ) -> None:
        """Add a user turn.

        Args:
            words: text of the turn inside a context.
            words_first: text of the turn when it opens a context, with the instructions.
            image: image [H, W, 3], or None.
            more: images after the first, placed in the text as in `envs.questions.places`.

        Raises:
            ValueError: the model does not accept images of this size.
        """
        images = () if image is None else (image, *more)
        if self.chat is not None:
            images = tuple(self.chat.images.fit(shown) for shown in images)
        self.turns.append(_Turn(words, words_first, images, tuple(frame_id(shown) for shown in images)))

    def prompt(self, seed: int, max_tokens: int, distributions: bool = False) -> Prompt:
        """Return the prompt for the newest turn."""
        last = len(self.turns) - 1
        first = self._first(last)
        images, ids = self._images(first, last)
        if self.chat is None:
            return Prompt(NO_TOKENS, NO_TOKENS, images, ids, seed, max_tokens, self._messages(first, last))
        pieces: list[tuple[Ids, Ids]] = []
        for index in range(first, last + 1):
            pieces.append(self._shown(index, index == first))
            reply = self.turns[index].completion
            if index < last and reply is not None:
                pieces.append((reply.tokens, reply.tokens))
        tokens, collapsed = (np.concatenate(stream) for stream in zip(*pieces, strict=True))
        return Prompt(tokens, collapsed, images, ids, seed, max_tokens, distributions=distributions)

    def answer(self, completion: Completion) -> None:
        """Record the reply sampled for the newest turn."""
        self.turns[-1].completion = completion

    def sequences(self) -> list[TokenSequence]:
        """Return token sequences that contain every reply once, each in the context it was sampled in."""
        answered = sum(turn.completion is not None for turn in self.turns)
        if self.chat is None or not answered:
            return []
        if self.history == -1:
            return [self._sequence(answered - 1, trained_from=0)]
        return [self._sequence(turn, trained_from=turn) for turn in range(answered)]

    def last_sequence(self) -> TokenSequence:
        """Return the newest reply in its context as a token sequence. Earlier replies are context only."""
        return self._sequence(len(self.turns) - 1, trained_from=len(self.turns) - 1)

    def _first(self, last: int) -> int:
        """Return the index of the turn that opens the context of turn `last`."""
        return 0 if self.history == -1 else max(0, last - self.history)

    def _shown(self, index: int, opening: bool) -> tuple[Ids, Ids]:
        """Return the tokens of a user turn, expanded and collapsed."""
        turn = self.turns[index]
        if opening not in turn.shown:
            assert self.chat is not None
            before = None if opening else self.turns[index - 1].completion
            sizes = [(image.shape[0], image.shape[1]) for image in turn.images]
            words = turn.words_first if opening else turn.words
            tokens = self.chat.turn(
                words, sizes[0] if sizes else None, opening, before is None or before.finished, tuple(sizes[1:])
            )
            turn.shown[opening] = tokens, self.chat.collapse(tokens)
        return turn.shown[opening]

    def _images(self, first: int, last: int) -> tuple[tuple[NDArray[np.uint8], ...], tuple[str, ...]]:
        """Return the images of a range of turns, and their hashes."""
        turns = self.turns[first : last + 1]
        frames = tuple(image for turn in turns for image in turn.images)
        return frames, tuple(image_id for turn in turns for image_id in turn.image_ids)

    def _messages(self, first: int, last: int) -> tuple[Message, ...]:
        """Return a range of turns as messages, without the reply to the last turn."""
        messages = []
        for index in range(first, last + 1):
            turn = self.turns[index]
            words = turn.words_first if index == first else turn.words
            messages.append(Message("user", words, next(iter(turn.images), None), turn.images[1:]))
            if index < last and turn.completion is not None:
                messages.append(Message("assistant", turn.completion.text or ""))
        return tuple(messages)

    def _sequence(self, last: int, trained_from: int) -> TokenSequence:
        """Return the context of turn `last` with its reply. Replies are trained from turn `trained_from` on."""
        first = self._first(last)
        pieces: list[tuple[int, Ids, Completion | None]] = []
        for index in range(first, last + 1):
            pieces.append((index, self._shown(index, index == first)[0], None))
            reply = self.turns[index].completion
            assert reply is not None
            pieces.append((index, reply.tokens, reply))
        tokens = np.concatenate([piece for _, piece, _ in pieces])
        mask = np.zeros(len(tokens), dtype=np.bool_)
        logprobs = np.zeros(len(tokens), dtype=np.float32)
        turns = np.zeros(len(tokens), dtype=np.int16)
        versions = np.full(len(tokens), -1, dtype=np.int32)
        start = 0
        for index, piece, reply in pieces:
            place = slice(start, start + len(piece))
            start += len(piece)
            turns[place] = index
            if reply is not None:
                mask[place] = index >= trained_from
                logprobs[place] = reply.logprobs
                versions[place] = reply.versions
        return TokenSequence(tokens, mask, logprobs, turns, versions, *self._images(first, last))
