"""Statistics of full football matches between rule-based teams, for comparison with real football and GRF.

    python -m benchmarks.football_realism [matches] [million random steps]

Sources: GRF's third_party/gfootball_engine/src/gamedefines.hpp (dribble 3.5, walk 5.0, sprint 8.0 m/s) and
onthepitch/ball.cpp (gravity, drag, bounce, friction). A match has 3000 steps, or 300 s, and represents 90 minutes.
"""

import sys
import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.football.engine.match import HALF_LENGTH, HALF_WIDTH, MAX_PLAYERS, RUNNING, Action, Matches
from envs.football.rules import advance
from envs.football.scenarios import SCENARIOS, find, start

GAME: Final = "11_vs_11_stochastic"
COUNTS: Final = (
    "shots", "saves", "passes", "completed", "tackles", "changes", "fouls", "offside", "corners", "throw_ins",
    "goal_kicks", "penalties", "reds",
)  # fmt: skip


def play(number: int, left: float, right: float, seed: int = 0, scenario: str = GAME) -> Matches:
    """Play matches between two rule-based teams and return their final states.

    Args:
        number: Number of matches.
        left: Difficulty of the left team, 0 to 1.
        right: Difficulty of the right team, 0 to 1.
        seed: Seed of the first match.
        scenario: Name of the scenario.
    """
    matches = begin(number, left, right, (0, 0), seed, scenario)
    idle = np.zeros((number, 2, MAX_PLAYERS), np.int64)
    advance(matches, idle, int(matches["steps_left"].max()), np.ones(number, np.bool_))
    return matches


def begin(number: int, left: float, right: float, control: tuple[int, int], seed: int, scenario: str) -> Matches:
    """Return the initial states of matches.

    Args:
        number: Number of matches.
        left: Difficulty of the left team, 0 to 1.
        right: Difficulty of the right team, 0 to 1.
        control: Number of controlled players of each team.
        seed: Seed of the first match.
        scenario: Name of the scenario.
    """
    rngs = [np.random.default_rng(seed + index) for index in range(number)]
    return np.concatenate([start(find(scenario), rng, 0.0, (left, right), control) for rng in rngs])


def mean(values: NDArray[np.float64]) -> str:
    """Return mean ± standard error as text."""
    return f"{values.mean():.2f} ± {values.std() / len(values) ** 0.5:.2f}"


def points(matches: Matches) -> NDArray[np.float64]:
    """Return the results of the left team: 1 for a win, 0.5 for a draw, 0 for a loss."""
    left, right = matches["score"].T
    return np.asarray(0.5 + 0.5 * np.sign(left - right))


def watch(number: int) -> tuple[NDArray[np.float64], list[float], list[float]]:
    """Return the speeds of field players [samples] in m/s, and the seconds and m/s of passes of 15 to 25 m."""
    matches = begin(number, 1.0, 1.0, (0, 0), 500, GAME)
    idle, going = np.zeros((number, 2, MAX_PLAYERS), np.int64), np.ones(number, np.bool_)
    speeds, times, paces = [], [], []
    kicked: dict[int, tuple[int, NDArray[np.float64]]] = {}
    for _ in range(1200):
        completed, passes = matches["completed"].sum(axis=1), matches["passes"].sum(axis=1)
        ball = matches["ball"].copy()
        advance(matches, idle, 1, going)
        speeds.append(np.hypot(*np.moveaxis(matches["velocity"][:, :, 1:], -1, 0)).ravel())
        for index in range(number):
            m = matches[index]
            if m["passes"].sum() > passes[index]:
                kicked[index] = int(m["steps"]), ball[index]
            if m["completed"].sum() > completed[index] and index in kicked:
                since, place = kicked.pop(index)
                metres = float(np.hypot(*(m["ball"] - place)[:2]))
                if 15.0 < metres < 25.0:
                    times.append(0.1 * (int(m["steps"]) - since + 1))
                    paces.append(metres / times[-1])
    return np.concatenate(speeds), times, paces


