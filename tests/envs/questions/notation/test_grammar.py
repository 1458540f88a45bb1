"""The grammar by property: every way to write a value is equal, and every other value is unequal."""

from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.questions.answers import Formula, is_right
from envs.questions.notation.algebra import Unreadable, exact
from envs.questions.notation.grammar import parse
from envs.questions.notation.reading import read, split
from envs.questions.notation.rewrite import bare, plain
from envs.questions.notation.tokens import tokens
from envs.questions.notation.units import quantity, unit_name


class Value(NamedTuple):
    """A value and the ways to write it. Values with equal keys are equal."""

    key: tuple[object, ...]
    ways: list[str]


def thousands(number: int, sign: str) -> str:
    return f"{number:,}".replace(",", sign)


def fraction(value: Fraction) -> list[str]:
    over, under = abs(value.numerator), value.denominator
    sign = "-" * (value < 0)
    ways = [f"{sign}\\frac{{{over}}}{{{under}}}", f"{sign}{over}/{under}", f"\\frac{{{sign}{over}}}{{{under}}}"]
    ways += [
        f"{sign}\\dfrac{{{3 * over}}}{{{3 * under}}}",
        f"{sign}{over} ⁄ {under}",
        f"−{over}/{under}" if sign else "+" + ways[1],
    ]
    if over < 10 and under < 10:
        ways += [f"{sign}\\frac{over}{under}", f"{sign}\\tfrac {over}{under}"]
    if over > under:
        whole, rest = divmod(over, under)
        ways += [f"{sign}{whole}\\frac{{{rest}}}{{{under}}}", f"{sign}{whole} {rest}/{under}"]
    if 10**6 % under == 0:
        decimal = f"{float(value):.6f}"
        ways += [decimal, decimal.rstrip("0")]
    return ways


@st.composite
def numbers(draw: st.DrawFn) -> Value:
    value = draw(
        st.fractions(min_value=-50, max_value=50, max_denominator=40).filter(lambda value: value.denominator > 1)
    )
    return Value(("number", value), fraction(value))


@st.composite
def integers(draw: st.DrawFn) -> Value:
    value = draw(st.integers(0, 10**10))
    ways = [str(value), f"{value}.0", f"+{value}", f"x = {value}", f"\\text{{area}}={value}", f"${value}$"]
    if value >= 1000:
        ways += [thousands(value, sign) for sign in (",", " ", r"\,", r",\!", "{,}", "~", "\u202f")]
    if value and len(str(value).rstrip("0")) < 2:
        zeros = len(str(value)) - 1
        ways += [f"{str(value)[0]}{sign}10^{{{zeros}}}" for sign in (r"\times ", "*", "·", r" \cdot ")]
    return Value(("number", Fraction(value)), ways)


@st.composite
def tiny(draw: st.DrawFn) -> Value:
    digit, power = draw(st.integers(1, 9)), draw(st.integers(5, 200))
    ways = [
        f"{digit}\\times 10^{{-{power}}}",
        f"{digit}.0 × 10^-{power}",
        f"{digit}e-{power:02d}",
        f"0.{'0' * (power - 1)}{digit}",
    ]
    return Value(("number", Fraction(digit, 10**power)), ways)


@st.composite
def surds(draw: st.DrawFn) -> Value:
    root, pi = draw(st.sampled_from([2, 3, 5, 6, 7])), draw(st.booleans())
    value = draw(st.fractions(min_value=-9, max_value=9, max_denominator=9).filter(bool))
    over, under = value.numerator, value.denominator
    tail = r"\pi" * pi
    ways = [f"\\frac{{{over}\\sqrt{{{root}}}{tail}}}{{{under}}}", f"{over}/{under}*sqrt({root}){'*pi' * pi}"]
    ways += [f"{2 * over}√{root}{'π' * pi}/{2 * under}", f"\\frac{{{over}}}{{{2 * under}}}\\sqrt{{{4 * root}}}{tail}"]
    ways += [f"\\frac{{{over * root}{tail}}}{{{under}\\sqrt{root}}}"]
    return Value(("surd", value, root, pi), ways)


