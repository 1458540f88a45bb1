"""Ratings recover planted strengths, and residuals show planted cycles."""

import math
from itertools import combinations

import numpy as np
import pytest

from training.evaluation.ratings import ELO, MEAN, Tally, chi2_tail, rate


def planted(strengths: dict[str, float], games: int, draws: float, seed: int) -> dict[tuple[str, str], Tally]:
    """Return the results of matches between players of given Elo strengths, as many in each pair."""
    rng = np.random.default_rng(seed)
    found = {}
    for one, two in combinations(strengths, 2):
        share = 1 / (1 + 10 ** ((strengths[two] - strengths[one]) / 400))
        drawn = int(rng.binomial(games, draws * 2 * min(share, 1 - share)))
        left = games - drawn
        won = int(rng.binomial(left, (share * games - drawn / 2) / left)) if left else 0
        found[one, two] = Tally(won, drawn, left - won)
    return found


@pytest.mark.parametrize("draws", [0.0, 0.5])
def test_planted_strengths_of_200_games_are_within_their_intervals(draws: float) -> None:
    truth = {"a": 1150.0, "b": 1050.0, "c": 950.0, "d": 850.0}  # the mean is 1000
    hits, widths = [], []
    for seed in range(100):
        ladder = rate(list(truth), planted(truth, 200, draws, seed))
        assert np.mean([rating.elo for rating in ladder.ratings.values()]) == pytest.approx(MEAN)
        hits += [rating.low <= truth[name] <= rating.high for name, rating in ladder.ratings.items()]
        widths += [rating.high - rating.low for rating in ladder.ratings.values()]
        assert sorted(ladder.ratings, key=lambda name: -ladder.ratings[name].elo) == list(truth)
    assert np.mean(hits) >= 0.93 and max(widths) < 80


def test_rating_of_two_players_is_the_log_odds_of_their_score() -> None:
    ladder = rate(["a", "b"], {("a", "b"): Tally(750, 0, 250)})
    difference = ladder.ratings["a"].elo - ladder.ratings["b"].elo
    assert difference == pytest.approx(ELO * math.log(3), rel=1e-3)  # 190.8 points for 75%
    # The error of the log-odds is 1 / sqrt(n p q) = 0.0730, shared by both players: half of it each.
    half = (ladder.ratings["a"].high - ladder.ratings["a"].low) / 2
    assert half == pytest.approx(1.96 * ELO * 0.0730 / 2, rel=1e-2)
    assert (ladder.freedom, ladder.p) == (0, 1.0)


def test_player_who_wins_every_match_has_a_finite_rating() -> None:
    ladder = rate(["a", "b"], {("a", "b"): Tally(20, 0, 0)})
    assert 1200 < ladder.ratings["a"].elo < 1800 and ladder.ratings["a"].high < 2500


def test_planted_cycle_is_shown_by_the_residuals_and_not_hidden_in_the_ratings() -> None:
    cycle = {("a", "b"): Tally(140, 0, 60), ("b", "c"): Tally(140, 0, 60), ("c", "a"): Tally(140, 0, 60)}
    ladder = rate(["a", "b", "c"], cycle)
    assert all(rating.elo == pytest.approx(MEAN, abs=1e-6) for rating in ladder.ratings.values())
    for residual in ladder.residuals.values():
        assert residual.expected == pytest.approx(0.5) and residual.observed == 0.7
        assert residual.z == pytest.approx(0.2 / math.sqrt(0.25 / 200))  # 5.7 standard errors
    assert ladder.cycles == [("a", "b", "c")] and ladder.freedom == 1 and ladder.p < 1e-6


def test_cycle_among_other_players_is_found_in_either_direction() -> None:
    results = planted({"a": 1000, "b": 1000, "c": 1000, "d": 700}, 200, 0.2, 0)
    results |= {("a", "b"): Tally(40, 20, 140), ("a", "c"): Tally(140, 20, 40), ("b", "c"): Tally(40, 20, 140)}
    ladder = rate(["a", "b", "c", "d"], results)
    assert ladder.cycles == [("a", "c", "b")]
    assert ladder.residuals["a", "b"].z < -4 and abs(ladder.residuals["a", "d"].z) < 3


def test_results_that_fit_the_ratings_have_small_residuals() -> None:
    truth = {name: 1200.0 - 80 * number for number, name in enumerate("abcdef")}
    tails = [rate(list(truth), planted(truth, 200, 0.3, seed)).p for seed in range(60)]
    assert 0.3 < np.mean(tails) < 0.75 and np.mean(np.array(tails) < 0.05) < 0.15
    assert not any(rate(list(truth), planted(truth, 200, 0.3, seed)).cycles for seed in range(20))


@pytest.mark.parametrize(
    ("value", "freedom", "tail"),
    [(3.841, 1, 0.05), (5.991, 2, 0.05), (7.815, 3, 0.05), (9.488, 4, 0.05), (18.307, 10, 0.05), (11.070, 5, 0.05)],
)
def test_chi2_tail_has_the_tabulated_quantiles(value: float, freedom: int, tail: float) -> None:
    assert chi2_tail(value, freedom) == pytest.approx(tail, abs=2e-4)
