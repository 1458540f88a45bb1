"""Values that exact arithmetic cannot compare: equal only if identical, and harmless whatever is given."""

import builtins
import time
from pathlib import Path

import pytest

from envs.questions.answers import WORKER, Formula, is_right
from envs.questions.notation.grammar import parse
from envs.questions.notation.verify import handle


def same(gold: str, answer: str) -> bool:
    return handle(["same", listed(parse(gold)), listed(parse(answer))])


def listed(node: object) -> object:
    return [listed(part) for part in node] if isinstance(node, tuple) else node


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (r"\sin^2 x+\cos^2 x", "1"),
        (r"\sin 2x", r"2\sin x\cos x"),
        (r"\tan x", r"\frac{\sin x}{\cos x}"),
        (r"\ln 8", r"3\ln 2"),
        (r"\log_2 3", r"\frac{\ln 3}{\ln 2}"),
        (r"\sqrt{3+2\sqrt{2}}", r"1+\sqrt{2}"),
        (r"\cos(\pi/5)", r"\frac{1+\sqrt{5}}{4}"),
        (r"\sin^{-1} x", r"\arcsin x"),
        ("2^{n+1}", r"2\cdot 2^n"),
        ("e^{i\\pi}", "-1"),
        (r"\sin\pi", "0"),
        ("(n+1)!", "(n+1)n!"),
        (r"\binom{n}{2}", r"\frac{n^2-n}{2}"),
        (r"\sqrt[3]{x}\sqrt[3]{x}\sqrt[3]{x}", "x"),
        (r"\lfloor 2.5x\rfloor", r"\lfloor \frac{5x}{2}\rfloor"),
    ],
)
def test_identities_are_equal(gold: str, answer: str) -> None:
    assert same(gold, answer) and same(answer, gold)


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (r"\sin^2 x+\cos^2 x", "1+x-x^2"),
        (r"\sqrt{x^2}", "x"),
        (r"\ln x^2", r"2\ln x"),  # x may be negative
        (r"\sqrt{2}+\ln 2", r"\sqrt{2}+\ln 2+10^{-150}"),
        (r"\ln 2", "0.693147180559945309417232121458"),
        (r"10^{-100}\ln 2", r"10^{-101}\ln 2"),
        (r"10^{-100}\ln 2", r"-10^{-100}\ln 2"),
        (r"2^{n}", "2^{n+1}"),
        (r"\sin x", r"\sin y"),
        (r"\ln x", r"\ln(x)/0"),
        (r"\sin x", r"\exp(\exp(\exp(9+x)))"),
    ],
)
def test_other_values_are_unequal(gold: str, answer: str) -> None:
    assert not same(gold, answer)


@pytest.mark.parametrize("gold", [r"\ln 0", r"\frac{\sin x}{\sin\pi}", r"\exp(\exp(99))", r"\lfloor i\rfloor x"])
def test_a_gold_without_a_value_is_an_error(gold: str) -> None:
    with pytest.raises(ValueError):
        same(gold, "1")


def test_answer_that_exceeds_its_time_is_wrong_and_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    gold = Formula(r"\sqrt{5}+\sin x")
    assert is_right(r"\sin x+\sqrt{5}", gold)
    monkeypatch.setattr("envs.questions.answers.SECONDS", 1e-9)
    monkeypatch.setattr("envs.questions.answers._logged", set())
    for slow in (r"\cos x", r"\cos x", r"\tan x"):
        assert not is_right(slow, gold)
    assert [record.getMessage() for record in caplog.records] == [
        r"an answer counts as wrong: no answer within 1e-09 s ('\\cos x'); further cases are not logged"
    ]
    monkeypatch.undo()
    assert is_right(r"\sqrt{5}+1\sin x", gold) and not is_right(r"\cos x", gold)


HOSTILE = [
    "10^10^10",
    "9**9**9",
    r"10^{10^{10}}",
    "{" * 200,
    "(" * 290,
    r"\frac{" * 40,
    "9" * 299,
    "9" * 10**6,
    "x\0",
    "٣",
    "３",
    "__import__('os').system('x')",
    "().__class__",
    "x.__class__",
    "eval",
    r"\sqrt{" * 20 + "2" + "}" * 20,
    "2^" * 99,
    "\\" * 99,
    "99999999!",
    "9!!!!!!",
    "$" * 99,
    r"\boxed{" * 40,
    r"\int_0^1 x",
    r"\sum_{n=1}^{99999999} n",
    "lambda: 0",
    '"x"',
    "x;y" * 50,
    "\ud800",
    "-" * 250 + "1",
    r"\text{" + "a" * 250 + "}",
    " cm" * 99,
    "1 " * 140,
    "3a/" * 90,
    "(a+b+c+d+e+f)^9",
    "((a+b)^99)^99",
    "(x+y+1)^2000",
    "(7^{1999})^{1999}",
    r"\binom{99999999}{49999999}",
    r"\binom{1000}{500}^{2000}",
    r"\exp(\exp(\exp(10)))",
    r"\ln(" * 11 + "x" + ")" * 11,
    r"\sqrt{9999999999}+\sqrt{9999999967}",
    "1e999",
    "|" * 99,
    "12:" * 90,
    "1," * 140,
    " per b" * 49,
    "and " * 70,
    "5 ft " * 50,
    "x<" * 140,
    r"\pm 1" * 40,
    r"\begin{pmatrix}" * 12,
    "0.\\overline{" + "9" * 250 + "}",
    "~" * 290,
    r"\text{" + " " * 280,
]


@pytest.mark.parametrize("answer", HOSTILE)
@pytest.mark.parametrize("gold", ["x+1", "3", r"6\pi", r"\cot x", "1, 2"])
def test_hostile_answer_is_wrong_within_the_workers_limits(answer: str, gold: str) -> None:
    """The worker neither runs out of time or memory nor dies: it is not replaced."""
    is_right(r"\sin x", Formula(r"2\sin x"))  # the worker is up
    pid = WORKER.pid
    begin = time.monotonic()
    assert pid is not None and not is_right(answer, Formula(gold))
    assert WORKER.pid == pid and time.monotonic() - begin < 2


def test_nothing_is_evaluated_as_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in this process nor by the functions that the worker runs."""
    table = (Path(__file__).parents[1] / "answers.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in table if line[:1] in "01"]
    called: list[object] = []
    for name in ("eval", "exec"):
        monkeypatch.setattr(builtins, name, lambda *args: called.append(args))
    monkeypatch.setattr("envs.questions.answers._decided", {})
    monkeypatch.setattr(WORKER, "ask", lambda request, seconds: handle([request[0], *map(listed, request[1:])]))
    for _, gold, answer in rows:
        try:
            is_right(answer, Formula(gold))
        except ValueError:  # a word
            pass
    assert len(rows) > 400 and called == []
