"""Comparison of free-form answers with gold answers. No text is ever run as code."""

import logging
import re
import time
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from envs.questions.notation.algebra import Unreadable
from envs.questions.notation.compare import Compare, check
from envs.questions.notation.reading import Member, Reading, literal_form, read
from envs.questions.notation.regions import same_region
from envs.questions.notation.rewrite import MAX_FORMULA
from envs.questions.notation.trees import Node, is_structure, letters
from envs.questions.notation.units import unit_name
from envs.questions.notation.words import choices, mixed_text, text_gold, undressed, words
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
"""Time limit of a comparison in seconds. A typical one takes microseconds."""

_SHORT_EXPONENT = re.compile(r"(?<=[0-9])([eE][+-])([0-9])(?![0-9])")

WORKER = Worker(Path(__file__).parent / "notation" / "verify.py")


def is_right(answer: str, gold: int | Fraction | str) -> bool:
    r"""Return True if an answer matches the gold answer. It must consist of exactly one answer, without other text.

    - An integer matches only itself (`integer`), and a fraction any exact form (`number`).
    - Text matches up to case, spaces, `\text{…}` and the wrappers that `bare` removes. A choice letter also matches as
      `(B)`, `B)` or `B.`, and several letters in any order.
    - A `Formula` matches every way to write its value, and nothing else. docs/questions.md has the grammar as a table.

    Values are compared exactly, without a tolerance. A worker process compares values with functions or roots of
    letters. A comparison that exceeds its time or memory limit counts as wrong.

    Raises:
        ValueError: The gold answer cannot be read.
    """
    if isinstance(gold, int):
        return integer(answer) == gold
    if isinstance(gold, Fraction):
        return same_number(answer, gold)
    if isinstance(gold, Formula):
        return _same_value(answer, gold)
    if len(answer) > len(gold) + MAX_LENGTH:
        return False
    given, right = words(answer), words(gold)
    several = choices(undressed(gold))
    return given == right or (bool(several) and choices(undressed(answer), listed=True) == several)


def check_gold(gold: int | Fraction | str) -> None:
    """Raise ValueError, naming the gold answer, if no answer could be compared with it."""
    if isinstance(gold, Formula):
        _read_gold(gold)
    elif isinstance(gold, str) and not gold.strip():
        raise ValueError("the gold answer is empty")


def gold_from_text(text: str) -> Formula | str:
    r"""Return the gold answer of a text from a file: words and choice letters as text, everything else as a `Formula`.

    `B`, `(B)`, `\text{yes}`, `Monday` and `对` are text. `12 cm`, `\frac{1}{2}` and `$x^2+1$` are formulas.

    Raises:
        ValueError: The text is neither.
    """
    said = text_gold(text)
    if said is not None:
        return said
    gold = Formula(text.strip())
    try:
        check_gold(gold)
    except ValueError:
        said = mixed_text(text)
        if said is None:
            raise
        return said
    return gold


def _same_value(answer: str, gold: Formula) -> bool:
    right = _read_gold(gold)
    if len(answer) > MAX_FORMULA:
        return False
    if literal_form(right.members[0].node if right.members else ("set",)):
        answer = _SHORT_EXPONENT.sub(r"\g<1>0\2", answer)  # 1e-5 is 2e - 1's form, but a number where one is asked for
    try:
        given = read(answer)
        if right.is_set and not given.is_set and "," in answer:  # 100,200 is a list where one is asked for
            given = read(re.sub(r",(?=[0-9])", ", ", answer))
        return given.text == right.text or _same_reading(right, given)
    except Unreadable:
        return False
    except OverTime as problem:
        _log_once(str(problem), answer)
        return False


