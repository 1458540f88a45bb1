"""Replies by token for records: texts, log-probs, entropies and likely answers.

R: tokens of a reply.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from agents.chat.template import Chat
from agents.chat.types import Ids, TokenSequence
from agents.episodes.episode import Episode, Turn

MOST = 5
"""Maximum number of other answers."""
DIGITS = 4
"""Digits of log-probs and entropies after the point."""


@dataclass(frozen=True)
class TokenRecord:
    """Tokens of one reply, in the form of `render.records.episode.Turn`."""

    tokens: tuple[str, ...] = ()
    logprobs: tuple[float, ...] = ()
    entropies: tuple[float, ...] = ()
    answers: tuple[tuple[str, float], ...] = ()


def token_records(episode: Episode, chat: Chat | None, actions: Sequence[str]) -> list[TokenRecord]:
    """Return the tokens of each turn [K]. They are empty for a reply without tokens.

    Args:
        episode: played episode.
        chat: decodes the tokens; None for policies without tokens.
        actions: names of all actions; empty for free answers.
    """
    if chat is None:
        return [TokenRecord()] * len(episode.turns)
    replies: dict[int, tuple[Ids, Sequence[float]]] = {}
    for sequence in episode.sequences:
        replies |= dict(_replies(sequence))
    return [
        _token_record(chat, turn, *replies[number], actions) if number in replies else TokenRecord()
        for number, turn in enumerate(episode.turns)
    ]


def _replies(sequence: TokenSequence) -> Iterable[tuple[int, tuple[Ids, Sequence[float]]]]:
    """Yield turn, tokens and log-probs of each reply in a sequence."""
    for turn in set(sequence.turn[sequence.loss_mask].tolist()):
        own = sequence.loss_mask & (sequence.turn == turn)
        yield turn, (sequence.tokens[own], sequence.engine_logprobs[own].tolist())


def _token_record(chat: Chat, turn: Turn, ids: Ids, logprobs: Sequence[float], actions: Sequence[str]) -> TokenRecord:
    texts = pieces(chat, ids.tolist())
    if "".join(texts) != turn.words:  # a teacher's reply in place of the one that was played
        return TokenRecord()
    seen = turn.distributions
    entropies = () if seen is None or seen.entropies is None else seen.entropies.tolist()
    return TokenRecord(
        tuple(texts),
        tuple(round(value, DIGITS) for value in logprobs),
        tuple(round(value, DIGITS) for value in entropies),
        answers(chat, turn, ids.tolist(), texts, logprobs, actions),
    )


def pieces(chat: Chat, ids: Sequence[int]) -> list[str]:
    """Return the text that each token adds to a reply. A character of several tokens belongs to the last of them.

    Args:
        chat: decodes the tokens.
        ids: tokens of the reply, with or without the end token, which has "".
    """
    found, before, start = [], "", 0
    for end in range(1, len(ids) + 1):
        now = _text(chat, *ids[start:end])
        if now.endswith("\ufffd") and end < len(ids):  # the first bytes of a character
            found.append("")
            continue
        found.append(now[len(before) :])
        # The last token stays as context, since its own text depends on whether it begins a text.
        start = end - 1
        before = _text(chat, *ids[start:end])
    return found


@lru_cache(maxsize=2**16)
def _text(chat: Chat, *ids: int) -> str:
    return chat.text(np.array(ids, dtype=np.int32))


def answers(
    chat: Chat, turn: Turn, ids: Sequence[int], texts: Sequence[str], logprobs: Sequence[float], actions: Sequence[str]
) -> tuple[tuple[str, float], ...]:
    """Return the answer and the most likely other answers with their probabilities, the others in falling order.

    At each token of the answer, another likely token begins another answer. Its probability is that of the answer's
    tokens before it times its own. The answer is written up to this token, or in full if only one action begins so.
    A text with which no action begins is left out. The probability of the reply's own answer includes its end.

    Args:
        chat: decodes the tokens.
        turn: turn of the reply.
        ids: [R] tokens of the reply.
        texts: [R] their texts.
        logprobs: [R] their log-probs.
        actions: names of all actions; empty for free answers.
    """
    seen, mark = turn.distributions, turn.words.rfind("<answer>")
    if seen is None or mark < 0 or not turn.reply.answer:
        return ()
    opening = turn.words[: mark + len("<answer>")]
    closing = turn.words.rfind("</answer>")
    answer = ", ".join(name.strip() for name in turn.reply.answer.split(",")) if actions else turn.reply.answer
    found: dict[str, float] = {}
    written, total = "", 0.0
    for place, (text, logprob) in enumerate(zip(texts, logprobs, strict=True)):
        before = ids[max(place - 1, 0) : place]
        row = place - len(ids) + len(seen.top_tokens)
        inside = len(written + text) > len(opening) and len(written) <= closing
        if inside and row >= 0:
            for token, own in zip(seen.top_tokens[row].tolist(), seen.top_logprobs[row].tolist(), strict=True):
                if token == ids[place]:
                    continue
                other = written + _text(chat, *before, token)[len(_text(chat, *before)) if before else 0 :]
                name = _answer(other[len(opening) :], actions) if other.startswith(opening) else ""
                if name and name != answer:
                    found[name] = found.get(name, 0.0) + math.exp(total + own)
        if inside:
            total += logprob
        written += text
    best = sorted(found.items(), key=lambda one: -one[1])[:MOST]
    listed = [(turn.reply.answer, math.exp(total)), *best]
    return tuple((name, float(f"{probability:.3g}")) for name, probability in listed)


def _answer(begun: str, actions: Sequence[str]) -> str:
    """Return the action that begins with a text, the text with "…" if there are several, or "" if there is none."""
    text, closed, _ = begun.partition("<")
    text = text.strip()
    if not actions:
        return text if closed or not text else f"{text}…"
    *done, last = [name.strip() for name in text.split(",")]
    fitting = [name for name in actions if name == last] if closed else [n for n in actions if n.startswith(last)]
    if not last or not fitting:
        return ""
    name = fitting[0] if len(fitting) == 1 else f"{last}…"
    return ", ".join([*done, name])
