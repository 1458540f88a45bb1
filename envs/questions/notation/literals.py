r"""Answers that equal only themselves: times, dates, numerals with a base, and quantities in several units.

`10:30` is neither 1/3 nor 5:15, `04/02/2005` is no division, and `52_8` is not `52_9`. All functions take text in the
notation of `rewrite.plain`.
"""

import re
from typing import NamedTuple

from envs.questions.notation.units import compound

_CLOCK = re.compile(
    r"([01]?[0-9]|2[0-4]) ?(?:: ?([0-5][0-9])(?: ?: ?([0-5][0-9]))?|时 ?([0-5]?[0-9])分|点 ?(?:([0-5]?[0-9])分)?)?"
    r" ?(?:\\text\{)? ?([AaPp]\.? ?[Mm]\.?|noon|midnight)?\}?"
)
_NUMERIC_DATE = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_ISO_DATE = re.compile(r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|年 ?([0-9]{1,2})月 ?([0-9]{1,2})[日号])")
_MONTH_DAY = re.compile(r"([0-9]{1,2})月 ?([0-9]{1,2})[日号]")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_NAMED_DATE = re.compile(
    rf"(?:{_MONTH} ([0-9]{{1,2}})(?:st|nd|rd|th)?|([0-9]{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH})(?:,? ([0-9]{{4}}))?",
    re.IGNORECASE,
)
_BASE = re.compile(
    r"(?:\\text\{([0-9A-Z]+)\}|\(?([0-9A-F]+(?:\.[0-9A-F]+)?)\)?) ?_ ?"
    r"(?:\{ ?(?:\\text\{)?([a-z]+|[0-9]{1,2})\}?\}?|([0-9]{1,2}))"
)
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
          "twelve": 12, "sixteen": 16}  # fmt: skip


class Literal(NamedTuple):
    """An answer that equals only itself: its kind, and its parts in one form."""

    kind: str
    parts: tuple[object, ...]


def special(text: str) -> Literal | None:
    """Return the time, date, numeral with a base, or compound quantity that a text consists of, or None."""
    if text[:1] == "-" or ("\\" in text and "\\text" not in text):
        return None
    for read in (_time, _date, _numeral, _range):
        if found := read(text):
            return found
    pairs = compound(text)
    return Literal("compound", pairs) if pairs else None


def _time(text: str) -> Literal | None:
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    hour, minute, second, *chinese, half = match.groups()
    is_clock = minute is not None or "时" in text or "点" in text
    if not is_clock and half is None:
        return None
    hours, minutes = int(hour), int(minute or next((part for part in chinese if part), None) or 0)
    marker = {"n": "p", "m": "a"}.get(half[0], half[0].casefold()) if half else ""  # 12 noon is 12 p.m.
    if marker:
        if not 1 <= hours <= 12 or (half in ("noon", "midnight") and hours != 12):
            return None
        hours = hours % 12 + 12 * (marker == "p")
    return Literal("time", (hours, minutes, int(second or 0), "m" if marker else "24" * (hours > 12)))


def _range(text: str) -> Literal | None:
    """Return a range such as `5-10`, which is no difference, or a duration such as `36:15`, which is no ratio."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?- ?([0-9]+(?:\.[0-9]+)?)", text)
    if match:
        return Literal("range", (float(match[1]), float(match[2])))
    match = re.fullmatch(r"([0-9]+) ?: ?([0-5][0-9](?:\.[0-9]+)?)", text)
    return Literal("duration", (int(match[1]), match[2])) if match else None


def _date(text: str) -> Literal | None:
    if match := _ISO_DATE.fullmatch(text):
        year, _, *parts = match.groups()
        month, day = (int(part) for part in parts if part)
        return _valid(int(year), month, day)
    if match := _MONTH_DAY.fullmatch(text):
        return _valid(0, int(match[1]), int(match[2]))
    if match := _NAMED_DATE.fullmatch(re.sub(r"\\text\{([^{}]*)\}", r"\1", text)):
        name = (match[1] or match[4])[:3].casefold()
        return _valid(int(match[5] or 0), _MONTHS.index(name) + 1, int(match[2] or match[3]))
    if match := _NUMERIC_DATE.fullmatch(text):  # the order of day and month is unknown
        first, second = int(match[1]), int(match[3])
        if match[2] == "/" or len(match[4]) == 4:
            return Literal("numeric date", (first, second, match[4]))
    return None


def _valid(year: int, month: int, day: int) -> Literal | None:
    return Literal("date", (year, month, day)) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _numeral(text: str) -> Literal | None:
    match = _BASE.fullmatch(re.sub(r" ?\(?(?:\\text\{)?\bbase ([0-9a-z]+)[)}]*$", r"_{\1}", text))
    if match is None or (match[2] and not match[2][0].isdigit() and len(match[2]) < 2):  # A_{12} is a letter
        return None
    digits = (match[1] or match[2]).lstrip("0") or "0"
    said = match[3] or match[4]
    base = _BASES.get(said) if said.isalpha() else int(said)
    if base is None or base < 2 or (not digits[0].isdigit() and base <= 10):
        return None
    return Literal("numeral", (digits, base))


def same_literal(gold: Literal, answer: Literal | None) -> bool:
    """Return True if both are the same. `3:00` is right for `3:00 pm`, but `3:00 pm` is not right for `3:00`."""
    if answer is None or gold.kind != answer.kind:
        return False
    if gold.kind != "time":
        return gold.parts == answer.parts
    (hours, minutes, seconds, marker), (given, *others, said) = gold.parts, answer.parts
    if (hours, minutes, seconds) == (given, *others):
        return marker == said or bool(marker)
    halves = (int(str(hours)) - int(str(given))) % 12 == 0
    return marker == "m" and not said and halves and [minutes, seconds] == others