@st.composite
def polynomials(draw: st.DrawFn) -> Value:
    first, second = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    total, product = first + second, first * second
    ways = [
        f"x^2+{total}x+{product}",
        f"(x+{first})(x+{second})",
        f"{product}+{total}*x+x**2",
        f"x²+{total}x+{product}",
    ]
    return Value(("polynomial", total, product), [*ways, f"\\left(x+{second}\\right)\\cdot(x+{first})"])


UNITS = {
    "cm": ["cm", r"\text{ cm}", r"\,\mathrm{cm}", r" \mathrm{~cm}", " centimeters", "厘米"],
    "cm2": [" cm^2", r"\text{ cm}^2", "cm²", " square centimeters", r"\,\mathrm{cm^{2}}", "平方厘米"],
    "km/h": [" km/h", r"\text{ km/h}", r"\ \mathrm{km}/\mathrm{h}", " kilometers per hour", "千米/小时"],
    "degree": ["°", r"^\circ", r"^{\circ}", r"\degree", " degrees", r"\text{ degrees}", "度"],
    "$": [" dollars", r"\text{ dollars}"],
}


@st.composite
def quantities(draw: st.DrawFn) -> Value:
    number, unit = draw(st.integers(2, 99)), draw(st.sampled_from(sorted(UNITS)))
    ways = [f"{number}{written}" for written in UNITS[unit]]
    return Value(("quantity", number, unit), ways + [rf"\${number}", f"${number}"] * (unit == "$"))


@st.composite
def clocks(draw: st.DrawFn) -> Value:
    hour, minute = draw(st.integers(1, 12)), draw(st.integers(0, 59))
    return Value(
        ("time", hour, minute),
        [f"{hour}:{minute:02d}", f"{hour:02d}：{minute:02d}", rf"\text{{{hour}:{minute:02d}}}"[6:-1]],
    )


@st.composite
def dates(draw: st.DrawFn) -> Value:
    month, day, year = draw(st.integers(1, 12)), draw(st.integers(1, 28)), draw(st.integers(1900, 2050))
    return Value(("date", month, day, year), [f"{month}/{day}/{year}", f"{month:02d}/{day:02d}/{year}"])


@st.composite
def numerals(draw: st.DrawFn) -> Value:
    base = draw(st.integers(2, 9))
    digits = "".join(draw(st.lists(st.sampled_from("0123456789"[:base]), min_size=1, max_size=6))).lstrip("0") or "1"
    ways = [f"{digits}_{base}", f"{digits}_{{{base}}}", f"({digits})_{base}", f"{digits} base {base}"]
    return Value(("numeral", digits, base), ways)


@st.composite
def pairs(draw: st.DrawFn) -> Value:
    low, size = draw(st.integers(-9, 9)), draw(st.integers(1, 9))
    opening, closing = draw(st.sampled_from("([")), draw(st.sampled_from(")]"))
    high = low + size
    ways = [f"{opening}{low},{high}{closing}", f"\\left{opening} {low}, \\frac{{{3 * high}}}{{3}} \\right{closing}"]
    return Value(("pair", low, high, opening, closing), [*ways, f"x \\in {opening}{low}, {high}{closing}"])


@st.composite
def lists(draw: st.DrawFn) -> Value:
    members = draw(st.lists(st.integers(-20, 20), min_size=2, max_size=4, unique=True))
    texts = [str(member) for member in members]
    back = texts[::-1]
    ways = [", ".join(texts), ",".join(back), "; ".join(back), "、".join(texts), rf"\{{{', '.join(back)}\}}"]
    ways += [", ".join(back[:-1]) + f", and {back[-1]}", " or ".join(f"x={text}" for text in texts)]
    ways += [", ".join(texts[:-1]) + rf" \text{{ and }} {texts[-1]}", f"x = {', '.join(back)}"]
    return Value(("list", frozenset(members)), ways)


@st.composite
def equations(draw: st.DrawFn) -> Value:
    slope, height = draw(st.integers(2, 9)), draw(st.integers(1, 9))
    ways = [f"y={slope}x+{height}", f"y = {height}+{slope}*x", f"{slope}x-y+{height}=0", f"{slope}x+{height}=y"]
    return Value(("equation", slope, height), ways)


