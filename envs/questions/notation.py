r"""Parsing of mathematical notation as people and models type it, without evaluating any text.

`6π`, `6 pi`, `$6\pi$`, `\boxed{6\pi}` and `6*pi` are the same formula. The accepted input is a whitelist: ASCII and a
few symbols, known LaTeX commands, known function names, and single letters. Prose and pairs of formulas are rejected.
"""

import re
from fractions import Fraction
from typing import NamedTuple

MAX_FORMULA = 300
"""Maximum length of a formula in characters."""

MAX_NESTING = 12
"""Maximum nesting depth of brackets. Deeper formulas are slow to parse and never valid answers."""

_SYMBOLS = {
    "−": "-", "–": "-", "×": r"\cdot ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": "/", "π": r"\pi ", "∞": r"\infty ",
    "±": r"\pm ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "²": "^{2}",
    "³": "^{3}", "°": r"^{\circ}", "√": r"\sqrt", "∅": r"\emptyset ", "θ": r"\theta ",
}  # fmt: skip

_FUNCTIONS = "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log exp sqrt pi".split()
_COMMANDS = frozenset(
    [*_FUNCTIONS, "frac", "cdot", "times", "div", "pm", "mp", "infty", "cup", "cap", "in", "le", "leq", "ge", "geq",
     "ne", "neq", "lt", "gt", "circ", "binom", "emptyset", "varnothing", "setminus", "mathbb", "lfloor", "rfloor",
     "lceil", "rceil", "alpha", "beta", "gamma", "delta", "epsilon", "theta", "lambda", "mu", "nu", "rho", "sigma",
     "tau", "phi", "varphi", "omega", "begin", "end"]
)  # fmt: skip
_MATRICES = re.compile(r"\\(?:begin|end)\{[pb]?matrix\}")
_SPACING = re.compile(r"(?<!\\)\\(?:[,;:! ]|quad\b|qquad\b|left(?![a-z])|right(?![a-z])|displaystyle\b)|~")
_WORD = re.compile(r"\\?[A-Za-z]+")
_TOWER = re.compile(r"\^\{?[^{}^]{0,40}[0-9)}]\}?\^|\^\{?\(?-?[0-9]{5,}|[0-9]{60,}|!\s*!|[0-9]{4,}\s*!|\)\s*!|\}\s*!")
"""Powers of powers, huge exponents, huge numbers and factorials: short to write but slow to evaluate."""

_UNIT = re.compile(
    r"""(?P<value>.*[0-9}).!π]|.*\\pi|.*\bpi)\s*(?:
        (?P<sign>\\?%|\^\{?\s*\\circ\s*\}?|°|\\degree\b)
      | (?:\\\ |\\,|~|\s)*\\(?:text|mathrm|mbox|textrm)\s*\{\s*(?P<text>[A-Za-z][A-Za-z /]*(?:\^\{?[23]\}?|[²³])?)\s*\}
        (?P<power>\^\{?[23]\}?)?
      | \s+(?P<word>(?!pi\b)[A-Za-z]+(?:[ /][A-Za-z]+){0,3})(?P<exponent>\^\{?[23]\}?|[²³])?
    )""",
    re.VERBOSE | re.DOTALL,
)


_SHORT_UNITS = frozenset(
    "m g s h L cm mm km in ft yd mi kg mg lb lbs oz ml mL kW Hz mph min sec hr day sq cu AM PM am pm deg rad".split()
)


class Quantity(NamedTuple):
    """The text of a formula, and its unit (`cm`, `%`, `degrees`, or "" without one)."""

    formula: str
    unit: str


def bare(text: str) -> str:
    r"""Strip the wrappers of an answer: spaces, `$…$`, `\(…\)`, `\[…\]`, `\boxed{…}` and a final full stop."""
    before = None
    while text != before:
        before = text = text.strip(" \t\r\n")
        if text.endswith(".") and not text.endswith("..") and len(text) > 1:
            text = text[:-1].rstrip()
        for opening, closing in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
            inner = text[len(opening) : -len(closing)]
            if text.startswith(opening) and text.endswith(closing) and inner and not re.search(r"\$|\\[()\[\]]", inner):
                text = inner
        if text.startswith((r"\boxed{", r"\fbox{")) and _closing(text, text.index("{")) == len(text) - 1:
            text = text[text.index("{") + 1 : -1]
    return text


