"""What counts as the right answer, by hand and by property."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.questions.answers import Formula, check_gold, gold_from_text, is_right
from envs.questions.notation import Surd, bare, latex, literal, quantity, surd


def test_a_whole_gold_answer_is_only_itself() -> None:
    assert is_right("85", 85) and is_right(" +85\n", 85) and is_right("−85", -85)
    for wrong in ("47+38", "85.0", "170/2", "$85$", r"\boxed{85}", "85 or 86", "85 cm", "x=85"):
        assert not is_right(wrong, 85)
    assert (
        is_right("0.75", Fraction(3, 4))
        and is_right("6/8", Fraction(3, 4))
        and not is_right(r"\frac{3}{4}", Fraction(3, 4))
    )


RIGHT = [
    ("12", "12"),
    ("$12$", "12"),
    ("12", r"\boxed{12}"),
    ("12", "12."),
    ("12", "12.0"),
    ("1000", "1,000"),
    ("1,000", "1000"),
    ("12", "x = 12"),
    (r"\frac{3}{4}", "0.75"),
    ("3/4", r"\dfrac{6}{8}"),
    ("-1/2", r"-\frac12"),
    ("2.5", r"2\frac{1}{2}"),
    ("12 cm", "12"),
    ("12 cm", r"12\text{ cm}"),
    (r"12\text{ cm}^2", "12 cm²"),
    ("60^\\circ", "60°"),
    ("60°", "60 degrees"),
    (r"75\%", "75"),
    (r"25\pi\text{ cm}^2", "25π cm²"),
    (r"25\pi\text{ cm}^2", "25 pi cm^2"),
    ("5 hours", "5 hours"),
    (r"75\%", "75%"),
    (r"\$5", "5"),
    (r"6\pi", "6π"),
    (r"6\pi", "6 pi"),
    (r"6\pi", "6*pi"),
    (r"6\pi", r"$\frac{12\pi}{2}$"),
    (r"3\sqrt{2}", "3√2"),
    (r"3\sqrt{2}", r"\sqrt{18}"),
    (r"3\sqrt{2}", "3*sqrt(2)"),
    (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}"),
    (r"6\pi \text{ cm}", r"6\pi"),
    (r"-\pi/3", r"-\frac{\pi}{3}"),
    (r"\sqrt{16}", r"2\sqrt{4}"),
]


@pytest.mark.parametrize(("gold", "answer"), RIGHT)
def test_the_same_number_in_other_words_is_right(gold: str, answer: str) -> None:
    assert is_right(answer, Formula(gold))


WRONG = [
    ("12", "13"),
    ("12", "24/2"),
    ("12", r"\frac{24}{2}"),
    ("12", "7+5"),
    ("12", r"3\cdot 4"),
    ("12", "12 cm"),
    ("12", "12%"),
    ("2 xy", "2"),
    (r"4\pi r", r"4\pi"),
    ("12 cm", "12 and 12 cm"),
    ("60", "60°"),
    ("12 cm", "12 m"),
    ("12 cm", "12 cm2"),
    ("3", "3 or 4"),
    ("3", "3, 4"),
    ("3", "3; 3"),
    ("3", "x=3, x=4"),
    ("3", r"\boxed{3} \boxed{4}"),
    ("3", "$3$ $3$"),
    ("3", "I think it is 3."),
    ("3", "not 3"),
    ("3", "3 = 3"),
    ("3", ""),
    (r"\frac{1}{3}", "0.333333"),
    (r"\frac{1}{3}", "1/0"),
    (r"6\pi", "18.85"),
    (r"6\pi", r"6\pi^2"),
    (r"6\pi", "6"),
    (r"6\pi", "5π"),
    (r"3\sqrt{2}", "4.2426"),
    (r"3\sqrt{2}", r"3\sqrt{3}"),
    (r"3\sqrt{2}", r"2\sqrt{3}"),
    ("1000", "1,00"),
    ("0", "-"),
]


@pytest.mark.parametrize(("gold", "answer"), WRONG)
def test_other_answers_are_wrong(gold: str, answer: str) -> None:
    assert not is_right(answer, Formula(gold))


def test_text_and_choice_answers_are_compared_by_form() -> None:
    for answer in ("B", "b", "(B)", "B.", "B)", "$B$", r"\text{B}", r"\boxed{\text{(B)}}"):
        assert is_right(answer, "B"), answer
    for answer in ("C", "B or C", "B, C", "AB", "B. 12", "the B", ""):
        assert not is_right(answer, "B"), answer
    assert is_right(" Left  of ", "left of") and not is_right("left", "left of")


@pytest.mark.parametrize(
    ("text", "gold", "kind"),
    [
        ("B", "B", str),
        ("(B)", "B", str),
        (r"\text{(C)}", "C", str),
        (r"$\text{Monday}$", "Monday", str),
        ("New York", "New York", str),
        ("12", "12", Formula),
        ("$12$", "$12$", Formula),
        ("12 cm", "12 cm", Formula),
        ("x", "x", Formula),
        (r"$\pi$", r"$\pi$", Formula),
        (r"\text{A, C}", "A, C", str),
        ("10:30", "10:30", Formula),
        ("x^2+1", "x^2+1", Formula),
    ],
)
def test_gold_answers_of_files_are_read(text: str, gold: str, kind: type) -> None:
    assert gold_from_text(text) == gold and type(gold_from_text(text)) is kind
    assert is_right(text, gold_from_text(text))


@pytest.mark.parametrize(
    "text", ["", " ", "???", r"\frac{1}", "x+", r"\frac{1}{0}", "3 apples and 4 pears!", "x" * 400, "\0"]
)
def test_an_unreadable_gold_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"the gold answer .* cannot be read"):
        gold_from_text(text)
    with pytest.raises(ValueError, match="the gold answer"):
        is_right("3", Formula(text))
    with pytest.raises(ValueError, match="the gold answer is empty"):
        check_gold(" ")


def test_notation_equals_values_by_hand() -> None:
    assert bare(r" $\boxed{6\pi}$. ") == r"6\pi"
    assert bare("$3$ or $4$") == "$3$ or $4$"
    assert quantity("12 m/s") == ("12", "m/s")
    assert quantity(r"36\,\text{cm}^2") == ("36", "cm2")
    assert quantity("25π cm²") == ("25π", "cm2")
    for formula in ("2x", "2 xy", "4 pi r", "2 sin x", "3 alpha", "6 pi"):
        assert quantity(formula) == (formula, "")
    assert latex("√(x+1) * 2^10") == r"\sqrt{x+1} \cdot 2^{10}"
    assert latex("I think so") is latex("f'(x)") is latex(r"\input{x}") is None
    assert literal("-1,234.5") == (Fraction(-2469, 2), False)
    assert surd(r"\frac{6}{\sqrt{8}}") == Surd(Fraction(3, 2), 2)  # 6/(2√2) = 3√2/2
    assert surd(r"1/2\pi") is surd("2 3") is surd(r"2\cdot") is surd("x") is None


numbers = st.integers(-999, 999).filter(bool)


@given(numbers, st.integers(1, 60), st.integers(1, 200), st.integers(0, 1))
def test_equal_surds_are_right_and_neighbours_wrong(over: int, under: int, root: int, power: int) -> None:
    tail = rf"\sqrt{{{root}}}" + r"\pi" * power
    gold = Formula(rf"\frac{{{over}{tail}}}{{{under}}}")
    scaled = f"{3 * over}{tail}/{3 * under}"
    squared = rf"\frac{{{over}}}{{{2 * under}}}\sqrt{{{4 * root}}}" + " pi" * power
    assert is_right(scaled, gold) and is_right(squared, gold)
    assert not is_right(f"{over + 1}{tail}/{under}", gold)
    assert not is_right(f"{over}{tail}/{under + 1}", gold)
    text = latex(scaled)
    assert text is not None
    value = surd(text)
    assert value is not None
    assert (value.radicand == 1) == (round(root**0.5) ** 2 == root) and value.power == power


@given(st.text(max_size=40), st.sampled_from(["7", "3/4", r"6\pi", "B", "12 cm"]))
def test_any_text_is_judged_without_an_error(text: str, gold: str) -> None:
    right = gold_from_text(gold)
    if "x" not in (latex(text) or "x"):
        assert is_right(text, right) in (True, False)
    assert not is_right(f"{text} or {gold}", right)
    assert not is_right(f"{gold}, {gold}", right)
