r"""Formulas compared by value with math-verify; runs in a worker process (`worker`), imports nothing of ours.

Both sides are LaTeX that `notation.latex` has let through. They are parsed by latex2sympy2's grammar (ANTLR),
which builds sympy objects from tokens. It gives the digits of numbers to `sympy.Number`, that is to sympy's parser and
`eval`: that one place is replaced (`read_numbers_exactly`), and a test watches that nothing is evaluated. math-verify's
own `parse` is not used: its plain-text route is `parse_expr` and so `eval` (digits and operators only, but `9**9**9`
hangs it), and it picks an expression out of prose where the answer has to be one.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any


def prepare() -> None:
    """Import what takes a second, and compare once: tables are built on first use."""
    import math_verify.grader  # noqa: F401

    read_numbers_exactly()
    same(parsed("x^{2}-\\frac{1}{4}"), read("(x-0.5)(x+0.5)"))


def handle(request: Any) -> Any:
    """["gold", latex] → its shape; ["same", gold, answer] → whether the values are equal. ValueError: unreadable."""
    what, *texts = request
    if what == "gold":
        return shape(parsed(texts[0]))
    gold = parsed(texts[0])
    try:
        return same(gold, read(texts[1]))
    except MemoryError:
        raise
    except Exception:  # whatever the policy's text makes sympy trip over
        return False


def read_numbers_exactly() -> None:
    """Digits become a number without sympy's parser, to which latex2sympy2 hands them; a decimal becomes a fraction."""
    from latex2sympy2_extended import latex2sympy2
    from sympy import Rational

    def number(text: str) -> Any:
        if len(text) > 100 or re.search("[eE][+-]?[0-9]{4}", text):
            raise ValueError("a number that is too long")
        exact = Fraction(text.replace(",", "").strip())
        return Rational(exact.numerator, exact.denominator)

    latex2sympy2.convert_number = number
    latex2sympy2._Latex2Sympy.parse_number = lambda _, text: number(text)


def read(text: str) -> Any:
    """A sympy object, unevaluated; decimals are exact, 0.5 being one half. ValueError where it is no expression."""
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
        raise ValueError("it is no expression")
    return found


@lru_cache(maxsize=4096)
def parsed(gold: str) -> Any:
    """A gold answer, read once."""
    found = read(gold)
    if found.has(*_undefined()):
        raise ValueError("its value is not defined")
    return found


def _undefined() -> tuple[Any, ...]:
    import sympy

    return sympy.nan, sympy.zoo


def shape(found: Any) -> str:
    """What kind of thing it is: a gold answer and the answer must agree in it, so that `3, 4` is never 3."""
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
    """Whether both have the same shape and value; `x = 3` also stands for 3, and 3 for `x = 3`."""
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