def _closing(text: str, opening: int) -> int:
    """Return the index of the bracket that closes the one at `opening`, or -1."""
    left = text[opening]
    right = {"{": "}", "(": ")"}[left]
    depth = 0
    for index in range(opening, len(text)):
        depth += (text[index] == left) - (text[index] == right)
        if depth == 0:
            return index
    return -1


def quantity(text: str) -> Quantity:
    r"""Split a text into a formula and a final unit: `12 cm`, `12\text{ cm}^2`, `75\%`, `60^\circ`, `\$5`."""
    text = bare(text)
    if text.startswith(r"\$"):
        return Quantity(text[2:].strip(), "$")
    match = _UNIT.fullmatch(text)
    if match is None or (match["word"] and not all(map(_may_be_unit, re.split("[ /]", match["word"])))):
        return Quantity(text, "")
    if match["sign"]:
        return Quantity(match["value"], "%" if "%" in match["sign"] else "degrees")
    name = (match["text"] or match["word"]) + (match["power"] or match["exponent"] or "")
    name = " ".join(re.sub(r"[{}^]", "", name).replace("²", "2").replace("³", "3").split())
    return Quantity(match["value"], {"degree": "degrees", "percent": "%"}.get(name.casefold(), name))


def _may_be_unit(word: str) -> bool:
    """Return True for long words and known short units. Other short words, such as `xy`, belong to the formula."""
    return word in _SHORT_UNITS or (len(word) > 3 and word not in _COMMANDS)


def latex(text: str) -> str | None:
    """Convert a formula to the LaTeX that `verify` parses, or return None if the text is not on the whitelist."""
    if len(text) > MAX_FORMULA:
        return None
    for symbol, command in _SYMBOLS.items():
        text = text.replace(symbol, command)
    if not re.fullmatch(r"[ -~\n]+", text) or re.search(r"[$#@\"'`~?_]{2}|[$#@\"'`?]", text):
        return None
    text = (
        _SPACING.sub(" ", text).replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac").replace(r"\cfrac", r"\frac")
    )
    text = text.replace("{,}", ",").replace("**", "^").replace("*", r"\cdot ").replace(r"\%", "%")
    text = re.sub(r"\\(?:text|mathrm)\s*\{\s*(and|or)\s*\}", ",", text)
    text = re.sub(r"(?<![\\A-Za-z])(" + "|".join(_FUNCTIONS) + r")(?![A-Za-z])", r"\\\1 ", text)
    text = re.sub(r"\\frac\s*([0-9])\s*([0-9])", r"\\frac{\1}{\2}", text)
    braced = _braced(text)
    if braced is None or _nesting(braced) > MAX_NESTING or _TOWER.search(braced.replace(" ", "")):
        return None
    for word in _WORD.findall(_MATRICES.sub(" ", braced)):
        if word.startswith("\\"):
            if word[1:] not in _COMMANDS or word in (r"\begin", r"\end"):
                return None
        elif len(word) > 3 or word.casefold() in ("or", "and", "is", "the", "not", "no", "yes", "inf", "nan"):
            return None
    return re.sub(r"\s+", " ", braced).strip() or None


def _braced(text: str) -> str | None:
    """Put roots and exponents in braces: `sqrt(2)`, `√2`, `x^12`, `x^(1/2)`. Return None if a bracket is not closed."""
    for head in (r"\\sqrt\s*(?:\[[0-9]\])?\s*", r"\^\s*"):
        start = 0
        while match := re.compile(head + r"(?=[^\s{\[\\])").search(text, start):
            at = match.end()
            if text[at] == "(":
                end = _closing(text, at)
                if end < 0:
                    return None
                inner = text[at + 1 : end]
                end += 1
            else:
                number = re.compile(r"-?[0-9]+|[A-Za-z]").match(text, at)
                if number is None:
                    return None
                inner, end = number[0], number.end()
            text = f"{text[:at].rstrip()}{{{inner}}}{text[end:]}"
            start = match.start() + 1
    return text


def _nesting(text: str) -> int:
    """Return the nesting depth of the brackets."""
    depth = deepest = 0
    for character in text:
        depth += (character in "({[") - (character in ")}]")
        deepest = max(deepest, depth)
    return deepest


_LITERAL = re.compile(
    r"(?P<sign>[+-]?)\s*(?:(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)"
    r"|(?P<whole>[0-9]+)?\s*\\frac\s*\{\s*(?P<over>-?[0-9]+)\s*\}\s*\{\s*(?P<under>[0-9]+)\s*\}"
    r"|(?P<top>[0-9]+)\s*/\s*(?P<bottom>[0-9]+))"
)


