"""Success with its interval, against numbers by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.episodes import Episode, Start
from training.statistics import success_rate, wilson


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
