r"""Exact arithmetic of formulas: quotients of polynomials over the rationals in square roots, π, e, i and letters.

A polynomial is a dict from monomials to coefficients. A monomial is a square-free radicand and the powers of letters,
so $3\sqrt2\,\pi x^2$ is `{(2, (("pi", 1), ("x", 2))): 3}`. Equal polynomials are equal dicts. Quotients are compared
by cross multiplication, which is exact: there is no tolerance.
"""

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from envs.questions.notation.trees import Node

Monomial = tuple[int, tuple[tuple[str, int], ...]]
Polynomial = dict[Monomial, Fraction]

MAX_TERMS, MAX_BITS, MAX_POWER, MAX_RADICAND = 200, 40_000, 10_000, 10**10
"""Limits of a polynomial's size, a coefficient's bits, an exponent and the factorisation of radicands."""

CONSTANTS = frozenset(("pi", "e", "i"))
_ONE: Monomial = (1, ())


class NotExact(ValueError):  # noqa: N818  an outcome, not a defect
    """A formula outside of this arithmetic."""


class Unreadable(ValueError):  # noqa: N818  an outcome, not a defect
    """A formula without a value, or too large to compare."""


class Exact(NamedTuple):
    """The quotient of two polynomials."""

    over: Polynomial
    under: Polynomial


def rational(value: Fraction | int) -> Exact:
    """Return a rational number."""
    value = Fraction(value)
    return Exact({_ONE: value} if value else {}, {_ONE: Fraction(1)})


def symbol(name: str) -> Exact:
    """Return a letter or a constant."""
    return Exact({(1, ((name, 1),)): Fraction(1)}, {_ONE: Fraction(1)})


@lru_cache(maxsize=4096)
def _multiplied(left: Monomial, right: Monomial) -> tuple[Monomial, int]:
    """Return the product of two monomials and its integer factor: √6·√2 = 2√3, i·i = -1."""
    common = math.gcd(left[0], right[0])
    powers = dict(left[1])
    for name, power in right[1]:
        powers[name] = powers.get(name, 0) + power
        if abs(powers[name]) > MAX_POWER:
            raise Unreadable("an exponent is too large")
    if "i" in powers:
        common *= -1 if powers["i"] % 4 in (2, 3) else 1
        powers["i"] %= 2
    radicand = left[0] * right[0] // common**2
    return (radicand, tuple(sorted((name, power) for name, power in powers.items() if power))), common


def _add(left: Polynomial, right: Polynomial) -> Polynomial:
    found = dict(left)
    for monomial, coefficient in right.items():
        total = found.pop(monomial, Fraction(0)) + coefficient
        if total:
            found[monomial] = total
    return _checked(found)


def _multiply(left: Polynomial, right: Polynomial) -> Polynomial:
    if len(left) * len(right) > 20 * MAX_TERMS:
        raise Unreadable("a formula has too many terms")
    found: Polynomial = {}
    for first, coefficient in left.items():
        for second, other in right.items():
            monomial, factor = _multiplied(first, second)
            total = found.pop(monomial, Fraction(0)) + coefficient * other * factor
            if total:
                found[monomial] = total
    return _checked(found)


def _checked(polynomial: Polynomial) -> Polynomial:
    if len(polynomial) > MAX_TERMS or any(
        value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS for value in polynomial.values()
    ):
        raise Unreadable("a formula is too large")
    return polynomial


def _simple(over: Polynomial, under: Polynomial) -> Exact:
    """Return a quotient without a denominator of one term: 1/√2 becomes √2/2, 1/x becomes x^-1."""
    if not under:
        raise Unreadable("its value is undefined")
    if len(under) == 1 and under != {_ONE: 1}:
        ((radicand, powers), coefficient), *_ = under.items()
        inverse = {(radicand, tuple((name, -power) for name, power in powers)): 1 / (coefficient * radicand)}
        over, under = _multiply(_multiply(over, inverse), {_ONE: Fraction(1)}), {_ONE: Fraction(1)}
    return Exact(over, under)


def add(left: Exact, right: Exact) -> Exact:
    """Return the sum."""
    if left.under == right.under:
        return _simple(_add(left.over, right.over), left.under)
    return _simple(
        _add(_multiply(left.over, right.under), _multiply(right.over, left.under)), _multiply(left.under, right.under)
    )


def multiply(left: Exact, right: Exact) -> Exact:
    """Return the product."""
    return _simple(_multiply(left.over, right.over), _multiply(left.under, right.under))


def divide(left: Exact, right: Exact) -> Exact:
    """Return the quotient. Raise Unreadable for a division by zero."""
    if not right.over:
        raise Unreadable("its value is undefined")
    return _simple(_multiply(left.over, right.under), _multiply(left.under, right.over))


def power(base: Exact, exponent: int) -> Exact:
    """Return an integer power. Raise Unreadable for too large powers, 0^0 and 0^-1."""
    if not base.over and exponent <= 0:
        raise Unreadable("its value is undefined")
    if abs(exponent) > MAX_POWER:
        raise Unreadable("an exponent is too large")
    if exponent < 0:
        return power(divide(rational(1), base), -exponent)
    found = rational(1)
    while exponent:
        if exponent % 2:
            found = multiply(found, base)
        exponent //= 2
        if exponent:
            base = multiply(base, base)
    return found


