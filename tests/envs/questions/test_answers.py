"""What counts as the right answer: by table, on MATH-500's gold answers, and for any text."""

from fractions import Fraction
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.questions.answers import Formula, check_gold, gold_from_text, is_right

HERE = Path(__file__).parent
ROWS = [
    line.split("\t") for line in (HERE / "answers.tsv").read_text(encoding="utf-8").splitlines() if line[:1] in "01"
]
GOLDS = (HERE / "math500_golds.txt").read_text().splitlines()[1:]


def test_a_whole_gold_answer_is_only_itself() -> None:
    assert is_right("85", 85) and is_right(" +85\n", 85) and is_right("−85", -85)
    for wrong in ("47+38", "85.0", "170/2", "$85$", r"\boxed{85}", "85 or 86", "85 cm", "x=85"):
        assert not is_right(wrong, 85)
    assert (
        is_right("0.75", Fraction(3, 4))
        and is_right("6/8", Fraction(3, 4))
        and not is_right(r"\frac{3}{4}", Fraction(3, 4))
    )


@pytest.mark.parametrize(("wanted", "gold", "answer"), ROWS)
def test_table_of_answers(wanted: str, gold: str, answer: str) -> None:
    assert is_right(answer, gold_from_text(gold)) == (wanted == "1")
    if wanted == "1":
        assert is_right(f"$\\boxed{{{answer}}}$.", gold_from_text(gold)) or "$" in answer


def test_every_gold_accepts_itself() -> None:
    for gold in dict.fromkeys([*GOLDS, *(gold for _, gold, _ in ROWS)]):
        right = gold_from_text(gold)
        answers = [gold, rf"\boxed{{{gold}}}", gold if gold.endswith(".") else f"{gold}."]
        if "$" not in gold.replace(r"\$", ""):
            answers += [f"${gold}$", rf"\({gold}\)"]
        assert [answer for answer in answers if not is_right(answer, right)] == []


SAME = [
    {r"10,\!080", "10080"}, {r"15\mbox{ cm}^2", "15"}, {r"\$36", "36"}, {"5", "x=5"}, {"1,-2", "-2,1"},
    {r"2 \sqrt{5}", r"2\sqrt{5}"}, {r"\frac14", r"\frac{1}{4}"},
]  # fmt: skip
"""The only pairs of different texts in MATH-500 with one value, except for angles with and without degrees."""


@pytest.mark.slow
def test_no_gold_of_math_500_accepts_another_value() -> None:
    rest = [gold for gold in GOLDS if not gold.isdigit()] + [str(number) for number in range(0, 130, 5)]
    golds = {gold: gold_from_text(gold) for gold in rest}
    accepted = [
        {gold, answer}
        for gold, answer in permutations(rest, 2)
        if is_right(answer, golds[gold]) and gold != rf"{answer}^\circ"
    ]
    assert [pair for pair in accepted if pair not in SAME] == []
    assert len(GOLDS) == 301 and len(accepted) == 9


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
        ("ABD", "ABD", str),
        ("对", "对", str),
        ("x-ray", "x-ray", str),
        ("ab-cd", "ab-cd", Formula),
        ("xy", "xy", Formula),
        ("April 2, 2005", "April 2, 2005", Formula),
        ("10:30", "10:30", Formula),
        ("x^2+1", "x^2+1", Formula),
    ],
)
def test_gold_answers_of_files_are_read(text: str, gold: str, kind: type) -> None:
    assert gold_from_text(text) == gold and type(gold_from_text(text)) is kind
    assert is_right(text, gold_from_text(text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not a number, formula, word or choice letter"),
        (" ", "not a number"),
        ("???", r"'\?' is not part of a formula"),
        (r"\frac{1}", "the formula is incomplete"),
        ("x+", "the formula is incomplete"),
        (r"\frac{1}{0}", "its value is undefined"),
        (r"\ln 0", "not finite"),
        ("0^{-1}", "its value is undefined"),
        (r"1/2\pi", "unclear what the division covers; write a fraction"),
        (r"2\frac{3}{2}", "a mixed number needs a fraction below one"),
        ("3 4", "two numbers follow each other"),
        ("2^{3^{4}}", "a power is too large"),
        (r"\int_0^1 x", "not part of a formula"),
        ("3 apples and 4 pears!", "'pears' is not part of a formula"),
        ("x" * 400, "not a number"),
        ("\0", "not part of a formula"),
    ],
)
def test_an_unreadable_gold_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"the gold answer .* cannot be read: .*" + problem):
        is_right("3", Formula(text))
    with pytest.raises(ValueError, match=r"the gold answer .* cannot be read"):
        gold_from_text(text)
    with pytest.raises(ValueError, match="the gold answer is empty"):
        check_gold(" ")


def test_text_and_choice_answers_are_compared_by_form() -> None:
    for answer in ("B", "b", "(B)", "B.", "B)", "$B$", r"\text{B}", r"\boxed{\text{(B)}}", "Ｂ"):
        assert is_right(answer, "B"), answer
    for answer in ("C", "B or C", "B, C", "AB", "B. 12", "the B", ""):
        assert not is_right(answer, "B"), answer
    for answer in ("ABD", "A, B, D", "A、B、D", "B and A and D", "(A)(B)(D)", "dba".upper(), "abd"):
        assert is_right(answer, "ABD"), answer
    for answer in ("AB", "A, B", "ABCD", "A, B, C", "AABD", "A"):
        assert not is_right(answer, "ABD"), answer
    assert is_right(" Left  of ", "left of") and not is_right("left", "left of")


@given(st.text(max_size=40), st.sampled_from(["7", "3/4", r"6\pi", "B", "12 cm", "10:30", "(1,2)", "2, 3"]))
def test_any_text_is_judged_without_an_error(text: str, gold: str) -> None:
    right = gold_from_text(gold)
    assert is_right(text, right) in (True, False)
    assert not is_right(f"{text} or {gold}", right) or gold == "2, 3"
    assert not is_right(f"{gold}, {gold}", right)
