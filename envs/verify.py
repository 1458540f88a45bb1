r"""Formulas compared by value with math-verify; runs in a worker process (`envs.bounded`), imports nothing of ours.

Both sides are LaTeX that `envs.notation.latex` has let through. They are parsed by latex2sympy2's grammar (ANTLR),
which builds sympy objects from tokens and never calls `eval`. math-verify's own `parse` is not used: its plain-text
route hands text to sympy's `parse_expr`, that is to `eval` (digits and operators only, so that `9**9**9` hangs it), and
it picks an expression out of prose where the answer has to be one.
"""

from functools import lru_cache
from typing import Any


def prepare() -> None:
    """Import what takes a second, and parse once: the grammar's tables are built on first use."""
    import math_verify.grader  # noqa: F401

    parsed("x^{2}+\\frac{1}{2}")


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


def read(text: str) -> Any:
    """A sympy object, unevaluated; decimals are exact, 0.5 being one half. ValueError where it is no expression."""
    import sympy
    from latex2sympy2_extended.latex2sympy2 import latex2sympy

    try:
        found = latex2sympy(text, is_real=True, convert_degrees=False, normalization_config=None)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(str(error).split("\n")[0]) from None
    if not isinstance(found, sympy.Basic | sympy.MatrixBase):
        raise ValueError("it is no expression")
    decimals = {number: sympy.Rational(str(number)) for number in found.atoms(sympy.Float)}
    return found.xreplace(decimals) if decimals else found


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
