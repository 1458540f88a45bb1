"""The worker that compares formulas: it is right, and it survives whatever it is given."""

import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envs.questions.answers import WORKER, Formula, is_right
from envs.questions.notation import bare, latex, quantity
from envs.questions.verify import handle, parsed, prepare, same, shape
from envs.questions.worker import OverTime, Worker

ROOT = Path(__file__).resolve().parents[3]

HANDLER = """
import os, time
kept = [0]
def prepare(): print("noise on stdout")
def handle(request):
    if request == "hang": time.sleep(60)
    if request == "die": os._exit(3)
    if request == "burst": return len(bytearray(4 << 30))
    if request == "raise": raise ValueError("no such thing")
    if request == "pid": return os.getpid()
    kept[0] += 1
    return [kept[0], request]
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    (tmp_path / "handler.py").write_text(HANDLER)
    worker = Worker(tmp_path / "handler.py", megabytes=1024)
    yield worker
    worker.close()


def test_worker_is_reused_for_all_requests(worker: Worker) -> None:
    assert worker.ask("a", 5) == [1, "a"]
    assert worker.ask({"b": "√\n"}, 5) == [2, {"b": "√\n"}]
    with pytest.raises(ValueError, match="no such thing"):
        worker.ask("raise", 5)
    assert worker.ask("c", 5) == [3, "c"]


@pytest.mark.parametrize("accident", ["hang", "die", "burst"])
def test_worker_that_hangs_dies_or_bursts_costs_one_request(worker: Worker, accident: str) -> None:
    pid = worker.ask("pid", 5)
    begin = time.monotonic()
    with pytest.raises(OverTime):
        worker.ask(accident, 0.5)
    assert time.monotonic() - begin < 30  # it would have hung for 60
    assert not Path(f"/proc/{pid}").exists()  # killed and waited for: no zombie
    assert worker.ask("x", 5) == [1, "x"]  # a fresh one


def test_threads_wait_for_each_other(worker: Worker) -> None:
    answers: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda name=name: answers.append((name, worker.ask(name, 5)[1]))) for name in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(name, name) for name in range(8)]


def test_a_forked_child_has_a_worker_of_its_own(worker: Worker) -> None:
    pid = worker.ask("pid", 5)
    child = os.fork()
    if child == 0:
        try:
            own = worker.ask("pid", 5)
            worker.close()
        finally:
            os._exit(0 if own != pid else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert worker.ask("pid", 5) == pid


def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module")
    with pytest.raises(
        RuntimeError, match=r"the worker for broken\.py failed to start: ModuleNotFoundError.*no_such_module"
    ):
        Worker(tmp_path / "broken.py").ask("x", 5)


@pytest.mark.slow
def test_the_worker_ends_with_its_parent() -> None:
    script = (
        "from envs.questions.answers import *; from envs.questions.answers import WORKER\n"
        "assert is_right('2\\\\pi+4\\\\pi', Formula('6\\\\pi')); print(WORKER.pid)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not Path(f"/proc/{done.stdout.strip()}").exists() and done.stderr == ""


RIGHT = [
    (r"6\pi", r"2\pi+4\pi"),
    (r"3\sqrt{2}", r"\sqrt{2}+\sqrt{8}"),
    (r"\sqrt{2}+1", r"\frac{1}{\sqrt{2}-1}"),
    ("x^2-1", "(x-1)(x+1)"),
    ("2^{10}", "1024"),
    ("(1,2)", "( 1 , 2 )"),
    ("(2,1)", "(2,1)"),
    (r"\{3,4\}", "4, 3"),
    ("3, 4", r"\{4, 3\}"),
    ("x=3, x=4", "x=4, x=3"),
    (r"[1,\infty)", "[1, ∞)"),
    ("x>2", "2 < x"),
    (r"\pm 2", "±2"),
    ("1+2i", "2i+1"),
    (r"\frac{1}{2}x", "0.5x"),
    (r"\log_2 8", "3"),
    (r"2\sin x", "2 sin(x)"),
    ("y=2x+1", "y = 1+2x"),
    (r"(-\infty,1)\cup(2,3)", r"(2,3) \cup (-\infty, 1)"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"),
    (r"\sqrt[3]{2}", "2^(1/3)"),
    ("e^{x^2}", "e^(x^2)"),
    ("a_1", "a_{1}"),
    ("5!", "120"),
    ("x=3", "3"),
]


@pytest.mark.parametrize(("gold", "answer"), RIGHT)
def test_equal_values_are_right(gold: str, answer: str) -> None:
    assert is_right(answer, Formula(gold))
    assert is_right(gold, Formula(gold))
    assert is_right(f"$\\boxed{{{answer}}}$", Formula(gold))


WRONG = [
    (r"6\pi", r"2\pi+5\pi"),
    (r"6\pi", "18.849556"),
    (r"\sqrt{2}+1", "2.414213562373095"),
    ("x^2-1", "x^2+1"),
    ("(1,2)", "1, 2"),
    ("(1,2)", "[1,2]"),
    ("(1,2)", "(2,1)"),
    (r"\{3,4\}", "3"),
    (r"\{3,4\}", "3, 4, 5"),
    ("3, 4", "(3, 4)"),
    ("x=3, x=4", "x=3"),
    ("x>2", r"x \ge 2"),
    ("x>2", r"(2,\infty)"),
    (r"\pm 2", "2"),
    ("x=3", "y=3, x=3"),
    ("x=3", "x=3=4"),
    (r"2\sqrt{3}+1", r"2\sqrt{3}+1, 5"),
    ("x+1", "x+1 or x+2"),
    ("x+1", "x+1$ $x+2"),
    ("x+1", "the answer is x+1"),
    (r"\sqrt{3}+1", r"\boxed{\sqrt{3}+1} \boxed{2}"),
    ("2x", "2x cm"),
    (r"\emptyset", "0"),
]


@pytest.mark.parametrize(("gold", "answer"), WRONG)
def test_other_values_and_several_answers_are_wrong(gold: str, answer: str) -> None:
    assert not is_right(answer, Formula(gold))


def test_answer_that_hangs_the_worker_is_wrong(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envs.questions.answers.SECONDS", 0.7)
    monkeypatch.setattr("envs.questions.answers._logged", set())
    gold = Formula(r"\sqrt{5}+x")
    assert is_right(r"x+\sqrt{5}", gold)
    hang = r"\binom{99999999}{49999999}"
    for _ in range(2):
        assert not is_right(hang, gold)
    assert [record.getMessage() for record in caplog.records] == [
        f"an answer counts as wrong: no answer within 0.7 s ({hang!r}); further cases are not logged"
    ]
    monkeypatch.undo()
    assert is_right(r"x+\sqrt{5}", gold)


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
]


@pytest.mark.parametrize("answer", HOSTILE)
@pytest.mark.parametrize("gold", ["x+1", "3", r"6\pi"])
def test_hostile_answer_is_wrong_within_the_workers_limits(answer: str, gold: str) -> None:
    """The worker neither runs out of time or memory nor dies: it is not replaced."""
    is_right("2+x", Formula("x+1"))  # the worker is up
    pid = WORKER.pid
    assert pid is not None and not is_right(answer, Formula(gold))
    assert WORKER.pid == pid


def test_shape_tells_the_form_of_an_answer() -> None:
    for text, expected in (
        ("3", "value"),
        ("3,4", "set"),
        ("(1,2)", "interval"),
        ("(1,2,3)", "tuple"),
        ("x=3", "assignment"),
        ("2x=3", "equation"),
        ("x>3", "relation"),
    ):
        assert shape(parsed(text)) == expected
    assert same(parsed("3"), parsed("x=3")) and not same(parsed("3"), parsed("2x=6"))
    assert math.isclose(float(parsed("0.1").evalf()), 0.1) and parsed("0.1").is_Rational


def test_no_text_reaches_eval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither Python's nor sympy's, which calls it, for any formula above."""
    import builtins

    from sympy.parsing import sympy_parser

    prepare()  # sympy's own constants are made in this way on import
    called: list[object] = []
    monkeypatch.setattr(builtins, "eval", lambda *args: called.append(args))
    monkeypatch.setattr(sympy_parser, "eval_expr", lambda *args: called.append(args))
    parsed.cache_clear()
    judged = 0
    for gold, answer in [*RIGHT, *WRONG, ("12,345x", "12345x"), ("1e3x", "1000x"), ("007x", "7x")]:
        texts = latex(gold), latex(quantity(bare(answer)).formula)
        if None not in texts:
            judged += 1
            handle(["same", *texts])
    assert judged > 35 and called == []
