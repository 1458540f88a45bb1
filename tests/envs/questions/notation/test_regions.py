"""Sets of real numbers, compared on the cells between their ends."""

import pytest

from envs.questions.notation.grammar import parse
from envs.questions.notation.regions import same_region
from envs.questions.notation.rewrite import plain


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (r"(0,1]\cup[1,2)", "(0,2)"),
        (r"[0,3]\cap(1,5)", "(1,3]"),
        (r"\mathbb{R}\setminus[-1,1]", r"(-\infty,-1)\cup(1,\infty)"),
        (r"\{x \mid 1 < x \le \sqrt{5}\}", r"(1,\sqrt{5}]"),
        (r"\{x \mid x \ge 1, x \ne 2\}", r"[1,2)\cup(2,\infty)"),
        (r"\{t \in (0,4) : t > \pi\}", r"(\pi,4)"),
        (r"[0,2]\setminus(0,2)", r"\{0,2\}"),
    ],
)
def test_equal_sets(first: str, second: str) -> None:
    assert same_region(parse(plain(first)), parse(plain(second))) is True


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (r"(0,1)\cup(1,2)", "(0,2)"),
        ("(0,2)", "[0,2]"),
        (r"\{x \mid x > 2\}", r"\{x \mid x > 3\}"),
        ("(0,10^{-40})", "(0,10^{-41})"),
    ],
)
def test_other_sets(first: str, second: str) -> None:
    assert not same_region(parse(plain(first)), parse(plain(second)))


@pytest.mark.parametrize("text", ["(2,1)", r"\mathbb{Z}", r"\{2k \mid k \in \mathbb{Z}\}", "(a,b)", "x", "(1,2,3)"])
def test_what_is_no_set_of_intervals(text: str) -> None:
    assert same_region(parse(plain(text)), parse("(0,1)")) is None
