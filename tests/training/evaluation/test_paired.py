"""Paired comparisons, checked against numbers computed by hand."""

import pytest

from training.evaluation.paired import Played, compare, mcnemar
from training.evaluation.statistics import student


@pytest.mark.parametrize(
    ("only_one", "only_other", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),  # 2 * 1 / 2
        (5, 0, 0.0625),  # 2 / 32
        (6, 1, 0.125),  # 2 * (1 + 7) / 128
        (1, 6, 0.125),
        (3, 3, 1.0),
        (23, 9, 0.020062),  # scipy.stats.binomtest(9, 32).pvalue
    ],
)
def test_mcnemar_is_the_exact_binomial_test(only_one: int, only_other: int, p: float) -> None:
    assert mcnemar(only_one, only_other) == pytest.approx(p, rel=1e-4)


def results(*successes: int) -> dict[str, dict[int, Played]]:
    return {"sums": {seed: Played(bool(success)) for seed, success in enumerate(successes)}}


def test_compare_counts_starts_that_only_one_policy_solves() -> None:
    pair = compare("sums", "a", "b", results(*[1] * 8, 0, 1), results(*[0] * 8, 1, 1, 1))  # the last has one start more
    assert pair is not None and pair | {"text": ""} == {
        "task": "sums", "policy": "a", "other": "b", "n": 10, "only_policy": 8, "only_other": 1, "p": 0.0390625,
        "text": "",
    }  # fmt: skip
    text = "On the same 10 starts, only a succeeds on 8 and only b on 1: a is better (McNemar's exact test, p = 0.039)"
    assert pair["text"] == text
    pair = compare("sums", "a", "b", results(*[0] * 20), results(*[1] * 20))
    assert pair is not None and pair["text"].endswith(": b is better (McNemar's exact test, p < 0.001)")
    pair = compare("sums", "a", "b", results(1), results(0))
    assert pair is not None and pair["text"] == (
        "On one start, only a succeeds on 1 and only b on 0: no clear difference (McNemar's exact test, p = 1)"
    )
    assert compare("sums", "a", "b", results(), results(1)) is None
    assert compare("sums", "a", "b", results(1), {"other": {0: Played(True)}}) is None


def scored(task: str, *scores: float) -> dict[str, dict[int, Played]]:
    return {task: {seed: Played(False, score) for seed, score in enumerate(scores)}}


def test_compare_scores_gives_the_interval_of_the_paired_difference() -> None:
    pair = compare("sums", "a", "b", scored("sums", 3, 5, 8), scored("sums", 1, 4, 5))
    assert pair is not None
    low, high = student([2.0, 1.0, 3.0]) or (0, 0)  # 2 ± 4.303 / sqrt(3)
    assert pair["score_difference"] == {"mean": 2.0, "ci95": [low, high]} and low == pytest.approx(-0.4843, abs=1e-3)
    assert pair["text"] == (
        "On the same 3 starts, the score of a is 2.0 higher than that of b (95% interval -0.5 to 4.5): "
        "no clear difference"
    )
    both = [scored("x", *x) | scored("y", *y) for x, y in (((1, 2), (1, 2)), ((2, 3), (4, 5)))]
    pair = compare("six", "a", "b", *both)  # each task has one difference: no variance
    assert pair is not None and pair["score_difference"] == {"mean": -2.0, "ci95": [-2.0, -2.0]}
    assert pair["text"].endswith("the score of a is 2.0 lower than that of b (95% interval -2.0 to -2.0): b is better")
    one = compare("sums", "a", "b", scored("sums", 1), scored("sums", 2))
    assert one is not None and "score_difference" not in one