def _same_reading(gold: Reading, answer: Reading) -> bool:
    """Return True if the members of both are equal, as a list or one by one."""
    if gold.is_set != answer.is_set:
        return same_region(_as_set(gold), _as_set(answer)) is True  # \{x \mid x = 1\} is \{1\}
    if len(gold.members) != len(answer.members):
        return False
    compare = Compare(_decide(time.monotonic() + SECONDS))
    if gold.is_set:
        return compare.members(gold.members, answer.members, lambda *pair: _same_member(compare, *pair))
    return _same_member(compare, gold.members[0], answer.members[0], single=True)


def _as_set(reading: Reading) -> Node:
    return ("set", *(member.node for member in reading.members)) if reading.is_set else reading.members[0].node


def _same_member(compare: Compare, gold: Member, answer: Member, single: bool = False) -> bool:
    node = answer.node
    if gold.label and not answer.label and answer.node[0] == "rel" and gold.relation and letters(gold.node):
        return compare.same(gold.relation, node)
    if gold.label and answer.label and gold.label != answer.label:
        return False
    if answer.label and not gold.label and gold.node[0] == "rel":
        return answer.relation is not None and compare.same(gold.node, answer.relation)
    if answer.unit in ("", gold.unit):
        same = _same_node(compare, gold.node, node, single)
        return same or (bool(gold.unit) and not answer.unit and _same_without_unit(compare, gold, node))
    # 75% is 0.75
    return (
        answer.unit == "%"
        and not gold.unit
        and bool(literal_form(gold.node))
        and compare.same(*_percent(node, gold.node))
    )


def _same_node(compare: Compare, gold: Node, answer: Node, single: bool) -> bool:
    """Return True if two values are equal. A number alone takes numbers only, an integer no division."""
    wanted, given = literal_form(gold), literal_form(answer)
    if single and wanted and (not given or (wanted == "integer" and given == "division")):
        return False
    return compare.same(gold, answer)


def _same_without_unit(compare: Compare, gold: Member, answer: Node) -> bool:
    r"""Return True for `0.75` as 75%, for `5h` as 5 hours, and for `m \cdot 2` as 2m."""
    if gold.unit == "%":
        return bool(literal_form(answer)) and compare.same(*_percent(gold.node, answer))
    if answer[0] == "*" and len(answer) == 3 and answer[2][0] == "sym" and unit_name(answer[2][1]) == gold.unit:
        return compare.same(gold.node, answer[1])
    return gold.unit == "m" and not is_structure(gold.node) and compare.same(("*", gold.node, ("sym", "m")), answer)


def _percent(percent: Node, value: Node) -> tuple[Node, Node]:
    return ("/", percent, ("num", "100")), value


def _decide(end: float) -> Callable[[Node, Node], bool]:
    """Return a function that asks the worker, up to a time."""

    def decide(gold: Node, answer: Node) -> bool:
        left = end - time.monotonic()
        if left <= 0:
            raise OverTime(f"no answer within {SECONDS:g} s")
        return _same_by_worker(gold, answer, left)

    return decide


_decided: dict[tuple[Node, Node], bool] = {}


def _same_by_worker(gold: Node, answer: Node, seconds: float) -> bool:
    key = gold, answer
    if key not in _decided:
        if len(_decided) >= 4096:
            _decided.clear()
        try:
            _decided[key] = bool(WORKER.ask(["same", gold, answer], seconds))
        except ValueError as error:
            raise Unreadable(str(error)) from None
    return _decided[key]


@lru_cache(maxsize=1 << 14)
def _read_gold(gold: Formula) -> Reading:
    """Return the reading. Raise ValueError, naming the gold answer, if its value cannot be compared."""
    try:
        found = read(gold)
        for member in found.members:
            check(member.node, _decide(time.monotonic() + SECONDS))
        return found
    except (Unreadable, OverTime) as error:
        raise ValueError(f"the gold answer {str(gold)!r} cannot be read: {error}") from None


_logged: set[str] = set()


def _log_once(problem: str, answer: str) -> None:
    if problem not in _logged:
        _logged.add(problem)
        logging.getLogger(__name__).warning(
            "an answer counts as wrong: %s (%.80r); further cases are not logged", problem, answer
        )
