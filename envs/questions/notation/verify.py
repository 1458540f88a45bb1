"""Comparison of values that are not exact, in a worker process (`worker`). Imports no own modules.

A value is a tree of nested lists (`grammar`), never text, so nothing is parsed or evaluated as code here. It is
computed with 400 digits at several values of its letters. All intermediate values are zero or between 1e-159 and 1e159,
so two values are equal if their difference is below 1e-220: only rounding noise is that small.
"""

from fractions import Fraction
from typing import Any

DIGITS = 400
POINTS = 4
"""Number of values of the letters at which formulas are compared."""
MAX_MAGNITUDE = 530
"""Maximum binary exponent of a value, positive or negative. It also bounds the work of a power."""


def prepare() -> None:
    """Import the library, and compute one value to build its tables."""
    handle(["same", ["fn", "sin", ["sym", "x"]], ["fn", "sin", ["sym", "x"]]])


def handle(request: Any) -> bool:
    """Return True if the two values of ["same", gold, answer] are equal, and have a value.

    Raises:
        ValueError: The gold answer has no value.
    """
    from mpmath import mp

    _, gold, answer = request
    names = sorted(_letters(gold) | _letters(answer))
    with mp.workdps(DIGITS):
        for point in range(POINTS if names else 1):
            letters = _point(names, point)
            try:
                wanted = _value(gold, letters)
            except (ArithmeticError, TypeError, KeyError) as error:
                raise ValueError("its value is undefined") from error
            try:
                found = _value(answer, letters)
            except (ValueError, ArithmeticError, TypeError, KeyError):
                return False
            if abs(wanted - found) > mp.mpf(10) ** -220:
                return False
    return True


def _letters(node: Any) -> set[str]:
    if node[0] == "sym":
        return {node[1]} - {"pi", "e", "i"}
    return {name for part in node[1:] if isinstance(part, list) for name in _letters(part)}


def _point(names: list[str], point: int) -> dict[str, Any]:
    """Return values of the letters. They have no simple relation: only identical formulas are equal there."""
    from mpmath import mp

    letters = {
        name: (-1) ** (point * (index + 1)) * mp.mpf(7919 * (point + 1) + 104729 * (index + 1)) / (100003 + 31 * index)
        for index, name in enumerate(names)
    }
    return letters | {"pi": +mp.pi, "e": +mp.e, "i": mp.mpc(0, 1)}


def _value(node: Any, letters: dict[str, Any]) -> Any:
    from mpmath import mp

    head, *parts = node
    if head == "num":
        number = Fraction(parts[0])
        return mp.mpf(number.numerator) / number.denominator
    if head == "sym":
        return letters[parts[0]]
    if head == "root":
        inside = _value(parts[1], letters)
        if parts[0] % 2 and mp.im(inside) == 0 and mp.re(inside) < 0:
            return -_bounded(mp.root(-inside, parts[0]))
        return _bounded(mp.root(inside, parts[0]))
    if head == "fn":
        return _bounded(_function(parts[0], _value(parts[1], letters)))
    values = [_value(part, letters) for part in parts]
    return _bounded(_OPERATIONS[head](*values))


def _bounded(value: Any) -> Any:
    """Return a value, with noise as zero. Raise ValueError if it is not finite, or out of bounds."""
    from mpmath import mp

    magnitude = mp.mag(value)
    if not mp.isfinite(value) or magnitude > MAX_MAGNITUDE or -2 * MAX_MAGNITUDE < magnitude < -MAX_MAGNITUDE:
        raise ValueError("a value is too large, too small or not finite")
    return mp.mpf(0) if magnitude <= -2 * MAX_MAGNITUDE else value


def _sum(*values: Any) -> Any:
    total = values[0]
    for value in values[1:]:
        total += value
    return total


def _product(*values: Any) -> Any:
    total = values[0]
    for value in values[1:]:
        total *= value
    return total


def _power(base: Any, exponent: Any) -> Any:
    from mpmath import mp

    if base == 0:
        if mp.re(exponent) <= 0:
            raise ValueError("not defined")
        return base
    if abs(exponent) * max(1, abs(mp.log(abs(base)))) > MAX_MAGNITUDE:
        raise ValueError("a power is too large")
    return mp.power(base, exponent)


def _log(base: Any, value: Any) -> Any:
    from mpmath import mp

    return mp.log(value) / mp.log(base)


def _factorial(value: Any) -> Any:
    from mpmath import mp

    if abs(value) > 300:
        raise ValueError("a factorial is too large")
    return mp.factorial(value)


def _binom(over: Any, under: Any) -> Any:
    from mpmath import mp

    if abs(over) > 300 or abs(under) > 300:
        raise ValueError("a binomial coefficient is too large")
    return mp.binomial(over, under)


def _rounded(down: bool, value: Any) -> Any:
    from mpmath import mp

    if mp.im(value) != 0:
        raise ValueError("not real")
    return mp.floor(value) if down else mp.ceil(value)


_OPERATIONS: dict[str, Any] = {
    "neg": lambda value: -value, "+": _sum, "*": _product, "/": lambda over, under: over / under, "^": _power,
    "log": _log, "abs": abs, "floor": lambda value: _rounded(True, value), "ceil": lambda value: _rounded(False, value),
    "!": _factorial, "binom": _binom,
}  # fmt: skip


def _function(name: str, value: Any) -> Any:
    from mpmath import mp

    if name in ("exp", "sinh", "cosh", "tanh") and abs(value) > MAX_MAGNITUDE / 2:
        raise ValueError("a value is too large")
    names = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
    return getattr(mp, names.get(name, name))(value)
