r"""Judgement of answers, compared with plain math-verify in the same run: what is read, right and wrong, and how fast.

    python -m benchmarks.answers [FILE.jsonl | FILE.parquet | FILE.tsv …]

A question file gives the gold answers. Each is compared with itself (bare, `$…$`, `\boxed{…}` and with a full stop) and
with the other gold answers: with all of them by ours, and with 1,000 random pairs by both. Accepted pairs are printed,
because two texts may have one value. A tsv file has judged answers (1 or 0, gold answer, answer); without an argument,
the table of the tests is used. The columns:

- unread: gold answers that are refused (a file with one does not open)
- self: gold answers that refuse themselves in one of the four forms, or right answers that are refused
- cross: accepted answers with another text, or wrong answers that are accepted
- µs: median time of an answer without caches. The ratio is that of medians, with its range over five rounds.

"math-verify" is `parse` on both sides and `verify`, as its documentation shows it. It needs `pip install math-verify`.
"""

import json
import logging
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from math_verify import parse as mv_parse
from math_verify import verify as mv_verify
from math_verify.parser import extract_latex, parse_latex_cached

from envs.questions import algebra, answers, grammar, reading
from envs.questions.answers import gold_from_text, is_right

TABLE = Path(__file__).parents[1] / "tests/envs/questions/answers.tsv"
PAIRS, TIMED, ROUNDS, SHOWN = 1000, 60, 5, 12

Judge = Callable[[str, str], bool | None]
"""Judge of (gold answer, answer). None if the gold answer cannot be read."""


def ours(gold: str, answer: str) -> bool | None:
    """Judge by this repository."""
    try:
        return is_right(answer, gold_from_text(gold))
    except ValueError:
        return None


def theirs(gold: str, answer: str) -> bool | None:
    """Judge by math-verify, with its time limit of five seconds."""
    wanted = mv_parse(_dressed(gold))
    return bool(mv_verify(wanted, mv_parse(_dressed(answer)))) if wanted else None


def _dressed(text: str) -> str:
    """Return a text as mathematics, with its full stop outside, as math-verify expects it."""
    if "$" in text or "boxed" in text:
        return text
    return f"${text.removesuffix('.')}$" + "." * text.endswith(".")


def forget() -> None:
    """Empty all caches of both."""
    for kept in (reading.read, grammar.parse, algebra.exact, answers._read_gold, parse_latex_cached, extract_latex):
        kept.cache_clear()
    answers._decided.clear()


def forms(gold: str) -> list[str]:
    """Return the four forms in which a gold answer must accept itself."""
    dressed = [] if "$" in gold.replace(r"\$", "") else [f"${gold}$"]
    return [gold, *dressed, rf"\boxed{{{gold}}}", gold if gold.endswith(".") else f"{gold}."]


def microseconds(judge: Judge, pairs: list[tuple[str, str]]) -> float:
    """Return the median time of an answer in microseconds, without caches."""
    times = []
    for pair in pairs:
        forget()
        begin = time.perf_counter()
        judge(*pair)
        times.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(times)


def golds_of(path: Path) -> list[str]:
    """Return the distinct gold answers of a question file."""
    if path.suffix == ".parquet":
        from pyarrow.parquet import read_table

        found = read_table(path, columns=["answer"])["answer"].to_pylist()
    else:
        found = [json.loads(line)["answer"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return list(dict.fromkeys(str(answer) for answer in found))


def question_file(path: Path) -> tuple[dict[str, list[int]], list[tuple[str, str]]]:
    """Return (unread, self, cross) by judge, and pairs to time. Print what is unread, refused or accepted."""
    golds = golds_of(path)
    draw = random.Random(0)
    pairs = [tuple(draw.sample(golds, 2)) for _ in range(PAIRS)] if len(golds) > 1 else []
    counts = {}
    for name, judge in (("ours", ours), ("math-verify", theirs)):
        unread = [gold for gold in golds if judge(gold, gold) is None]
        refused = [gold for gold in golds if gold not in unread and not all(judge(gold, form) for form in forms(gold))]
        crossed = [pair for pair in pairs if judge(*pair)]
        counts[name] = [len(unread), len(refused), len(crossed)]
        for title, found in (("unread", unread), ("refuses itself", refused), ("accepted", crossed)):
            for one in found[:SHOWN]:
                print(f"  {name:12s} {title}: {one!r}")
    everything = [(gold, answer) for gold in golds for answer in golds if gold != answer and ours(gold, answer)]
    print(f"  ours: {len(everything)} of {len(golds) * (len(golds) - 1)} ordered pairs accepted")
    for pair in everything[: 4 * SHOWN]:
        print(f"    {pair[0]!r} takes {pair[1]!r}")
    timed = draw.sample(golds, min(TIMED, len(golds)))
    return counts, [(gold, rf"\boxed{{{gold}}}") for gold in timed]


def judged_file(path: Path) -> tuple[dict[str, list[int]], list[tuple[str, str]]]:
    """Return (unread, refused, accepted) by judge, and pairs to time. Print where ours is wrong."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [tuple(part.strip() for part in line.split("\t")[:3]) for line in lines if line[:2] in ("0\t", "1\t")]
    found = {"ours": [ours(*row[1:]) for row in rows], "math-verify": [theirs(*row[1:]) for row in rows]}
    counts = {
        name: [
            sum(given is None for given in judged),
            sum(given is False and row[0] == "1" for given, row in zip(judged, rows, strict=True)),
            sum(given is True and row[0] == "0" for given, row in zip(judged, rows, strict=True)),
        ]
        for name, judged in found.items()
    }
    for row, mine, other in zip(rows, found["ours"], found["math-verify"], strict=True):
        if bool(mine) != (row[0] == "1"):
            print(f"  ours is wrong on {row}{', math-verify is right' * (bool(other) == (row[0] == '1'))}")
    return counts, random.Random(0).sample([(row[1], row[2]) for row in rows], min(TIMED, len(rows)))


def main() -> None:
    """Print the table of each file."""
    logging.disable(logging.WARNING)
    for path in [Path(name) for name in sys.argv[1:]] or [TABLE]:
        print(path.name)
        counts, pairs = (judged_file if path.suffix == ".tsv" else question_file)(path)
        rounds = [(microseconds(ours, pairs), microseconds(theirs, pairs)) for _ in range(ROUNDS)]
        print(f"{'':14s}{'unread':>8s}{'self':>8s}{'cross':>8s}{'µs':>8s}")
        for index, name in enumerate(("ours", "math-verify")):
            unread, refused, crossed = counts[name]
            median = statistics.median(one[index] for one in rounds)
            print(f"{name:14s}{unread:8d}{refused:8d}{crossed:8d}{median:8.0f}")
        ratios = sorted(other / mine for mine, other in rounds)
        print(
            f"math-verify takes {statistics.median(ratios):.1f} times as long ({ratios[0]:.1f} to {ratios[-1]:.1f})\n"
        )


if __name__ == "__main__":
    main()
