"""Success with its interval, against numbers by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.episodes import Episode, Start
from training.statistics import bootstrap, mean_score, success_rate, summary, wilson


def test_wilson_by_hand() -> None:
    # z = 1.96, z^2 = 3.8416; centre (0.8 + 3.8416 / 20) / 1.38416 = 0.716738
    # half (1.96 / 1.38416) sqrt(0.16 / 10 + 3.8416 / 400) = 1.416021 x 0.160012 = 0.226581
    assert wilson(8, 10) == pytest.approx((0.490157, 0.943319), abs=2e-6)
    # none of 4: 3.8416 / (4 + 3.8416) = 0.489900; all of 4: what is left of it
    assert wilson(0, 4) == pytest.approx((0.0, 0.489900), abs=1e-6)
    assert wilson(4, 4) == pytest.approx((0.510100, 1.0), abs=1e-6)
    # half of 256: 0.5 -+ (1.96 / 1.0150063) sqrt(0.25 / 256 + 3.8416 / 262144) = 0.5 -+ 0.060796
    assert wilson(128, 256) == pytest.approx((0.439204, 0.560796), abs=1e-6)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_mirrors(case: tuple[int, int]) -> None:
    successes, n = case
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n + 1e-12 and successes / n - 1e-12 <= high <= 1
    mirrored = wilson(n - successes, n)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)


def test_success_rate() -> None:
    episodes = [Episode(Start(i, i), success=i < 8) for i in range(10)]
    result = success_rate(episodes)
    assert (result["mean"], result["n"]) == (0.8, 10)
    assert result["ci95"] == list(wilson(8, 10))


def test_bootstrap_is_near_the_normal_interval_and_always_the_same() -> None:
    values = np.random.default_rng(1).normal(50, 10, 400).tolist()
    low, high = bootstrap(values)
    half = 1.96 * np.std(values) / 20  # a mean of 400 has a twentieth of their spread
    assert (low, high) == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=0.1)
    assert bootstrap(values) == (low, high)
    assert bootstrap([3.0]) == (3.0, 3.0)


def test_scores_that_are_not_known_do_not_count() -> None:
    assert mean_score([Episode(Start(0, 0))]) is None
    some = [Episode(Start(i, i), score=score) for i, score in enumerate([40.0, None, 60.0])]
    score = mean_score(some)
    assert score is not None and (score["mean"], score["n"]) == (50.0, 2)


def test_a_summary_is_split_by_kind_small_sizes_first() -> None:
    kinds = ["10x10, 3 boxes", "6x6, 1 box", "6x6, 1 box", "7x7, 2 boxes", ""]
    episodes = [Episode(Start(i, i), success=i == 1, kind=kind, score=float(i)) for i, kind in enumerate(kinds)]
    whole = summary(episodes)
    assert (whole["n"], whole["success"]["mean"], whole["return"], whole["turns"]) == (5, 0.2, 0.0, 0.0)
    assert list(whole["kinds"]) == ["6x6, 1 box", "7x7, 2 boxes", "10x10, 3 boxes"]
    small = whole["kinds"]["6x6, 1 box"]
    assert (small["mean"], small["n"], small["ci95"], small["score"]["mean"]) == (0.5, 2, list(wilson(1, 2)), 1.5)
    assert next(iter(summary(episodes, ["10x10, 3 boxes"])["kinds"])) == "10x10, 3 boxes"
    assert summary([]) == {
        "n": 0, "success": None, "score": None, "return": None, "valid": None, "turns": None, "kinds": {}
    }  # fmt: skip
