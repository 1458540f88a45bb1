r"""Reading of an answer: a literal such as `10:30`, or members with their labels, units and formulas.

`x=1 \text{ or } x=-2` has two members with the label `x`, and `12 cm` one with the unit `cm`.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from envs.questions.notation.algebra import Unreadable
from envs.questions.notation.grammar import parse
from envs.questions.notation.literals import special
from envs.questions.notation.rewrite import plain
from envs.questions.notation.trees import Node, letters, signs
from envs.questions.notation.units import quantity


class Member(NamedTuple):
    """One value of an answer."""

    node: Node
    """Tree of the value, without the label."""
    unit: str = ""
    label: str = ""
    """Left side of `x = 3` or `x \\in S`."""
    relation: Node | None = None
    """Tree with the label."""


class Reading(NamedTuple):
    """An answer in one form."""

    text: str
    """Plain notation: equal texts are equal answers."""
    members: tuple[Member, ...]
    is_set: bool = False
    """True for a set or a list, also of one member."""


_GROUPED = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])(?!,[0-9])")
_AND = r"\\text\{,? ?(?:and|or),?\}|\b(?:and|or)\b"
_SEPARATOR = re.compile(rf" ?(?:[,;]? ?(?:{_AND}|或者?|和|且|与) ?|[,;]) ?(?:(?:{_AND}) ?)?")
_LABEL = re.compile(
    r"""(
        (?: \\?[A-Za-z] | \\[a-z]+ | [A-Z]{2,3} | [A-Za-z]{4,12} | \\text\{[^{}]*\}   # x, \theta, AB, Area
          | (?:m\ ?)?\\(?:angle|triangle|overline|vec)\ ?\{?\ ?[A-Z]{1,3}\}? )
        '*  (?:_\ ?(?:\{[^{}]*\}|[0-9A-Za-z])|[0-9])?                                # an index
        (?:\^\{-1\})?  (?:\ ?\([A-Za-z](?:,\ ?[A-Za-z])*\))?                          # f^{-1}(x)
      | \([A-Za-z](?:,\ ?[A-Za-z])*\)                                                # (x, y)
      | [A-Za-z](?:\ ?:\ ?[A-Za-z])+                                                 # a : b
    )\ ?(=|\\in(?![A-Za-z])|\bin\b)\ ?(?!=)""",
    re.VERBOSE,
)
_LEADING = re.compile(r"(?:=|\\approx(?![A-Za-z])|\\thickapprox|约) ?")


def split(text: str) -> list[str]:
    """Split a list at its commas and words outside of brackets. A comma within 1,000 does not separate."""
    if not re.search(r"[,;或和且与]|and|or", text):
        return [text.strip()]
    grouped = {index for match in _GROUPED.finditer(text) for index in range(*match.span())}
    parts, depth, start, position = [], 0, 0, 0
    while position < len(text):
        character = text[position]
        depth += (character in "({[") - (character in ")}]")
        if depth == 0 and (character != "," or position not in grouped):
            if match := _SEPARATOR.match(text, position):
                parts.append(text[start:position])
                start = position = match.end()
                continue
        position += 1
    return [part.strip() for part in [*parts, text[start:]]]


def member(text: str) -> list[Member]:
    """Return the values of one part of a list: two for ±. Raise Unreadable for any other text."""
    text = _LEADING.sub("", text, count=1) if _LEADING.match(text) else text
    match = _LABEL.match(text)
    label, rest = ("", text)
    if match and not re.search(r"[=<>]|\\[lg]e ", text[match.end() :]):
        label, rest = re.sub(r"[ {}_]", "", match[1]), text[match.end() :]
    if found := special(rest):
        return [Member(("only", found), "", label)]
    value, unit = quantity(rest)
    if unit and (found := special(value)):
        return [Member(("only", found), unit, label)]
    node = parse(value)
    if node[0] == "rel" and len(node) == 4 and node[2] == "=" and node[3][0] == "sym" and not letters(node[1]):
        label, node = str(node[3][1]), node[1]  # 3 = x
    nodes = [node] if node[0] == "set" else signs(node)
    relation = None
    if label and not unit and match and match[2] == "=":
        try:
            relation = parse(text)
        except Unreadable:
            pass
    return [Member(node, unit, label, relation if len(nodes) == 1 else None) for node in nodes]


_SIMPLE = re.compile(r"(-?)(?:([0-9]+(?:\.[0-9]+)?)|\\frac\{([0-9]+)\}\{([0-9]+)\}|([0-9]+)/([0-9]+))")
"""Most answers: a number or a fraction, read without the parser."""


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """Return the reading of an answer. Raise Unreadable with the reason."""
    text = plain(text)
    if not text:
        raise Unreadable("not a number, formula, word or choice letter")
    if match := _SIMPLE.fullmatch(text):
        sign, number, *parts = match.groups()
        over, under = parts[:2] if parts[0] else parts[2:]
        node: Node = (
            ("num", str(Fraction(number))) if number else ("/", ("num", str(int(over))), ("num", str(int(under))))
        )
        return Reading(text, (Member(("neg", node) if sign else node),))
    text = re.sub(r"(?<=[0-9]) to (?=[0-9])", ":", text)
    if re.search(r"[0-9],0[0-9]", text) and not _GROUPED.search(text) and not re.search(r"[(\[{]", text):
        raise Unreadable("unclear what its commas separate")
    whole = special(text)
    members = [Member(("only", whole))] if whole else [one for part in split(text) for one in member(part)]
    if len(members) == 1 and members[0].node[0] == "set":
        label = members[0].label
        inside = [one for node in members[0].node[1:] for one in signs(node)]
        return Reading(text, tuple(Member(node, members[0].unit, label) for node in inside), True)
    if len(members) > 1 and len({one.label for one in members[1:]}) == 1 and not members[1].label:
        members = [one._replace(label=members[0].label, relation=None) for one in members]  # x = 1, -2
    return Reading(text, tuple(members), len(members) > 1)


_INTEGER, _NUMBER, _DIVISION = "integer", "number", "division"


def literal_form(node: Node) -> str:
    r"""Return how a number is written, or "" for a calculation.

    Forms are `integer`, `number` (0.5, 1.6\cdot 10^{-19}), and `division`, also for 10^{-5} and 16\cdot 10^{-20}.
    """
    if node[0] == "neg":
        return literal_form(node[1])
    if node[0] == "num":
        return _INTEGER if Fraction(node[1]).denominator == 1 else _NUMBER
    if node[0] == "/" and all(literal_form(part) == _INTEGER for part in node[1:]):
        return _DIVISION
    if node[0] == "^" and node[1] == ("num", "10") and literal_form(node[2]) == _INTEGER:
        return _DIVISION
    if node[0] == "*" and len(node) == 3 and node[2][0] == "^" and literal_form(node[2]):
        mantissa = node[1][1] if node[1][0] == "neg" else node[1]
        if mantissa[0] == "num":
            return _NUMBER if 1 <= Fraction(mantissa[1]) < 10 else _DIVISION
    return ""