def literal(text: str) -> tuple[Fraction, bool] | None:
    r"""Return the number that a text from `latex` denotes, such as `-1,000.5`, and True if it is written as a fraction.

    Returns None if the text is not a number. A mixed number such as `2\frac{1}{2}` counts as a fraction.
    """
    match = _LITERAL.fullmatch(text.strip())
    if match is None:
        return None
    sign = -1 if match["sign"] == "-" else 1
    if match["number"]:
        return sign * Fraction(match["number"].replace(",", "")), False
    over, under = int(match["over"] or match["top"]), int(match["under"] or match["bottom"])
    if under == 0 or (match["whole"] and over < 0):
        return None
    return sign * (int(match["whole"] or 0) + Fraction(over, under)), True


class Surd(NamedTuple):
    """The value coefficient · √radicand · π^power, with a square-free radicand. Equal values are equal tuples."""

    coefficient: Fraction
    radicand: int = 1
    power: int = 0


MAX_RADICAND = 10**6

_NUMBER = r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+"
_PIECES = re.compile(
    rf"\s*(?:(?P<frac>\\frac\s*\{{(?P<over>[^{{}}]*(?:\{{[^{{}}]*\}}[^{{}}]*)*)\}}\s*\{{(?P<under>[^{{}}]*(?:\{{[^{{}}]*\}}"
    rf"[^{{}}]*)*)\}})|\\sqrt\s*\{{\s*(?P<root>[0-9]+)\s*\}}|(?P<pi>\\pi(?![a-z]))|(?P<number>{_NUMBER})"
    r"|(?P<times>\\cdot(?![a-z])|\\times(?![a-z]))|(?P<over_sign>/))\s*"
)


def surd(text: str, depth: int = 0) -> Surd | None:
    r"""Return the value of a product from `latex`, such as `6\pi`, `-\frac{3\sqrt{2}}{2}` or `\pi/3`, or None."""
    text = text.strip()
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-") if text[:1] in ("+", "-") and text[1:2] not in ("+", "-") else text
    found = Surd(Fraction(sign))
    position, dividing, after, last = 0, False, True, ""
    while position < len(text):
        match = _PIECES.match(text, position)
        if match is None or depth > 3:
            return None
        position = match.end()
        if match["times"] or match["over_sign"]:
            if after:
                return None
            dividing, after = bool(match["over_sign"]), True
            if dividing and "/" in text[position:]:
                return None
            continue
        if match["number"]:
            # reject 2 3 (not a product), 2\frac{1}{2} (a mixed number) and 1/2\pi (ambiguous)
            if last == "number" and not after:
                return None
            piece: Surd | None = Surd(Fraction(match["number"]))
        elif match["frac"]:
            if last == "number" and not after:
                return None
            over, under = surd(match["over"], depth + 1), surd(match["under"], depth + 1)
            piece = _times(over, under, -1) if over and under else None
        elif match["root"]:
            piece = _root(int(match["root"])) if len(match["root"]) <= 7 else None
        else:
            piece = Surd(Fraction(1), 1, 1)
        if piece is None or (dividing and not after):
            return None
        product = _times(found, piece, -1 if dividing else 1)
        if product is None:
            return None
        found, after, last = product, False, "number" if match["number"] else "other"
    return None if after else found


def _root(number: int) -> Surd | None:
    """Return √number with its square factors extracted."""
    if number > MAX_RADICAND:
        return None
    outside, inside, factor = 1, number, 2
    while factor * factor <= inside:
        while inside % (factor * factor) == 0:
            outside, inside = outside * factor, inside // (factor * factor)
        factor += 1
    return Surd(Fraction(outside), inside) if number else Surd(Fraction(0))


def _times(left: Surd, right: Surd, power: int) -> Surd | None:
    """Return left · right^power for power ±1, or None for a division by zero."""
    if power < 0 and right.coefficient == 0:
        return None
    root = _root(left.radicand * right.radicand)
    if root is None:
        return None
    # 1/√n = √n/n
    coefficient = left.coefficient * root.coefficient * right.coefficient**power
    if power < 0:
        coefficient /= right.radicand
    if coefficient == 0:
        return Surd(Fraction(0))
    return Surd(coefficient, root.radicand, left.power + power * right.power)
