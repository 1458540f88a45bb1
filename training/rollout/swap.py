"""Swapped demonstrations: the context of one turn with the reply to another. Plans then follow the stated transcript.

Without them, a model can learn two routes to its answer: through the transcript that it wrote, and from the observation
directly. Skills learned on texts then need not reach pictures. In a swapped demonstration, the transcript belongs to
another state. It is given, not learned. The work and the answer, which fit the given transcript, are learned.
"""

import numpy as np
from numpy.typing import NDArray

from agents.chat.template import Chat
from agents.chat.types import TokenSequence
from envs.task.transcript import work_spans
from training.algorithm.groups import Trajectory


def swapped(turn: TokenSequence, other: TokenSequence, chat: Chat) -> Trajectory:
    """Return the context of a turn, followed by the reply to another turn, of which the transcript is not trained.

    Args:
        turn: Sequence that ends with its only trained reply.
        other: Sequence with a trained reply that states a transcript.
        chat: Chat template of both.
    """
    start = _reply_start(turn)
    reply = other.tokens[other.loss_mask]
    tokens = np.concatenate([turn.tokens[:start], reply])
    mask = np.zeros(len(tokens), np.bool_)
    mask[start:] = after_transcript(reply, chat)
    sequence = TokenSequence(
        tokens,
        mask,
        np.zeros(len(tokens), np.float32),
        np.concatenate([turn.turn[:start], np.full(len(reply), turn.turn[start], np.int16)]),
        np.full(len(tokens), -1, np.int32),
        turn.images,
        turn.image_ids,
    )
    return Trajectory(sequence, mask.astype(np.float32))


def same_prompt(one: TokenSequence, other: TokenSequence) -> bool:
    """Return True if two turns have equal contexts except for their images, so that each one's reply suits the other.

    Questions can differ between the items of a task, and so can the calculations after equal transcripts.
    """
    return np.array_equal(one.tokens[: _reply_start(one)], other.tokens[: _reply_start(other)])


def _reply_start(turn: TokenSequence) -> int:
    """Return the index of the first trained token."""
    return int(np.flatnonzero(turn.loss_mask)[0])


def after_transcript(reply: NDArray[np.int32], chat: Chat) -> NDArray[np.bool_]:
    """Return a mask [R] of a reply's tokens that belong to its work or its answer."""
    texts = [chat.text(reply[: end + 1]) for end in range(len(reply))]
    whole = texts[-1]
    learned = np.zeros(len(whole) + 1, np.bool_)
    opening, closing = whole.find("<think>") + len("<think>"), whole.find("</think>")
    learned[closing:] = True
    for begin, end in work_spans(whole[opening:closing]):
        learned[opening + begin : opening + end] = True
    lengths = [0, *map(len, texts)]
    return np.array([learned[min(begin, len(whole))] for begin in lengths[:-1]])