def stray(steps: int) -> str:
    """Play random actions with all players in all scenarios, and check that all values are finite and in bounds."""
    rng = np.random.default_rng(0)
    number, played = 20, 0
    while played < steps:
        for name, scenario in SCENARIOS.items():
            control = [len(scenario.left), len(scenario.right)] if played % 2 else [1, 0]
            matches = begin(number, 1.0, 0.5, (control[0], control[1]), played, name)
            for _ in range(scenario.steps):
                before = int(matches["steps"].sum())
                actions = rng.integers(len(Action), size=(number, 2, MAX_PLAYERS))
                advance(matches, actions, 1, np.ones(number, np.bool_))
                played += int(matches["steps"].sum()) - before
                check(matches, name)
                if (matches["ended"] != RUNNING).all():
                    break
        played += 1
    return f"{played} random steps in {len(SCENARIOS)} scenarios: everything in bounds"


def check(matches: Matches, name: str) -> None:
    """Raise AssertionError if a value of a player or the ball is not finite or out of bounds."""
    position, ball = matches["position"], matches["ball"]
    for field in ("position", "velocity", "facing", "ball", "ball_velocity", "ball_rotation", "tired"):
        assert np.isfinite(matches[field]).all(), (name, field)
    assert (np.abs(position) <= (HALF_LENGTH + 3.0, HALF_WIDTH + 3.0)).all(), name
    # The taker of a throw-in holds the ball outside the pitch.
    assert (np.abs(ball[:, :2]) <= (HALF_LENGTH + 3.0, HALF_WIDTH + 3.0)).all(), name
    assert (ball[:, 2] > -0.2).all() and (ball[:, 2] < 40.0).all(), name


def main(number: int = 100, million: float = 1.0) -> None:
    """Print the tables."""
    play(1, 1.0, 1.0)
    began = time.perf_counter()
    matches = play(number, 1.0, 1.0)
    took = time.perf_counter() - began
    print(
        f"{number} matches of equal teams (difficulty 1), each 3000 steps, {took / number / 3000 * 1e6:.1f} µs a step"
    )
    print(f"  goals a match       {mean(matches['score'].sum(axis=1))}  (wanted: 1 to 6)")
    print(f"  left minus right    {mean(matches['score'][:, 0] - matches['score'][:, 1])}")
    print(f"  left's points       {mean(points(matches))}  (even: 0.50)")
    print(f"  ball in play        {matches['in_play'].mean() / 30:.0f} %")
    print(f"  ball at a foot      {matches['possession'].sum() / number / 30:.0f} %")
    for name in COUNTS:
        print(f"  {name:<18}  {mean(matches[name].sum(axis=1))}")
    print(f"  yellow              {mean(matches['yellow'].sum(axis=(1, 2)))}")
    print(f"  passes completed    {100 * matches['completed'].sum() / matches['passes'].sum():.0f} %")
    speeds, times, paces = watch(8)
    shares = [np.mean((speeds >= low) & (speeds < high)) * 100 for low, high in ((0, 2), (2, 5.01), (5.01, 8.01))]
    print(f"  field players at 0-2 / 2-5 / 5-8 m/s: {shares[0]:.0f} / {shares[1]:.0f} / {shares[2]:.0f} %")
    print(f"  fastest {speeds.max():.1f} m/s (GRF sprint 8.0); a 15-25 m pass takes {np.median(times):.1f} s", end="")
    print(f", {np.median(paces):.1f} m/s")
    print("points of the left team, by difficulty, in both orders:")
    for strong, weak in ((0.6, 0.05), (1.0, 0.6), (1.0, 0.05)):
        here, there = play(number, strong, weak, 1000), play(number, weak, strong, 2000)
        print(f"  {strong} against {weak}: {mean(points(here))}; {weak} against {strong}: {mean(points(there))}")
    for name in ("5_vs_5", "1_vs_1_easy"):
        matches = play(number, *find(name).difficulty, 0, name)
        print(f"{name}: {mean(matches['score'].sum(axis=1))} goals")
    if million > 0:
        print(stray(int(million * 1e6)))


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, float), sys.argv[1:], strict=False)))
