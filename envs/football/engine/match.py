"""The state of one match: a flat numpy record, so that copying the record copies the match.

The engine uses metres and seconds. The origin is the centre spot, x points right and y points down the screen. Team 0
(left) attacks to the right. Observations use Google Research Football's units: x_GRF = x / 54.4, y_GRF = y / 83.6.
"""

from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from render.draw.jit import njit

METRES_X: Final = 54.4
METRES_Y: Final = 83.6
"""Metres per unit of GRF's x and y."""
HALF_LENGTH: Final = 54.4
HALF_WIDTH: Final = 0.42 * METRES_Y
GOAL_HALF_WIDTH: Final = 0.044 * METRES_Y
GOAL_HEIGHT: Final = 2.5
BALL_RADIUS: Final = 0.11

SUBSTEP: Final = 0.01
SUBSTEPS: Final = 10
STEP: Final = SUBSTEP * SUBSTEPS
"""Length of a step in seconds."""

MAX_PLAYERS: Final = 11
KEEPER: Final = 0
"""The keeper is the first player of a team, as in GRF."""

# Game modes, as in GRF.
NORMAL: Final = 0
KICK_OFF: Final = 1
GOAL_KICK: Final = 2
FREE_KICK: Final = 3
CORNER: Final = 4
THROW_IN: Final = 5
PENALTY: Final = 6

# Roles, as in GRF.
ROLES: Final = ("GK", "CB", "LB", "RB", "DM", "CM", "LM", "RM", "AM", "CF")

# The last notable thing, in growing importance (0: none); `event_team` is the team that did it, or gets the ball.
PASS_ARRIVED: Final = 1
BALL_WON: Final = 2
INTERCEPTED: Final = 3
BLOCKED: Final = 4
SAVED: Final = 5
WOODWORK: Final = 6
GIVEN_THROW_IN: Final = 7
GIVEN_GOAL_KICK: Final = 8
GIVEN_CORNER: Final = 9
OFFSIDE: Final = 10
FOUL: Final = 11
YELLOW_CARD: Final = 12
RED_CARD: Final = 13
GIVEN_PENALTY: Final = 14
HALF_TIME: Final = 15
GOAL: Final = 16

# Outcomes of an episode.
RUNNING: Final = 0
LEFT_GOAL: Final = 1
RIGHT_GOAL: Final = 2
OUT_OF_PLAY: Final = 3
POSSESSION_LOST: Final = 4
TIME_UP: Final = 5


class Action(IntEnum):
    """The 19 actions of Google Research Football. Directions, sprint and dribble are sticky."""

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


_PER_PLAYER: Final = (2, MAX_PLAYERS)

