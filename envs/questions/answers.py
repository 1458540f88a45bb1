"""Is this free-form answer right? Exact numbers first, formulas by value; no text is ever run as code."""

import logging
import re
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from envs.questions.notation import MAX_FORMULA, bare, latex, literal, quantity, surd
from envs.questions.worker import OverTime, Worker

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


SECONDS = 5.0
"""Until a comparison is given up; one usually takes milliseconds."""

_CHOICE = re.compile(r"\(?([A-Z])\)?[.:]?", re.IGNORECASE)
_SAID = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")

_ASSIGNED = re.compile(r"^[A-Za-z] ?= ?(?=[^=]+$)")

_worker = Worker(Path(__file__).with_name("verify.py"))


def is_right(answer: str, gold: int | Fraction | str) -> bool:
    r"""Whether an answer is the gold one: it must *be* the answer, not contain it, and be one answer, not several.

    - A whole number counts only as itself (`integer`), a fraction in any exact form (`number`).
    - A text counts as itself but for case, spaces and the dress of `bare` or `\text{…}`; a choice letter also as `(B)`,
      `B)`, `B.`.
    - A `Formula` may come in `$…$` or `\boxed{…}`, in LaTeX or plainly (`6π`, `6 pi`, `6*pi`). If it is a number, it
      takes that number as a literal: 12 is `12`, `12.0`, `1,000` is 1000; ¾ is `3/4`, `0.75`, `\frac{6}{8}`; never a
      calculation, and for a whole number never a division, that the question may have held. Any other formula takes
      what has its exact value: `2\pi+4\pi` for `6\pi`, `\sqrt{18}` for `3\sqrt{2}`; never a rounded decimal.
      Its unit may be left out, but not changed or added: `12 cm` takes `12` and `12\text{ cm}`, not `12 m`; 5 does not
      take `5 cm`. `x = 3` and 3 take each other. Sets, tuples, intervals, equations and matrices take only their like.

    ValueError where the gold answer cannot be read. Formulas that need more than exact arithmetic are compared in a
    worker process; what hangs or bursts there is wrong.
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
    r"""The words of a text such as `$\text{Monday}$.`."""
    text = bare(text)
    said = _SAID.fullmatch(text)
    return said[1] if said else text


def check_gold(gold: int | Fraction | str) -> None:
    """ValueError, naming it, where no answer could ever be compared with this gold answer."""
    if isinstance(gold, Formula):
        _read_gold(gold)
    elif isinstance(gold, str) and not gold.strip():
        raise ValueError("the gold answer is empty")


def gold_from_text(text: str) -> Formula | str:
    r"""The gold answer that a text from a file stands for: words and choice letters as they are, the rest a `Formula`.

    `B`, `(B)`, `\text{yes}`, `Monday` are texts, `12 cm`, `\frac{1}{2}`, `$x^2+1$` formulas. ValueError where it is
    neither.
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
        return bool(_worker.ask(["same", right, given], SECONDS))
    except OverTime as problem:
        _log_once(str(problem), given)
        return False


@lru_cache(maxsize=1 << 16)
def _read_gold(gold: Formula) -> tuple[str, str]:
    """Its LaTeX and its unit; ValueError naming it where it has no value that can be compared."""
    written, unit = quantity(gold)
    right = latex(written)
    problem = "not a number, formula, word or choice letter" if right is None else ""
    if right is not None and literal(right) is None and surd(right) is None:
        try:
            _worker.ask(["gold", right], SECONDS)
        except (ValueError, OverTime) as error:
            problem = str(error)
    if problem or right is None:
        raise ValueError(f"the gold answer {str(gold)!r} cannot be read: {problem}")
    return right, unit


_logged: set[str] = set()


def _log_once(problem: str, answer: str) -> None:
    if problem not in _logged:
        _logged.add(problem)
        logging.getLogger(__name__).warning("an answer counts as wrong: %s (%.80r); said once", problem, answer)
