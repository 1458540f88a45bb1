"""Tokens of formulas in the notation of `rewrite.plain`: numbers in all forms, letters, commands and signs."""

import re
from fractions import Fraction
from typing import NamedTuple

from envs.questions.notation.algebra import Unreadable

FUNCTIONS = frozenset("sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log lg exp".split())
"""Functions, also without a backslash."""
GREEK = frozenset("alpha beta gamma delta epsilon varepsilon theta lambda mu nu rho sigma tau phi varphi omega".split())
MARKS = ("vec", "hat", "bar", "overline", "overrightarrow", "widehat", "angle", "triangle")

NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_TOKEN = re.compile(
    rf"""(?P<space>\s*)(?:
      (?P<mixed>[0-9]+[ ][0-9]+[ ]?/[ ]?[0-9]+(?![0-9.]))
    | (?P<grouped>[1-9][0-9]{{0,2}}
        (?:(?:,[0-9]{{3}})+(?![0-9]|,[0-9])|(?:[ ][0-9]{{3}})+(?![0-9]|[ ][0-9]))(?:\.[0-9]+)?)
    | (?P<repeating>[0-9]*\.[0-9]*\\overline\{{[0-9]+\}})
    | (?P<scientific>(?:{NUMBER}[eE](?:[+-][0-9]{{2,3}}|[0-9]{{1,3}})|[0-9]*\.[0-9]+[eE][+-]?[0-9]{{1,3}})(?![0-9.]))
    | (?P<scaled>{NUMBER}[ ]?(?:thousand|million|billion|trillion|百万|千万|万|亿))
    | (?P<number>{NUMBER})
    | (?P<command>\\(?:[A-Za-z]+|\{{|\}}|\\))
    | (?P<word>[A-Za-z]+)
    | (?P<sign>[-+/^_(){{}}\[\],;:=<>|!&°'])
    )""",
    re.VERBOSE,
)


_SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "万": 4, "百万": 6, "千万": 7, "亿": 8}


NUMBERS = ("mixed", "grouped", "repeating", "scientific", "scaled", "number")
"""Kinds of number tokens."""


class Token(NamedTuple):
    """A token, its kind (`number`, `command`, `word`, `sign`, …), and True if a space precedes it."""

    text: str
    kind: str
    spaced: bool


def tokens(text: str) -> list[Token]:
    """Return the tokens of a text. Raise Unreadable at the first character that belongs to none."""
    found: list[Token] = []
    position = depth = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unreadable(f"{text[position:].strip()[:1]!r} is not part of a formula")
        kind = str(match.lastgroup)
        if kind == "grouped" and depth and "," in match[0]:  # a comma in brackets separates
            match = re.compile(rf"(?P<space>\s*)(?P<number>{NUMBER})").match(text, position)
            assert match is not None
            kind = "number"
        token = Token(match[kind], kind, bool(match["space"]))
        depth += (token.text in ("(", "[", r"\{")) - (token.text in (")", "]", r"\}"))
        found.append(token)
        position = match.end()
    return found


def number(token: Token) -> Fraction:
    """Return the value of a number token. It is exact: 0.5 is one half."""
    text = token.text
    if token.kind == "mixed":
        return mixed(*map(int, re.findall("[0-9]+", text)))
    if token.kind == "repeating":
        plain, again = text.rstrip("}").split(r"\overline{")
        whole, _, digits = plain.partition(".")
        shift = 10 ** len(digits)
        return Fraction(int((whole + digits) or 0), shift) + Fraction(int(again), (10 ** len(again) - 1) * shift)
    if token.kind == "scaled":
        match = re.match(NUMBER, text)
        assert match is not None
        return Fraction(match[0].rstrip(".")) * Fraction(10 ** _SCALES[text[match.end() :].strip()])
    return Fraction(text.replace(",", "").replace(" ", "").rstrip("."))


def mixed(whole: int, over: int, under: int) -> Fraction:
    """Return the value of a mixed number. Raise Unreadable if its fraction is not below one, as in 2 3/2."""
    if not 0 <= over < under:
        raise Unreadable("a mixed number needs a fraction below one")
    return whole + Fraction(over, under)
