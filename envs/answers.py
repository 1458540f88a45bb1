"""Is this free-form answer right? Exact numbers only: integers, decimals and fractions; text is never evaluated."""

import re
from fractions import Fraction

MAX_LENGTH = 64
"""Longer answers are no numbers: it bounds the work that a reply can cause."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_FRACTION = re.compile(r"[+-]?[0-9]+/0*[1-9][0-9]*")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)")


def _cleaned(text: str) -> str:
    text = text.strip(" \t\r\n").replace("−", "-")
    return text if len(text) <= MAX_LENGTH else ""


def integer(text: str) -> int | None:
    """The whole number that a text *is*, or None: `-12`, `+3`, `007`; not `3.0`, and not the sum left undone, `6/2`.

    Spaces around it may stand, and a minus sign may be the typographic one. Underscores, exponents, thousands
    separators, other scripts' digits and further words are not read: an answer that can be doubted is not an answer.
    """
    text = _cleaned(text)
    return int(text) if _INTEGER.fullmatch(text) else None


def number(text: str) -> Fraction | None:
    """The number that a text *is*, or None: as `integer`, and also `3/4`, `0.5`."""
    text = _cleaned(text)
    return Fraction(text) if any(form.fullmatch(text) for form in (_INTEGER, _FRACTION, _DECIMAL)) else None


def same_number(answer: str, gold: str | int | Fraction) -> bool:
    """Whether the answer is exactly the gold number; ValueError where the gold answer itself is no number."""
    right = number(gold) if isinstance(gold, str) else Fraction(gold)
    if right is None:
        raise ValueError(f"the gold answer {gold!r} is not a number")
    return number(answer) == right


class Formula(str):
    r"""A gold answer in mathematical notation, such as `6\pi` or `3\sqrt{2}`; it is compared by value."""


def is_right(answer: str, gold: int | Fraction | str) -> bool:
    """Whether an answer is the gold one; see `envs.question.Question.answer` for what counts."""
    if isinstance(gold, int):
        return integer(answer) == gold
    if isinstance(gold, Fraction):
        return same_number(answer, gold)
    return " ".join(answer.split()).casefold() == " ".join(gold.split()).casefold()
