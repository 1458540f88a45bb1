"""The state of one match: a flat numpy record, so that a copy of the record is a copy of the match.

Metres and seconds inside: x to the right, y down the screen, the origin at the centre spot. Team 0 (left) attacks
to the right. Outside, Google Research Football's units: x_GRF = x / 54.4, y_GRF = y / 83.6.
"""

import math
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from render.jit import njit

METRES_X: Final = 54.4
METRES_Y: Final = 83.6
HALF_LENGTH: Final = 54.4
HALF_WIDTH: Final = 0.42 * METRES_Y
GOAL_HALF_WIDTH: Final = 0.044 * METRES_Y
GOAL_HEIGHT: Final = 2.5
BALL_RADIUS: Final = 0.11

SUBSTEP: Final = 0.01
SUBSTEPS: Final = 10
STEP: Final = SUBSTEP * SUBSTEPS

MAX_PLAYERS: Final = 11
KEEPER: Final = 0
"""The keeper is the first player of a team, as in GRF."""

# How an episode ended.
RUNNING: Final = 0
LEFT_GOAL: Final = 1
RIGHT_GOAL: Final = 2
OUT_OF_PLAY: Final = 3
POSSESSION_LOST: Final = 4
TIME_UP: Final = 5


class Action(IntEnum):
    """The 19 actions of Google Research Football; directions, sprint and dribble are sticky."""

    IDLE = 0
    LEFT = 1
    TOP_LEFT = 2
    TOP = 3
    TOP_RIGHT = 4
    RIGHT = 5
    BOTTOM_RIGHT = 6
    BOTTOM = 7
    BOTTOM_LEFT = 8
    LONG_PASS = 9
    HIGH_PASS = 10
    SHORT_PASS = 11
    SHOT = 12
    SPRINT = 13
    RELEASE_DIRECTION = 14
    RELEASE_SPRINT = 15
    SLIDING = 16
    DRIBBLE = 17
    RELEASE_DRIBBLE = 18


MATCH: Final = np.dtype(
    [
        ("rng", np.uint64),
        ("position", np.float64, (2, MAX_PLAYERS, 2)),
        ("velocity", np.float64, (2, MAX_PLAYERS, 2)),
        ("facing", np.float64, (2, MAX_PLAYERS)),  # radians, 0 to the right, growing clockwise on the screen
        ("wait", np.float64, (2, MAX_PLAYERS)),  # seconds until the player may touch the ball again
        ("home", np.float64, (2, MAX_PLAYERS, 2)),  # where the player started
        ("players", np.int64, (2,)),
        ("difficulty", np.float64, (2,)),
        ("ball", np.float64, (3,)),  # the ball's middle; z = BALL_RADIUS on the grass
        ("ball_velocity", np.float64, (3,)),
        ("ball_owned_team", np.int64),  # -1: nobody
        ("ball_owned_player", np.int64),
        ("last_touched", np.int64),  # team
        ("receiver", np.int64),  # left player a pass is on its way to, -1: none
        ("since_kick", np.float64),  # seconds since the ball was last kicked
        ("kicked", np.int64),  # 1 if the controlled player kicked the ball in the last step
        ("active", np.int64),  # the controlled left player
        ("sticky", np.int64, (10,)),  # eight directions (actions 1 to 8), sprint, dribble
        ("score", np.int64, (2,)),
        ("steps", np.int64),
        ("steps_left", np.int64),
        ("game_mode", np.int64),  # as in GRF; 0: normal play
        ("checkpoints", np.int64),  # checkpoint rewards paid so far
        ("ended", np.int64),
    ],
    align=True,
)

Matches = NDArray[np.void]
"""An array of `MATCH` records."""
Match = Any
"""One `MATCH` record, whose fields compiled code reads as attributes."""


@njit
def uniform(m: Match) -> float:
    """A number in [0, 1) from the match's own generator (splitmix64, Steele et al. 2014)."""
    m.rng = m.rng + np.uint64(0x9E3779B97F4A7C15)
    z = m.rng
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) / 9007199254740992.0


@njit
def bell(m: Match) -> float:
    """Mean 0, deviation 1, never beyond 3: three uniforms."""
    return 2.0 * (uniform(m) + uniform(m) + uniform(m) - 1.5)


@njit
def units(matches: Matches) -> NDArray[np.float64]:
    """Where everybody is and faces, [2, 11, 4]: x and y in GRF's units, and a unit vector."""
    m = matches[0]
    poses = np.empty((2, MAX_PLAYERS, 4))
    for team in range(2):
        for player in range(MAX_PLAYERS):
            poses[team, player, 0] = m.position[team, player, 0] / METRES_X
            poses[team, player, 1] = m.position[team, player, 1] / METRES_Y
            poses[team, player, 2] = math.cos(m.facing[team, player])
            poses[team, player, 3] = math.sin(m.facing[team, player])
    return poses