VALUES = st.one_of(
    numbers(), integers(), tiny(), surds(), polynomials(), quantities(), clocks(), dates(), numerals(), pairs(),
    lists(), equations(),
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(VALUES)
def test_every_way_to_write_a_value_is_equal(value: Value) -> None:
    for gold in value.ways:
        # an answer may have any label, or none, if the gold answer has none
        for answer in value.ways:
            if value.key[0] in ("quantity", "equation") or "=" not in gold + answer:
                assert is_right(answer, Formula(gold)), (gold, answer)
                assert is_right(f"$\\boxed{{{answer}}}$", Formula(gold)) or "$" in answer, (gold, answer)


@settings(max_examples=250, deadline=None)
@given(VALUES, VALUES)
def test_every_other_value_is_unequal(value: Value, other: Value) -> None:
    without_unit = value.key[0] == "quantity" and other.key == ("number", value.key[1])
    if value.key != other.key and not without_unit:
        for gold in value.ways[:4]:
            for answer in other.ways:
                assert not is_right(answer, Formula(gold)), (gold, answer)


@settings(max_examples=100, deadline=None)
@given(
    st.data(),
    st.sampled_from(
        [numbers, integers, tiny, surds, polynomials, quantities, clocks, dates, numerals, pairs, lists, equations]
    ),
)
def test_neighbours_of_one_kind_are_unequal(data: st.DataObject, kind: object) -> None:
    value, other = data.draw(kind()), data.draw(kind())  # type: ignore[operator]
    if value.key != other.key:
        for gold in value.ways:
            for answer in other.ways:
                assert not is_right(answer, Formula(gold)), (gold, answer)


def test_notation_by_hand() -> None:
    assert bare(r" $\boxed{6\pi}$. ") == r"6\pi"
    assert bare("$3$ or $4$") == "$3$ or $4$"
    assert plain(r"$\tfrac12\,\mathrm{~cm}$") == r"\frac12 \text{cm}"
    assert plain("x⁸−½") == r"x^{8}-\frac{1}{2}"
    assert plain("(" * 13 + ")" * 13) == plain("1" * 301) == ""
    assert [token.text for token in tokens("1,234 x_1")] == ["1,234", "x", "_", "1"]
    assert [token.text for token in tokens("(1,234)")] == ["(", "1", ",", "234", ")"]
    assert split("1,234, 5 and (6, 7)") == ["1,234", "5", "(6, 7)"]
    for text, found in {
        "12 m/s": ("12", "m/second"), r"36 \text{cm}^2": ("36", "cm^2"), r"25\pi cm^{2}": (r"25\pi", "cm^2"),
        "6cm": ("6", "cm"), "4.40米": ("4.40", "m"), r"\$5": ("5", "$"), "2x": ("2x", ""), "2 xy": ("2 xy", ""),
        "4 pi r": ("4 pi r", ""), "2 sin x": ("2 sin x", ""), "3 alpha": ("3 alpha", ""), "6 pi": ("6 pi", ""),
        "3+2m": ("3+2m", ""), "5s": ("5s", ""), "5 s": ("5", "second"),
    }.items():  # fmt: skip
        assert quantity(text) == found
    for names in (["feet", "ft", "foot"], ["inches", "in"], ["m s^-1", "m/s", "meters per second"], ["box", "boxes"]):
        assert len({unit_name(name) for name in names}) == 1


def test_trees_by_hand() -> None:
    assert parse("-2^2") == ("neg", ("^", ("num", "2"), ("num", "2")))
    assert parse(r"2\frac{1}{2}") == ("num", "5/2")
    assert parse(r"0.1\overline{6}") == ("num", "1/6")
    assert parse("1 < x") == ("rel", ("num", "1"), "<", ("sym", "x"))
    assert exact(parse(r"\frac{6}{\sqrt{8}}")) == exact(parse(r"\frac{3\sqrt{2}}{2}"))  # 6/(2√2) = 3√2/2
    assert exact(parse("i^3")) == exact(parse("-i"))
    assert len(read(r"1 \pm \sqrt{2}").members) == 2
    for text in ("x+", "(1,2", "2^3^4", "a/bc", "hello", r"\foo", "1..2", "[1,2,3)"):
        with pytest.raises(Unreadable):
            exact(parse(text))
