"""Matches for the tests of the engine."""

import math

import numpy as np

from envs.football import rules
from envs.football.engine.match import BALL_RADIUS, MAX_PLAYERS, Matches
from envs.football.scenarios import find, start


def advance(matches: Matches, action: int) -> None:
    """One step with an action for the one steered player."""
    actions = np.zeros((1, 2, MAX_PLAYERS), np.int64)
    actions[0, 0, 0] = action
    rules.advance(matches, actions, 1, np.ones(1, np.bool_))


def match(scenario: str = "academy_empty_goal", noise: float = 0.0, seed: int = 0) -> Matches:
    return start(find(scenario), np.random.default_rng(seed), noise, 0.6)


def with_ball(x: float, y: float, facing: float = 0.0) -> Matches:
    """The controlled player has the ball, in front of an empty goal."""
    matches = match()
    matches["position"][0, 0, 1] = (x, y)
    matches["facing"][0, 0, 1] = facing
    matches["ball_owned_team"] = 0
    matches["ball_owned_player"] = 1
    matches["ball"][0] = (x + 0.65 * math.cos(facing), y + 0.65 * math.sin(facing), BALL_RADIUS)
    return matches
