"""One decision in many matches: hold the actions for several steps and sum their rewards."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.football.engine.match import METRES_X, METRES_Y, RUNNING, STEP, Match, Matches
from envs.football.rewards import Ledgers, pay
from envs.football.rules import advance
from envs.football.scene import Seats
from render.draw.jit import njit

HOLD: Final = 10
"""Largest number of steps for which a repeated direction is held, as in MageBench."""
_SOON: Final = 3
"""Steps for which the ball must stay in the field."""
_AHEAD: Final = 6
"""Steps for which the ball must not meet an opponent."""
_TOUCH: Final = 0.01
"""Distance to an opponent that counts as meeting, in GRF's units."""


def play(
    matches: Matches,
    ledgers: Ledgers,
    keys: NDArray[np.int64],
    going: NDArray[np.bool_],
    frame_skip: int,
    hold: bool,
    kind: int,
    seats: Seats,
    rewards: NDArray[np.float64],
    reel: Matches,
) -> NDArray[np.int64]:
    """Play one decision in the active matches. The other matches do not change.

    Args:
        matches: [N] match records, changed in place.
        ledgers: [N] reward ledgers, changed in place.
        keys: [N, 2, 11] action of each slot, with directions as on the screen. A kick is not repeated.
        going: [N] mask of the active matches.
        frame_skip: Number of steps for which actions are held.
        hold: True to hold a repeated direction for up to `HOLD` steps while the path is clear.
        kind: SCORING, CHECKPOINTS or MAGEBENCH.
        seats: [K, 2] team and slot of the rewarded players.
        rewards: [N, K] rewards, increased in place.
        reel: Filled with the first match after each step, unless its length is 0.

    Returns:
        Number of steps played in each match, [N].
    """
    keys, going, before = keys.copy(), going.copy(), matches["steps"].copy()
    left = np.full(len(matches), frame_skip)
    if hold:
        held = keys[:, 0, 0]
        left[(held >= 1) & (held <= 8) & (held == ledgers["held"])] = max(frame_skip, HOLD)
        ledgers["held"][going] = held[going]
    moment = 0
    while going.any():
        advance(matches, keys, 1, going)
        settle(matches, ledgers, keys, going, left, hold, kind, seats, rewards)
        if len(reel):
            reel[moment] = matches[0]
        moment += 1
    played: NDArray[np.int64] = matches["steps"] - before
    return played


@njit
def settle(
    matches: Matches,
    ledgers: Ledgers,
    keys: NDArray[np.int64],
    going: NDArray[np.bool_],
    left: NDArray[np.int64],
    hold: bool,
    kind: int,
    seats: Seats,
    rewards: NDArray[np.float64],
) -> None:
    """Add the rewards of a step, clear used kicks and slides, and stop matches at the end of the decision.

    Args:
        matches: [N] match records.
        ledgers: [N] reward ledgers, changed in place.
        keys: [N, 2, 11] held actions, set to idle after a kick or slide.
        going: [N] mask of the active matches, changed in place.
        left: [N] remaining steps of the decision, changed in place.
        hold: True to stop when the path is no longer clear.
        kind: SCORING, CHECKPOINTS or MAGEBENCH.
        seats: [K, 2] team and slot of the rewarded players.
        rewards: [N, K] rewards, increased in place.
    """
    for index in range(len(matches)):
        if not going[index]:
            continue
        m = matches[index]
        pay(m, ledgers[index], keys[index, 0, 0], kind, seats, rewards[index])
        for team in range(2):
            for slot in range(m.controlled[team]):
                if m.kicked[team, slot]:
                    keys[index, team, slot] = 0
        left[index] -= 1
        going[index] = m.ended == RUNNING and left[index] > 0 and not (hold and not _clear(m))


@njit
def _clear(m: Match) -> bool:
    """Return True if MageBench's test passes: the ball stays in the field and meets no opponent."""
    x, y = m.ball[0] / METRES_X, m.ball[1] / METRES_Y
    dx, dy = m.ball_velocity[0] * STEP / METRES_X, m.ball_velocity[1] * STEP / METRES_Y
    if m.ball_owned_team == 0:
        owner = m.ball_owned_player
        x, y = m.position[0, owner, 0] / METRES_X, m.position[0, owner, 1] / METRES_Y
        dx, dy = m.velocity[0, owner, 0] * STEP / METRES_X, m.velocity[0, owner, 1] * STEP / METRES_Y
    if abs(x + _SOON * dx) >= 1.0 or abs(y + _SOON * dy) >= 0.42:
        return False
    for player in range(m.players[1]):
        apart_x, apart_y = x - m.position[1, player, 0] / METRES_X, y - m.position[1, player, 1] / METRES_Y
        apart_dx = dx - m.velocity[1, player, 0] * STEP / METRES_X
        apart_dy = dy - m.velocity[1, player, 1] * STEP / METRES_Y
        for later in range(_AHEAD):
            if math.hypot(apart_x + later * apart_dx, apart_y + later * apart_dy) < _TOUCH:
                return False
    return True
