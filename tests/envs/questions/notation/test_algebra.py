"""Exact arithmetic of formulas, by hand and compared with Python's fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.questions.notation.algebra import NotExact, Unreadable, equal, exact, number, ratio, real
from envs.questions.notation.grammar import parse


def value(text: str):  # type: ignore[no-untyped-def]
    return exact(parse(text))


def test_values_by_hand() -> None:
    assert value(r"\sqrt{8}").over == {(2, ()): 2}  # 2√2
    assert value(r"\sqrt{-12}").over == {(3, (("i", 1),)): 2}  # 2√3 i
    assert value(r"3\sqrt{2}\pi x^2").over == {(2, (("pi", 1), ("x", 2))): 3}
    assert number(value(r"\sqrt{6}\sqrt{10}\sqrt{15}")) == 30
    assert number(value("(1+i)^8")) == 16
    assert number(value(r"\sqrt[3]{-27/8}")) == Fraction(-3, 2)
    assert number(value(r"\binom{5}{2}-4!+|-3|")) == -11
    assert real(value(r"\frac{\pi}{2}")) == pytest.approx(1.5707963)
    assert equal(value(r"\frac{1}{\sqrt{2}-1}"), value(r"\sqrt{2}+1"))
    assert equal(value(r"\frac{x^2-1}{x-1}"), value("x+1"))
    assert not equal(value(r"\frac{1}{2^{99}}"), value(r"\frac{1}{2^{98}}"))
    assert ratio(value("2x-4"), value("2-x")) == -1 and ratio(value("x-2"), value("x-3")) is None
    assert ratio(value(r"\sqrt{2}x-2"), value(r"x-\sqrt{2}")) == 1


@given(st.fractions(max_denominator=99), st.fractions(max_denominator=99).filter(bool), st.integers(-5, 5))
def test_rationals_equal_pythons(left: Fraction, right: Fraction, power: int) -> None:
    text = rf"(({left})+({right}))\cdot({left})/({right})-({right})^{{{power}}}"
    assert number(value(text)) == (left + right) * left / right - right**power


@pytest.mark.parametrize("text", ["1/0", "0^{-1}", "0^0", "(x+y+1)^{999}", "7^{9999}^2", "x^{20000}", "(7^{9999})^9"])
def test_what_has_no_value_or_is_too_large(text: str) -> None:
    with pytest.raises(Unreadable):
        value(text)


@pytest.mark.parametrize("text", [r"\sin x", r"\sqrt{x}", "2^x", r"\sqrt[3]{2}", r"\sqrt{99999999999999999989}", "x!"])
def test_what_is_not_exact(text: str) -> None:
    with pytest.raises(NotExact):
        value(text)
