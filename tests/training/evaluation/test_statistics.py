"""Success with its interval, against numbers by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.episodes.episode import Episode, Start
from training.evaluation.statistics import difference, mean_score, student, success_rate, summary, wilson


def test_wilson_interval_matches_hand_computation() -> None:
    # z = 1.96, z^2 = 3.8416; centre (0.8 + 3.8416 / 20) / 1.38416 = 0.716738
    # half (1.96 / 1.38416) sqrt(0.16 / 10 + 3.8416 / 400) = 1.416021 x 0.160012 = 0.226581
    assert wilson(8, 10) == pytest.approx((0.490157, 0.943319), abs=2e-6)
    # none of 4: 3.8416 / (4 + 3.8416) = 0.489900; all of 4: what is left of it
    assert wilson(0, 4) == pytest.approx((0.0, 0.489900), abs=1e-6)
    assert wilson(4, 4) == pytest.approx((0.510100, 1.0), abs=1e-6)
    # half of 256: 0.5 -+ (1.96 / 1.0150063) sqrt(0.25 / 256 + 3.8416 / 262144) = 0.5 -+ 0.060796
    assert wilson(128, 256) == pytest.approx((0.439204, 0.560796), abs=1e-6)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_contains_the_rate_and_is_symmetric(case: tuple[int, int]) -> None:
    successes, n = case
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n + 1e-12 and successes / n - 1e-12 <= high <= 1
    mirrored = wilson(n - successes, n)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)


def test_success_rate_returns_mean_interval_and_count() -> None:
    episodes = [Episode(Start(i, i), success=i < 8) for i in range(10)]
    result = success_rate(episodes)
    assert (result["mean"], result["n"]) == (0.8, 10)
    assert result["ci95"] == list(wilson(8, 10))


def test_interval_of_a_change_matches_newcombes_example() -> None:
    # Newcombe (1998), table II (a): 56/70 - 48/80 = 0.2, method 10: 0.0524 to 0.3339
    before, after = ({"mean": part / n, "ci95": list(wilson(part, n))} for part, n in ((48, 80), (56, 70)))
    assert difference(before, after) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_student_interval_matches_hand_computation() -> None:
    # 1, 2, 3: mean 2, variance 1, t(2) = 4.303: 2 -+ 4.303 / sqrt(3)
    assert student([1.0, 2.0, 3.0]) == pytest.approx((2 - 2.484338, 2 + 2.484338), abs=1e-5)
    # two strata of 1, 2, 3 and 5, 5, 5: half the error of the first, with its freedom
    assert student([1.0, 2.0, 3.0], [5.0] * 3) == pytest.approx((3.5 - 1.242169, 3.5 + 1.242169), abs=1e-5)
    assert student([3.0]) is None and student([1.0, 2.0], [3.0]) is None
    assert student([3.0, 3.0]) == (3.0, 3.0)


@pytest.mark.parametrize("n", [2, 5, 16, 100])
def test_student_interval_has_nominal_coverage(n: int) -> None:
    draws = np.random.default_rng(n).normal(50, 10, (2000, n))
    intervals = [student(values.tolist()) for values in draws]
    covered = np.mean([low <= 50 <= high for low, high in filter(None, intervals)])
    assert 0.94 <= covered <= 0.965  # 0.52 and 0.84 at 2 and 5 by a bootstrap


def test_mean_score_ignores_unknown_scores() -> None:
    assert mean_score([Episode(Start(0, 0))]) is None
    some = [Episode(Start(i, i), score=score) for i, score in enumerate([40.0, None, 60.0])]
    score = mean_score(some)
    assert score is not None and (score["mean"], score["n"]) == (50.0, 2)


def test_summary_is_split_by_kind_in_order_of_size() -> None:
    kinds = ["10x10, 3 boxes", "6x6, 1 box", "6x6, 1 box", "7x7, 2 boxes", ""]
    episodes = [Episode(Start(i, i), success=i == 1, kind=kind, score=float(i)) for i, kind in enumerate(kinds)]
    whole = summary(episodes)
    assert (whole["n"], whole["success"]["mean"], whole["return"], whole["turns"]) == (5, 0.2, 0.0, 0.0)
    assert list(whole["kinds"]) == ["6x6, 1 box", "7x7, 2 boxes", "10x10, 3 boxes"]
    small = whole["kinds"]["6x6, 1 box"]
    assert (small["mean"], small["n"], small["ci95"], small["score"]["mean"]) == (0.5, 2, list(wilson(1, 2)), 1.5)
    assert next(iter(summary(episodes[:1], episodes[1:])["kinds"])) == "10x10, 3 boxes"
    assert summary() == {
        "n": 0, "success": None, "score": None, "return": None, "valid": None, "turns": None, "kinds": {}
    }  # fmt: skip


def test_summary_of_several_tasks_weighs_them_equally() -> None:
    """Whoever plays the easy one more often is not better for it."""
    easy = [Episode(Start(i, i), success=True, score=80.0) for i in range(6)]
    hard = [Episode(Start(i, i), success=False, score=20.0 + 20 * i) for i in range(2)]
    whole = summary(easy, hard)
    assert (whole["n"], whole["success"]["mean"], whole["score"]["mean"]) == (8, 0.5, 55.0)
    assert whole["success"]["ci95"] == pytest.approx(wilson(3, 6))  # 4 / (1/6 + 1/2) episodes
    assert whole["score"]["ci95"] == pytest.approx([55 - 12.706 * 5, 55 + 12.706 * 5])  # sqrt(200 / 2) / 2
    assert success_rate(easy[:2], hard)["ci95"] == pytest.approx(wilson(2, 4))