MATCH: Final = np.dtype(
    [
        ("rng", np.uint64),
        # players
        ("position", np.float64, (2, MAX_PLAYERS, 2)),
        ("velocity", np.float64, (2, MAX_PLAYERS, 2)),
        ("facing", np.float64, _PER_PLAYER),  # radians, 0 is right, clockwise on the screen
        ("wait", np.float64, _PER_PLAYER),  # seconds until the player may touch the ball again
        ("home", np.float64, (2, MAX_PLAYERS, 2)),  # position at the start
        ("anchor", np.float64, (2, MAX_PLAYERS, 2)),  # position in the formation, both from -1 to 1, attacking to +x
        ("tired", np.float64, _PER_PLAYER),  # 0 fresh, 1 exhausted
        ("role", np.int64, _PER_PLAYER),
        ("yellow", np.int64, _PER_PLAYER),
        ("present", np.int64, _PER_PLAYER),  # 0: sent off or unused
        ("players", np.int64, (2,)),
        ("keeper", np.int64, (2,)),  # KEEPER, or -1 in a team without one
        ("difficulty", np.float64, (2,)),
        ("lazy", np.int64, (2,)),  # 1: the team's field players stand still
        # the ball
        ("ball", np.float64, (3,)),  # centre of the ball; z = BALL_RADIUS on the grass
        ("ball_velocity", np.float64, (3,)),
        ("ball_rotation", np.float64, (3,)),  # radians per step, about x, y and z
        ("ball_owned_team", np.int64),  # -1: nobody
        ("ball_owned_player", np.int64),
        ("last_touched", np.int64),  # team
        ("passer", np.int64),  # player of that team with a pass under way, -1: none
        ("receiver", np.int64),  # intended receiver of the pass, -1: none
        ("flagged", np.int64, (MAX_PLAYERS,)),  # 1: player of that team offside when the ball was played
        ("possessor", np.int64),  # team that had the ball last, -1: none yet
        ("challenged", np.int64),  # 1: a drill's defender has tried to win the ball from its standing owner
        ("since_kick", np.float64),  # seconds since the ball was last kicked
        ("since_owned", np.float64),  # seconds since the owner got the ball
        # control
        ("controlled", np.int64, (2,)),  # number of controlled players of each team
        ("slot", np.int64, _PER_PLAYER),  # player controlled by each slot
        ("steered", np.int64, _PER_PLAYER),  # slot that controls each player, -1: none
        ("sticky", np.int64, (2, MAX_PLAYERS, 10)),  # per slot: eight directions (actions 1 to 8), sprint, dribble
        ("kicked", np.int64, _PER_PLAYER),  # per slot: 1 if it pressed a kick or slid in the last step
        ("pending", np.int64, _PER_PLAYER),  # per slot: kick that has been pressed and not played, 0: none
        ("windup", np.float64, _PER_PLAYER),  # per slot: seconds until that kick
        ("across", np.float64, _PER_PLAYER),  # per slot: largest angle between the player and that kick, in radians
        ("kept", np.float64, _PER_PLAYER),  # per slot: seconds that the kick has waited for the ball
        ("active", np.int64),  # first controlled player of the left team
        ("designated", np.int64, (2,)),  # player of each team at the ball, or going for it
        # the rules
        ("score", np.int64, (2,)),
        ("steps", np.int64),
        ("steps_left", np.int64),
        ("half", np.int64),  # 0 or 1
        ("half_time", np.int64),  # number of steps in the first half, 0: no half-time
        ("first_kick_off", np.int64),  # team
        ("game_mode", np.int64),  # as in GRF: NORMAL or the pending restart
        ("restart_team", np.int64),
        ("set_up", np.int64),  # 1: restart awarded in this step, players not placed yet
        ("restart_time", np.float64),  # seconds since the ball went dead
        ("full_game", np.int64),  # 1: teams in formation; 0: a drill with chasing and support only
        ("offsides", np.int64),  # this field and the next three are flags
        ("end_on_score", np.int64),
        ("end_on_out", np.int64),
        ("end_on_possession", np.int64),
        ("ended", np.int64),
        # plans of the rule-based players
        ("target", np.float64, (2, MAX_PLAYERS, 2)),
        ("duty", np.int64, _PER_PLAYER),
        ("planned", np.int64),  # step of the last formation update
        ("think", np.float64),  # seconds until the ball's owner decides again
        ("intent", np.int64),
        ("intent_mate", np.int64),
        ("aim", np.float64, (2,)),
        # events and statistics
        ("event", np.int64),
        ("event_team", np.int64),
        ("event_step", np.int64),  # value of `steps` at the event
        ("possession", np.int64, (2,)),  # steps with the ball; counters are per team
        ("changes", np.int64, (2,)),  # times the ball was won from the other team
        ("shots", np.int64, (2,)),
        ("saves", np.int64, (2,)),
        ("passes", np.int64, (2,)),
        ("completed", np.int64, (2,)),
        ("tackles", np.int64, (2,)),
        ("fouls", np.int64, (2,)),
        ("offside", np.int64, (2,)),
        ("corners", np.int64, (2,)),
        ("throw_ins", np.int64, (2,)),
        ("goal_kicks", np.int64, (2,)),
        ("penalties", np.int64, (2,)),
        ("reds", np.int64, (2,)),
        ("in_play", np.int64),  # steps of normal play
    ],
    align=True,
)

Matches = NDArray[np.void]
"""An array of `MATCH` records."""
Match = Any
"""One `MATCH` record. Compiled code reads its fields as attributes."""


@njit
def uniform(m: Match) -> float:
    """Return a random number in [0, 1) from the match's generator (splitmix64, Steele et al. 2014)."""
    m.rng = m.rng + np.uint64(0x9E3779B97F4A7C15)
    z = m.rng
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) / 9007199254740992.0


@njit
def bell(m: Match) -> float:
    """Return a bell-shaped random number: mean 0, standard deviation 1, bounded by ±3."""
    return 2.0 * (uniform(m) + uniform(m) + uniform(m) - 1.5)


@njit
def note(m: Match, event: int, team: int) -> None:
    """Record an event unless one of higher priority has just happened.

    Args:
        m: Match record, changed in place.
        event: Event code, such as `GOAL`.
        team: Team that acted, or that gets the ball.
    """
    if event >= m.event or m.event_step < m.steps - 4:
        m.event = event
        m.event_team = team
        m.event_step = m.steps
