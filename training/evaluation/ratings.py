"""Ratings of players from matches: the Bradley–Terry model with intervals, and residuals that show cycles.

Player i beats player j with probability 1 / (1 + exp(s_j - s_i)), where s are the strengths (Bradley and Terry, 1952).
A draw counts as half a win. Elo is the same scale: 400 points are a factor of 10 in the odds.

One number per player cannot describe a cycle (A beats B beats C beats A). The residuals do: the share of points of each
pair minus the share that the ratings expect.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from training.evaluation.statistics import wilson

ELO = 400 / math.log(10)
"""Elo points per unit of strength."""
MEAN = 1000.0
"""Mean rating of all players."""
PRIOR = 4.0
"""Standard deviation of the normal prior of the strengths (695 points). It keeps a player without a loss finite."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tally:
    """Results of one player against another."""

    win: int = 0
    draw: int = 0
    loss: int = 0

    @property
    def games(self) -> int:
        """Number of matches."""
        return self.win + self.draw + self.loss

    @property
    def points(self) -> float:
        """Wins plus half of the draws."""
        return self.win + self.draw / 2

    def __add__(self, other: "Tally") -> "Tally":
        """Return the sum of two tallies."""
        return Tally(self.win + other.win, self.draw + other.draw, self.loss + other.loss)

    @property
    def reverse(self) -> "Tally":
        """The same matches, as results of the other player."""
        return Tally(self.loss, self.draw, self.win)


Tallies = Mapping[tuple[str, str], Tally]
"""(player, other) → results of the player. Each pair is there once, in either order."""


@dataclass(frozen=True)
class Rating:
    """Rating of one player on Elo's scale."""

    elo: float
    low: float
    high: float
    """95% interval, relative to the mean of all players."""


@dataclass(frozen=True)
class Residual:
    """Difference of the results of a pair from those that the ratings expect."""

    expected: float
    """Share of points that the ratings expect for the first player."""
    observed: float
    z: float
    """Difference in standard errors. Above 2 or below -2, the ratings do not describe the pair."""


@dataclass(frozen=True)
class Ladder:
    """Ratings of all players, and how well they describe the results."""

    ratings: dict[str, Rating]
    residuals: dict[tuple[str, str], Residual]
    chi2: float
    """Sum of z² over the pairs."""
    freedom: int
    """Pairs that were played, minus the number of players, plus 1."""
    p: float
    """Probability of a larger `chi2` if the ratings described all pairs. 1 without degrees of freedom."""
    cycles: list[tuple[str, str, str]]
    """Players of whom each beats the next, and the last one the first, each with an interval above one half."""


def rate(players: Sequence[str], tallies: Tallies) -> Ladder:
    """Fit the ratings of players to their results.

    Args:
        players: Names of the players.
        tallies: Results. Pairs without matches may be missing.
    """
    place = {player: number for number, player in enumerate(players)}
    pairs = [(place[one], place[two], tally) for (one, two), tally in tallies.items() if tally.games]
    strengths, covariance = _fit(len(players), pairs)
    half = 1.96 * ELO * np.sqrt(np.diag(covariance))
    elo = MEAN + ELO * strengths
    ratings = {name: Rating(*map(float, (elo[i], elo[i] - half[i], elo[i] + half[i]))) for name, i in place.items()}
    residuals = {pair: _residual(strengths[place[pair[0]]] - strengths[place[pair[1]]], tally)
                 for pair, tally in tallies.items() if tally.games}  # fmt: skip
    chi2 = sum(one.z**2 for one in residuals.values())
    freedom = len(residuals) - len(players) + 1
    return Ladder(ratings, residuals, chi2, freedom, chi2_tail(chi2, freedom), _cycles(players, tallies))


def _fit(count: int, pairs: Sequence[tuple[int, int, Tally]]) -> tuple[Array, Array]:
    """Return strengths [P] with mean 0, and their covariance [P, P], by Newton's method."""
    strengths = np.zeros(count)
    centre = np.eye(count) - 1 / count
    hessian = np.eye(count)
    for _ in range(100):
        gradient, hessian = -strengths / PRIOR**2, np.eye(count) / PRIOR**2
        for i, j, tally in pairs:
            share = _share(strengths[i] - strengths[j])
            gradient[[i, j]] += np.array([1, -1]) * (tally.points - tally.games * share)
            weight = tally.games * share * (1 - share)
            hessian[np.ix_([i, j], [i, j])] += weight * np.array([[1, -1], [-1, 1]])
        step = np.clip(np.linalg.solve(hessian, gradient), -1, 1)
        strengths = strengths + step
        if np.abs(step).max() < 1e-10:
            break
    return strengths - strengths.mean(), centre @ np.linalg.inv(hessian) @ centre


def _share(difference: float) -> float:
    return 1 / (1 + math.exp(-difference))


def _residual(difference: float, tally: Tally) -> Residual:
    expected, observed = _share(difference), tally.points / tally.games
    # Draws make the results of a pair less variable than wins and losses with the same mean.
    spread = expected * (1 - expected) - tally.draw / tally.games / 4
    error = math.sqrt(max(spread, 1e-3) / tally.games)
    return Residual(expected, observed, (observed - expected) / error)


def _cycles(players: Sequence[str], tallies: Tallies) -> list[tuple[str, str, str]]:
    beats = set()
    for (one, two), tally in tallies.items():
        for winner, loser, own in ((one, two, tally), (two, one, tally.reverse)):
            if own.games and wilson(own.points, own.games)[0] > 0.5:
                beats.add((winner, loser))
    return [
        (a, b, c)
        for trio in combinations(players, 3)
        for a, b, c in permutations(trio)
        if a == trio[0] and {(a, b), (b, c), (c, a)} <= beats
    ]


def chi2_tail(value: float, freedom: int) -> float:
    """Return the probability that a chi-squared variable exceeds a value."""
    if freedom <= 0:
        return 1.0
    half = value / 2
    if freedom % 2:
        total, term = math.erfc(math.sqrt(half)), math.sqrt(half / math.pi) * 2 * math.exp(-half)
        for step in range(1, freedom // 2 + 1):
            total += term
            term *= value / (2 * step + 1)
        return min(1.0, total)
    term = total = math.exp(-half)
    for step in range(1, freedom // 2):
        term *= half / step
        total += term
    return min(1.0, total)