def number(value: Exact) -> Fraction | None:
    """Return the rational number that a value is, or None."""
    if value.under != {_ONE: 1} or set(value.over) - {_ONE}:
        return None
    return value.over.get(_ONE, Fraction(0))


def root(value: Exact, degree: int = 2) -> Exact:
    """Return the square root of a rational number, or an exact higher root. Raise NotExact for any other root."""
    found = number(value)
    if found is None or not 2 <= degree <= 60:
        raise NotExact("not a root of a rational number")
    if found == 0:
        return rational(0)
    if found < 0 and degree % 2:
        return multiply(rational(-1), root(rational(-found), degree))
    whole = abs(found.numerator * found.denominator ** (degree - 1))  # (p/q)^(1/n) = (p q^(n-1))^(1/n) / q
    if degree > 2:
        near = round(whole ** (1 / degree)) if whole < 10**15 else 0
        if found < 0 or near**degree != whole:
            raise NotExact("not an exact root")
        return rational(Fraction(near, found.denominator))
    outside, inside = _squares(whole)
    sign = (("i", 1),) if found < 0 else ()
    return Exact({(inside, sign): Fraction(outside, found.denominator)}, {_ONE: Fraction(1)})


@lru_cache(maxsize=4096)
def _squares(value: int) -> tuple[int, int]:
    """Return (a, b) with value = a²·b and b square-free."""
    exact = math.isqrt(value)
    if exact * exact == value:
        return exact, 1
    if value > MAX_RADICAND:
        raise NotExact("a radicand is too large")
    outside, inside, factor = 1, value, 2
    while factor * factor <= inside:
        while inside % (factor * factor) == 0:
            outside, inside = outside * factor, inside // (factor * factor)
        factor += 1
    return outside, inside


def equal(left: Exact, right: Exact) -> bool:
    """Return True if two values are equal as formulas."""
    if left.under == right.under:
        return left.over == right.over
    return _multiply(left.over, right.under) == _multiply(right.over, left.under)


def ratio(left: Exact, right: Exact) -> float | None:
    """Return the sign (1 or -1, or 0 for a complex one) of the constant left / right, or None for another quotient."""
    first, second = _multiply(left.over, right.under), _multiply(right.over, left.under)
    if len(first) != len(second):
        return None
    if not first:
        return 1
    lead, coefficient = next(iter(second.items()))
    for monomial, other in first.items():
        inverse = (lead[0], tuple((name, -exponent) for name, exponent in lead[1]))
        quotient, factor = _multiplied(monomial, inverse)
        if {name for name, _ in quotient[1]} <= CONSTANTS:
            constant = {quotient: other / coefficient * factor / lead[0]}
            if _multiply(second, constant) == first:
                names = dict(quotient[1])
                return 0 if "i" in names else math.copysign(1, constant[quotient])
    return None


def real(value: Exact) -> float | None:
    """Return an approximate real constant for ordering, or None for a formula with letters."""
    totals = []
    for polynomial in value:
        total = 0.0
        for (radicand, powers), coefficient in polynomial.items():
            term = float(coefficient) * math.sqrt(radicand)
            for name, exponent in powers:
                if name not in ("pi", "e"):
                    return None
                term *= (math.pi if name == "pi" else math.e) ** exponent
            total += term
        totals.append(total)
    return totals[0] / totals[1]


@lru_cache(maxsize=4096)
def exact(node: Node) -> Exact:
    """Return the exact value of a formula. Raise NotExact if it has functions or roots of letters, or is too large."""
    head, *parts = node
    if head == "num":
        return _checked_number(Fraction(parts[0]))
    if head == "sym":
        return symbol(parts[0])
    if head == "neg":
        return multiply(rational(-1), exact(parts[0]))
    if head in ("+", "*"):
        found = exact(parts[0])
        for part in parts[1:]:
            found = (add if head == "+" else multiply)(found, exact(part))
        return found
    if head == "/":
        return divide(exact(parts[0]), exact(parts[1]))
    if head == "root":
        return root(exact(parts[1]), parts[0])
    if head == "^":
        return _power(exact(parts[0]), exact(parts[1]))
    if head == "abs" and (inside := number(exact(parts[0]))) is not None:
        return rational(abs(inside))
    if head == "!" and (inside := number(exact(parts[0]))) is not None and inside in range(301):
        return rational(math.factorial(int(inside)))
    if head == "binom":
        over, under = (number(exact(part)) for part in parts)
        if over is not None and under is not None and over in range(1001) and under in range(1001):
            return rational(math.comb(int(over), int(under)))
    raise NotExact("not exact")


def _checked_number(value: Fraction) -> Exact:
    found = rational(value)
    _checked(found.over)
    return found


def _power(base: Exact, exponent: Exact) -> Exact:
    value = number(exponent)
    if value is None:
        raise NotExact("an exponent is not a number")
    if value.denominator == 1:
        return power(base, int(value))
    if base.over == symbol("e").over:
        raise NotExact("a root of e")
    inside = number(base)
    if value.denominator > 2 and (inside is None or inside < 0):
        raise NotExact("a complex root")
    return power(root(base, value.denominator), value.numerator)
