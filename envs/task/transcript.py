"""Comparison of a reply's transcript with the true one: exact, and without a judge.

A transcript lists what the observation shows, in fixed symbols. Work (calculations and plans) may be interleaved. It is
marked: `=` precedes one word of work, and `:` precedes work up to the end. `3+5=1-2=6` has the transcript `3+5-2`.
"""

import re
from itertools import zip_longest

_WORK = re.compile(r"=\s*\w+|:.*", re.DOTALL)


def without_work(thinking: str) -> str:
    """Return the transcript in a reply's thinking."""
    return _WORK.sub("", thinking)


def work_spans(thinking: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each piece of work in a reply's thinking, in characters."""
    return [match.span() for match in _WORK.finditer(thinking)]


def accuracy(thinking: str, truth: str) -> float:
    """Return the fraction of the true transcript's units that a reply's thinking states correctly, from 0 to 1.

    Units are words if the truth has several words, else characters. They are compared by position. Missing and surplus
    units count as wrong.

    Args:
        thinking: Content of `<think>`.
        truth: True transcript.
    """
    pairs = units(thinking, truth)
    right = sum(one == other for one, other in pairs)
    return right / max(len(pairs), 1)


def units(thinking: str, truth: str) -> list[tuple[str, str]]:
    """Return the (stated, true) units by position, as `accuracy` compares them. A missing or surplus unit has "".

    Args:
        thinking: Content of `<think>`.
        truth: True transcript.
    """
    stated = without_work(thinking)
    several = len(truth.split()) > 1
    ours, theirs = (text.split() if several else list("".join(text.split())) for text in (stated, truth))
    return list(zip_longest(ours, theirs, fillvalue=""))
