"""Where a match starts: GRF's academy scenarios as a table, in GRF's units.

Source: gfootball/scenarios/academy_*.py. The right team stands in its own mirrored frame, as there: (x, y) is at
(-x, -y) on the pitch, so that its keeper's (-1, 0) is the goal at x = 1, and (1, 0) is out of it.
"""

from typing import Final, NamedTuple

import numpy as np

from envs.football.match import BALL_RADIUS, MATCH, METRES_X, METRES_Y, Matches
from envs.names import suggest

Place = tuple[float, float]


class Scenario(NamedTuple):
    """A start; places in GRF's units, keepers first."""

    ball: Place
    left: tuple[Place, ...]
    right: tuple[Place, ...]
    steps: int = 400


GOAL: Final[Place] = (-1.0, 0.0)
AWAY: Final[Place] = (1.0, 0.0)
KEEPER_OFF: Final = 0.024
"""A keeper starts at most so far (2 m) off the middle of its goal, and goes on to lean to that side."""
ALONE: Final = 0.3
"""The share of the noise that each player has for himself."""
FIRST_TOUCH: Final = 0.5
"""Seconds at the start in which the right team's field players leave the ball alone."""
CHASERS: Final[tuple[Place, ...]] = ((0.12, 0.2), (0.12, 0.1), (0.12, 0.0), (0.12, -0.1), (0.12, -0.2))

SCENARIOS: Final[dict[str, Scenario]] = {
    "academy_empty_goal_close": Scenario((0.77, 0.0), (GOAL, (0.75, 0.0)), (AWAY,)),
    "academy_empty_goal": Scenario((0.02, 0.0), (GOAL, (0.0, 0.0)), (AWAY,)),
    "academy_run_to_score": Scenario((0.02, 0.0), (GOAL, (0.0, 0.0)), (AWAY, *CHASERS)),
    "academy_run_to_score_with_keeper": Scenario((0.02, 0.0), (GOAL, (0.0, 0.0)), (GOAL, *CHASERS)),
    "academy_pass_and_shoot_with_keeper": Scenario((0.7, -0.28), (GOAL, (0.7, 0.0), (0.7, -0.3)), (GOAL, (-0.75, 0.3))),
    "academy_3_vs_1_with_keeper": Scenario(
        (0.62, 0.0), (GOAL, (0.6, 0.0), (0.7, 0.2), (0.7, -0.2)), (GOAL, (-0.75, 0.0))
    ),
    # Ours: the last third of academy_run_to_score_with_keeper, for short episodes.
    "breakaway": Scenario((0.47, 0.0), (GOAL, (0.45, 0.0)), (GOAL, (-0.34, 0.08), (-0.34, -0.08))),
}


def find(name: str) -> Scenario:
    """The scenario of that name; ValueError with the nearest name and the list."""
    if name not in SCENARIOS:
        raise ValueError(suggest("scenario", name, SCENARIOS))
    return SCENARIOS[name]


def start(scenario: Scenario, rng: np.random.Generator, noise: float, difficulty: float) -> Matches:
    """A match at its start.

    Args:
        scenario: where everybody stands.
        rng: draws the noise and the seed of the match's own generator.
        noise: in GRF units, uniform within ±noise: one shift of ball and field players together and one of each field
            player alone (`ALONE` of it). The ball goes with the player nearest to it. A keeper is
            moved along its line only, by at most `KEEPER_OFF`.
        difficulty: of the right team, 0 to 1.

    Returns:
        An array of one MATCH record.
    """
    matches = np.zeros(1, MATCH)
    m = matches[0]
    m["rng"] = rng.integers(0, 2**64, dtype=np.uint64)
    m["difficulty"] = (1.0, difficulty)
    m["steps_left"] = scenario.steps
    m["ball_owned_team"] = m["ball_owned_player"] = m["receiver"] = -1
    together = rng.uniform(-noise, noise, 2)
    ball = np.array(scenario.ball)
    left = np.array(scenario.left)
    first = int(np.argmin(np.hypot(*((left - ball) * (METRES_X, METRES_Y)).T)))
    scale = np.array([METRES_X, METRES_Y])
    for team, places in enumerate((left, -np.array(scenario.right))):
        alone = ALONE * rng.uniform(-noise, noise, places.shape)
        alone[0] = 0.0, np.clip(alone[0, 1] / ALONE, -KEEPER_OFF, KEEPER_OFF)
        alone[1:] += together
        if team == 0:
            ball += alone[first]
        count = len(places)
        m["players"][team] = count
        m["position"][team, :count] = np.clip(places + alone, (-1, -0.42), (1, 0.42)) * scale
        m["home"][team] = m["position"][team]
        m["facing"][team] = 0.0 if team == 0 else np.pi
    m["active"] = first
    m["ball"] = (*(np.clip(ball, (-0.99, -0.41), (0.99, 0.41)) * scale), BALL_RADIUS)
    m["wait"][1, 1:] = FIRST_TOUCH
    m["since_kick"] = 10.0
    return matches
