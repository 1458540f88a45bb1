"""Comparison of formulas by value with math-verify, run in a worker process (`worker`). Imports no own modules.

Both sides are LaTeX that `notation.latex` has accepted. They are parsed with latex2sympy2's grammar (ANTLR), which
builds sympy objects from tokens. It passes the digits of numbers to `sympy.Number`, and so to sympy's parser and
`eval`. `read_numbers_exactly` replaces that step, and a test checks that nothing is evaluated. math-verify's own
`parse` is not used. Its plain-text route is `parse_expr` and so `eval` (digits and operators only, but `9**9**9` hangs
it). It also extracts an expression from prose, where the whole answer has to be one.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any


def prepare() -> None:
    """Import the libraries, which takes a second, and run one comparison to build their tables."""
    import math_verify.grader  # noqa: F401

    read_numbers_exactly()
    same(parsed("x^{2}-\\frac{1}{4}"), read("(x-0.5)(x+0.5)"))


def handle(request: Any) -> Any:
    """Handle a request: ["gold", latex] returns its shape, ["same", gold, answer] returns True if the values are equal.

    Raises:
        ValueError: The formula cannot be parsed.
    """
    what, *texts = request
    if what == "gold":
        return shape(parsed(texts[0]))
    gold = parsed(texts[0])
    try:
        return same(gold, read(texts[1]))
    except MemoryError:
        raise
    except Exception:  # the policy's text may break sympy in any way
        return False


def read_numbers_exactly() -> None:
    """Patch latex2sympy2 to convert digits without sympy's parser. Decimals become exact fractions."""
    from latex2sympy2_extended import latex2sympy2
    from sympy import Rational

    def number(text: str) -> Any:
        if len(text) > 100 or re.search("[eE][+-]?[0-9]{4}", text):
            raise ValueError("a number is too long")
        exact = Fraction(text.replace(",", "").strip())
        return Rational(exact.numerator, exact.denominator)

    latex2sympy2.convert_number = number
    latex2sympy2._Latex2Sympy.parse_number = lambda _, text: number(text)


def read(text: str) -> Any:
    """Parse LaTeX to an unevaluated sympy object. Decimals are exact: 0.5 is one half.

    Raises:
        ValueError: The text is not an expression.
    """
    import sympy
    from latex2sympy2_extended.latex2sympy2 import latex2sympy

    read_numbers_exactly()
    try:
        found = latex2sympy(text, is_real=True, convert_degrees=False, normalization_config=None)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(str(error).split("\n")[0]) from None
    if not isinstance(found, sympy.Basic | sympy.MatrixBase):
        raise ValueError("not an expression")
    return found


@lru_cache(maxsize=4096)
def parsed(gold: str) -> Any:
    """Return the parsed gold answer (cached). Raise ValueError if its value is undefined."""
    found = read(gold)
    if found.has(*_undefined()):
        raise ValueError("its value is undefined")
    return found


def _undefined() -> tuple[Any, ...]:
    import sympy

    return sympy.nan, sympy.zoo


def shape(found: Any) -> str:
    """Return the shape of a formula. Gold answer and answer must have the same shape, so `3, 4` never equals 3."""
    import sympy

    if isinstance(found, sympy.MatrixBase | sympy.MatrixExpr):
        return "matrix"
    if isinstance(found, sympy.Tuple):
        return "tuple"
    if isinstance(found, sympy.FiniteSet):
        return "set"
    if isinstance(found, sympy.Set):
        return "interval"
    if isinstance(found, sympy.Eq):
        return "assignment" if found.lhs.is_Symbol and isinstance(found.rhs, sympy.Expr) else "equation"
    if isinstance(found, sympy.Expr):
        return "value"
    return "relation"


def same(gold: Any, answer: Any) -> bool:
    """Return True if both have the same shape and value. `x = 3` and 3 are accepted for each other."""
    from math_verify.grader import verify

    asked, given = shape(gold), shape(answer)
    if given == "assignment" and asked == "value":
        answer, given = answer.rhs, "value"
    if asked == "assignment" and given == "value":
        gold, asked = gold.rhs, "value"
    if asked != given:
        return False
    if asked == "set" and len(gold.args) != len(answer.args):
        return False
    return bool(verify(gold, answer, strict=True, timeout_seconds=None))
