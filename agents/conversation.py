"""The tokens of an episode, exactly as they were shown and sampled: history is extended, never rendered again."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.chat import Chat
from agents.engines import Completion, Prompt


@dataclass(frozen=True)
class Branch:
    """One context and the replies trained in it. T tokens, F frames."""

    tokens: NDArray[np.int32]
    """[T], prompts and replies, placeholders expanded."""
    loss_mask: NDArray[np.bool_]
    """[T], true where a token was sampled and is trained here."""
    engine_logprobs: NDArray[np.float32]
    """[T], of sampled tokens; 0 elsewhere."""
    turn: NDArray[np.int16]
    """[T], the turn that each token belongs to."""
    policy_version: NDArray[np.int32]
    """[T], the weights that sampled each token; -1 elsewhere."""
    images: tuple[NDArray[np.uint8], ...]
    """[F] frames in the order of their placeholders."""


@dataclass
class _Turn:
    words: str
    words_first: str
    image: NDArray[np.uint8] | None
    completion: Completion | None = None


@dataclass
class Conversation:
    """The turns of one episode, with `history` past turns in each context (-1: all)."""

    chat: Chat
    history: int
    turns: list[_Turn] = field(default_factory=list)

    def ask(self, words: str, words_first: str, image: NDArray[np.uint8] | None) -> None:
        """Add a user turn; `words_first` is used where the turn opens a context (it carries the instructions)."""
        self.turns.append(_Turn(words, words_first, image))

    def prompt(self, seed: int, max_tokens: int) -> Prompt:
        """The context of the newest turn, ready to go on from."""
        branch = self._branch(len(self.turns) - 1)
        return Prompt(branch.tokens, branch.images, seed, max_tokens)

    def answer(self, completion: Completion) -> None:
        """Add the reply that was sampled for the newest turn."""
        self.turns[-1].completion = completion

    def branches(self) -> list[Branch]:
        """Every reply once, in the context that it was sampled in."""
        answered = sum(turn.completion is not None for turn in self.turns)
        if not answered:
            return []
        if self.history == -1:
            return [self._branch(answered - 1, trained_from=0)]
        return [self._branch(turn, trained_from=turn) for turn in range(answered)]

    def _branch(self, last: int, trained_from: int | None = None) -> Branch:
        """The context of turn `last`, its reply included if `trained_from` is given."""
        first = 0 if self.history == -1 else max(0, last - self.history)
        pieces: list[NDArray[np.int32]] = []
        mask: list[bool] = []
        logprobs: list[float] = []
        turns: list[int] = []
        versions: list[int] = []
        closed = True
        for index in range(first, last + 1):
            turn = self.turns[index]
            opening = index == first
            shown = self.chat.turn(turn.words_first if opening else turn.words, turn.image is not None, opening, closed)
            pieces.append(shown)
            mask += [False] * len(shown)
            logprobs += [0.0] * len(shown)
            versions += [-1] * len(shown)
            turns += [index] * len(shown)
            reply = turn.completion
            if reply is not None and (index < last or trained_from is not None):
                trained = trained_from is not None and index >= trained_from
                pieces.append(reply.tokens)
                mask += [trained] * len(reply.tokens)
                logprobs += reply.logprobs.tolist()
                versions += [reply.version] * len(reply.tokens)
                turns += [index] * len(reply.tokens)
                closed = reply.finished
        frames = tuple(turn.image for turn in self.turns[first : last + 1] if turn.image is not None)
        return Branch(
            np.concatenate(pieces),
            np.array(mask, dtype=bool),
            np.array(logprobs, dtype=np.float32),
            np.array(turns, dtype=np.int16),
            np.array(versions, dtype=np.int32),
            frames,
        )
