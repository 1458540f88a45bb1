"""Time to judge an answer: exact arithmetic and the worker process, compared with math-verify in this process.

    python -m benchmarks.answers_speed

Each kind of gold answer is judged with a right and a wrong answer. The table shows medians of five runs without caches.
"math-verify" is `parse` on both sides and `verify`, without time limits (which threads do not allow).
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import logging
import statistics
import time
from collections.abc import Callable

from math_verify import parse, verify
from math_verify.parser import extract_latex, parse_latex_cached

from envs.questions.answers import Formula, _same_by_worker, is_right

KINDS: dict[str, tuple[int | Formula, str, str]] = {
    "whole number": (85, "85", "86"),
    "number": (Formula("12"), "$12$", "13"),
    "fraction": (Formula(r"\frac{3}{4}"), "0.75", "4/3"),
    "quantity": (Formula("12 cm"), r"12\text{ cm}", "12 m"),
    "multiple of π": (Formula(r"6\pi"), "6π", r"5\pi"),
    "surd": (Formula(r"3\sqrt{2}"), r"\sqrt{18}", r"2\sqrt{3}"),
    "sum of surds": (Formula(r"1+\sqrt{2}"), r"\sqrt{2}+1", r"\sqrt{2}+2"),
    "polynomial": (Formula("x^2-1"), "(x-1)(x+1)", "x^2+1"),
    "interval": (Formula("[1,3)"), "[1, 3)", "[1, 4)"),
    "set": (Formula(r"\{3,4\}"), "4, 3", "3, 5"),
}
RUNS = 5


def milliseconds(judge: Callable[[str], bool], answers: tuple[str, str], rounds: int) -> float:
    """Return the median time of one answer in milliseconds.

    Args:
        judge: Judge of one answer.
        answers: A right and a wrong answer.
        rounds: Number of repetitions per run.
    """
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        for _ in range(rounds):
            for answer in answers:
                for kept in (_same_by_worker, parse_latex_cached, extract_latex):
                    kept.cache_clear()
                judge(answer)
        times.append((time.perf_counter() - begin) / rounds / len(answers) * 1000)
    return statistics.median(times)


def plain(gold: str) -> Callable[[str], bool]:
    """Return a judge that calls math-verify in this process."""

    def judge(answer: str) -> bool:
        return bool(
            verify(
                parse(f"${gold}$", parsing_timeout=None),
                parse(f"${answer}$", parsing_timeout=None),
                timeout_seconds=None,
            )
        )

    return judge


def main() -> None:
    """Print the table."""
    logging.disable(logging.WARNING)
    print(f"{'gold answer':16s}{'ms an answer':>14s}{'math-verify, ms':>18s}{'ratio':>8s}")
    for name, (gold, right, wrong) in KINDS.items():
        assert is_right(right, gold) and not is_right(wrong, gold)
        ours = milliseconds(lambda answer, gold=gold: is_right(answer, gold), (right, wrong), 20)
        theirs = milliseconds(plain(str(gold)), (right, wrong), 3)
        print(f"{name:16s}{ours:14.3f}{theirs:18.2f}{theirs / ours:8.0f}")


if __name__ == "__main__":
    main()
