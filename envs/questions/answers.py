"""Comparison of free-form answers with gold answers. No text is ever run as code."""

import logging
import re
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from envs.questions.notation import MAX_FORMULA, bare, latex, literal, quantity, surd
from envs.questions.worker import OverTime, Worker

MAX_LENGTH = 64
"""Maximum length of a number in characters. It bounds the work that a reply can cause."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_FRACTION = re.compile(r"[+-]?[0-9]+/0*[1-9][0-9]*")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)")


def _cleaned(text: str) -> str:
    text = text.strip(" \t\r\n").replace("−", "-")
    return text if len(text) <= MAX_LENGTH else ""


def integer(text: str) -> int | None:
    """Return the integer that a text consists of, or None: `-12`, `+3`, `007`, but not `3.0` or the division `6/2`.

    Surrounding spaces and the typographic minus are accepted. Underscores, exponents, thousands separators, digits of
    other scripts and additional words are rejected, so that no answer is ambiguous.
    """
    text = _cleaned(text)
    return int(text) if _INTEGER.fullmatch(text) else None


def number(text: str) -> Fraction | None:
    """Return the number that a text consists of, or None. Accepts the forms of `integer`, and `3/4` and `0.5`."""
    text = _cleaned(text)
    return Fraction(text) if any(form.fullmatch(text) for form in (_INTEGER, _FRACTION, _DECIMAL)) else None


def same_number(answer: str, gold: str | int | Fraction) -> bool:
    """Return True if the answer equals the gold number. Raise ValueError if the gold answer is not a number."""
    right = number(gold) if isinstance(gold, str) else Fraction(gold)
    if right is None:
        raise ValueError(f"the gold answer {gold!r} is not a number")
    return number(answer) == right


class Formula(str):
    r"""A gold answer in mathematical notation, such as `6\pi` or `3\sqrt{2}`, compared by value."""


SECONDS = 5.0
"""Time limit of a comparison in seconds. A typical one takes milliseconds."""

_CHOICE = re.compile(r"\(?([A-Z])\)?[.:]?", re.IGNORECASE)
_SAID = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")

_ASSIGNED = re.compile(r"^[A-Za-z] ?= ?(?=[^=]+$)")

WORKER = Worker(Path(__file__).with_name("verify.py"))


def is_right(answer: str, gold: int | Fraction | str) -> bool:
    r"""Return True if an answer matches the gold answer. It must consist of exactly one answer, without other text.

    - An integer matches only itself (`integer`), and a fraction any exact form (`number`).
    - Text matches up to case, spaces, `\text{…}` and the wrappers that `bare` removes. A choice letter also matches as
      `(B)`, `B)` or `B.`.
    - A `Formula` may be wrapped in `$…$` or `\boxed{…}`, in LaTeX or plain notation (`6π`, `6 pi`, `6*pi`).
    - A `Formula` that is a number takes only a literal of that number: 12 takes `12` and `12.0`, 1000 takes `1,000`, ¾
      takes `3/4`, `0.75` and `\frac{6}{8}`. It never takes a calculation, and an integer never takes a division,
      because the question may contain it.
    - Any other `Formula` takes everything with the same exact value: `2\pi+4\pi` for `6\pi`, `\sqrt{18}` for
      `3\sqrt{2}`. It never takes a rounded decimal.
    - The unit may be omitted, but not changed or added: `12 cm` takes `12` and `12\text{ cm}`, but not `12 m`. 5 does
      not take `5 cm`.
    - `x = 3` and 3 take each other. Sets, tuples, intervals, equations and matrices take only their own kind.

    A worker process compares formulas that need more than exact arithmetic. A comparison that exceeds its time or
    memory limit counts as wrong.

    Raises:
        ValueError: The gold answer cannot be parsed.
    """
    if isinstance(gold, int):
        return integer(answer) == gold
    if isinstance(gold, Fraction):
        return same_number(answer, gold)
    if isinstance(gold, Formula):
        return _same_value(answer, gold)
    if len(answer) > len(gold) + MAX_LENGTH:
        return False
    given, right = (" ".join(_undressed(text).split()).casefold() for text in (answer, gold))
    choice = _CHOICE.fullmatch(given) if len(right) == 1 else None
    return (choice[1] if choice else given) == right


def _undressed(text: str) -> str:
    r"""Return the text without wrappers, such as `Monday` from `$\text{Monday}$.`."""
    text = bare(text)
    said = _SAID.fullmatch(text)
    return said[1] if said else text


def check_gold(gold: int | Fraction | str) -> None:
    """Raise ValueError, naming the gold answer, if no answer could be compared with it."""
    if isinstance(gold, Formula):
        _read_gold(gold)
    elif isinstance(gold, str) and not gold.strip():
        raise ValueError("the gold answer is empty")


def gold_from_text(text: str) -> Formula | str:
    r"""Return the gold answer of a text from a file: words and choice letters as text, everything else as a `Formula`.

    `B`, `(B)`, `\text{yes}` and `Monday` are text. `12 cm`, `\frac{1}{2}` and `$x^2+1$` are formulas.

    Raises:
        ValueError: The text is neither.
    """
    words = _undressed(text).strip()
    choice = _CHOICE.fullmatch(words)
    if choice and (words != choice[1] or choice[1].isupper()):
        return choice[1]
    if (
        len(words) <= MAX_FORMULA
        and re.fullmatch(r"[^\W\d_]{2,}(?:[ ,.'’-]+[^\W\d_]+)*", words)
        and words.casefold() not in ("pi", "inf", "nan")
    ):
        return words
    if _SAID.fullmatch(bare(text)) and len(words) <= MAX_FORMULA and re.fullmatch(r"\D*[^\W\d_]\D*", words):
        return words
    gold = Formula(text.strip())
    check_gold(gold)
    return gold


def _same_value(answer: str, gold: Formula) -> bool:
    right, unit = _read_gold(gold)
    if len(answer) > MAX_FORMULA:
        return False
    written, given_unit = quantity(answer)
    if given_unit not in ("", unit):
        return False
    given = latex(written)
    if given is None:
        return False
    if "=" not in right:
        given = _ASSIGNED.sub("", given)
    wanted = literal(right)
    if wanted is not None:
        found = literal(given)
        return found is not None and found[0] == wanted[0] and not (found[1] and wanted[0].denominator == 1)
    exact = surd(right)
    if exact is not None:
        product = surd(given)
        if product is not None:
            return product == exact
    if given == right:
        return True
    return _same_by_worker(right, given)


@lru_cache(maxsize=4096)
def _same_by_worker(right: str, given: str) -> bool:
    try:
        return bool(WORKER.ask(["same", right, given], SECONDS))
    except OverTime as problem:
        _log_once(str(problem), given)
        return False


@lru_cache(maxsize=1 << 16)
def _read_gold(gold: Formula) -> tuple[str, str]:
    """Return the LaTeX and the unit. Raise ValueError, naming the gold answer, if its value cannot be compared."""
    written, unit = quantity(gold)
    right = latex(written)
    problem = "not a number, formula, word or choice letter" if right is None else ""
    if right is not None and literal(right) is None and surd(right) is None:
        try:
            WORKER.ask(["gold", right], SECONDS)
        except (ValueError, OverTime) as error:
            problem = str(error)
    if problem or right is None:
        raise ValueError(f"the gold answer {str(gold)!r} cannot be read: {problem}")
    return right, unit


_logged: set[str] = set()


def _log_once(problem: str, answer: str) -> None:
    if problem not in _logged:
        _logged.add(problem)
        logging.getLogger(__name__).warning(
            "an answer counts as wrong: %s (%.80r); further cases are not logged", problem, answer
        )
