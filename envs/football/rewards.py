"""Env rewards: goals, Google Research Football's checkpoints, and MageBench's Football-Online score.

Sources: gfootball/env/wrappers.py (`CheckpointRewardWrapper`) and MageBench's env/football_env.py (`get_reward`,
github.com/microsoft/MageBench, commit 5ebd4fb). Two parts of MageBench are not implemented: its starting positions, and
the built-in AI that plays while a pass is under way. As in MageBench, a shot is rated in each step that presses it
while the player has the ball, also during the windup of an earlier press.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from envs.football.engine.match import MAX_PLAYERS, METRES_X, METRES_Y, Action, Match
from envs.football.scene import Seats
from render.draw.jit import njit

REWARDS: Final = ("scoring", "scoring,checkpoints", "magebench")
SCORING, CHECKPOINTS, MAGEBENCH = 0, 1, 2
CHECKPOINT_COUNT: Final = 10
CHECKPOINT_REWARD: Final = 0.1

# Weights of MageBench's score.
SCALE: Final = 20.0
ADVANCE: Final = 0.8
PASSED: Final = 1.0
AHEAD: Final = 2.0
KEPT: Final = 1.0
PASS: Final = 20.0
NEXT_PASS: Final = 0.75
"""Discount of each pass relative to the one before."""
SHOT: Final = 100.0
SHOT_MOST: Final = AHEAD / 3
CLOSE: Final = 0.3
TARGETS: Final = (-0.044, -0.02, 0.0, 0.022, 0.044)
"""MageBench's target points on the goal line, in GRF's units. The asymmetric 0.022 is MageBench's."""
_SHOT: Final = int(Action.SHOT)
_FIRST_PASS: Final = int(Action.LONG_PASS)
_LAST_PASS: Final = int(Action.SHORT_PASS)

LEDGER: Final = np.dtype(
    [
        ("score", np.int64, (2,)),  # goals already rewarded
        ("checkpoints", np.int64, (2, MAX_PLAYERS)),  # number rewarded so far, per slot
        ("held", np.int64),  # the last action of the first left slot
        ("magebench", np.float64),  # the score so far
        ("begun", np.int64),  # 0 before MageBench's first step, which only sets the reference values
        ("over", np.int64),  # 1: the ball was lost, MageBench's score is final
        ("best", np.float64),  # largest x of the ball so far
        ("passed", np.int64),  # opponents behind the ball
        ("worth", np.float64),  # weight of the next pass
        ("passing", np.int64),  # 1: a pass was played and has not been rewarded
        ("owner", np.int64),  # last player that had the ball
        ("had_ball", np.int64),  # 1: the left team had the ball before this step
        ("ball", np.float64, (2,)),  # position before this step, in GRF's units
    ],
    align=True,
)
"""Rewards granted so far in an episode. With the match record, this is the complete state of an env."""

Ledgers = NDArray[np.void]
Ledger = Any


@njit
def pay(m: Match, book: Ledger, action: int, kind: int, seats: Seats, rewards: NDArray[np.float64]) -> None:
    """Add the rewards of a step.

    Args:
        m: Match record.
        book: Reward ledger of the match, changed in place.
        action: Action of the first left slot.
        kind: SCORING, CHECKPOINTS or MAGEBENCH.
        seats: [K, 2] team and slot of the rewarded players.
        rewards: [K] rewards, increased in place.
    """
    left = m.score[0] - book.score[0]
    right = m.score[1] - book.score[1]
    book.score[0], book.score[1] = m.score[0], m.score[1]
    earned = 0.0 if book.over else _magebench(m, book, action)
    book.magebench += earned
    book.had_ball = m.ball_owned_team == 0
    book.ball[0], book.ball[1] = m.ball[0] / METRES_X, m.ball[1] / METRES_Y
    for index in range(len(seats)):
        team, slot = seats[index, 0], seats[index, 1]
        goals = left - right if team == 0 else right - left
        if kind == MAGEBENCH:
            rewards[index] += earned
            continue
        rewards[index] += goals
        if kind == CHECKPOINTS:
            rewards[index] += CHECKPOINT_REWARD * _new_checkpoints(m, book, team, slot, goals)


@njit
def _new_checkpoints(m: Match, book: Ledger, team: int, slot: int, goals: int) -> int:
    """Return the number of checkpoints earned in the last step and mark them as rewarded."""
    paid: int = book.checkpoints[team, slot]
    earned = paid
    if goals == 1:
        earned = CHECKPOINT_COUNT
    elif m.ball_owned_team == team and m.ball_owned_player == m.slot[team, slot]:
        sign = 1.0 - 2.0 * team
        distance = math.hypot(sign * m.ball[0] / METRES_X - 1.0, m.ball[1] / METRES_Y)
        while earned < CHECKPOINT_COUNT and distance <= 0.99 - 0.8 / (CHECKPOINT_COUNT - 1) * earned:
            earned += 1
    book.checkpoints[team, slot] = earned
    return earned - paid


@njit
def _magebench(m: Match, book: Ledger, action: int) -> float:
    """Return MageBench's reward of the last step for the left team."""
    x = m.ball[0] / METRES_X
    owner = m.ball_owned_player if m.ball_owned_team >= 0 else -1
    if not book.begun:
        book.begun, book.best, book.passed, book.worth, book.owner = 1, x, _passed(m), 1.0, -1
        return 0.0
    reward = 0.0
    if action == _SHOT and book.had_ball:
        far = 1.0 - book.ball[0]
        reward += min(SHOT * _shot_clear(m, book) * (1.0 if far < CLOSE else max(1.0 - far, 0.0)), SHOT_MOST)
    if owner >= 0 and m.ball_owned_team == 0:
        if x > book.best:
            reward += ADVANCE * (x - book.best)
            book.best = x
        passed = _passed(m)
        reward += PASSED * (passed - book.passed) / 11.0
        book.passed = passed
    if m.score[0] > 0:
        reward += AHEAD
    lost = m.ball_owned_team == 1
    if lost:
        reward += KEPT * m.steps / (m.steps + m.steps_left)
        book.over = 1
    if book.passing and book.owner >= 0 and owner >= 0 and not lost and owner != book.owner:
        reward += PASS * _pass_clear(m) * book.worth
        book.worth *= NEXT_PASS
        book.passing = 0
    if owner >= 0:
        book.owner = owner
    if _FIRST_PASS <= action <= _LAST_PASS:
        book.passing = 1
    return SCALE * reward


@njit
def _passed(m: Match) -> int:
    """Return the number of opponents behind the ball."""
    count = 0
    for player in range(m.players[1]):
        count += m.ball[0] > m.position[1, player, 0]
    return count


@njit
def _pass_clear(m: Match) -> float:
    """Return the distance of the nearest opponent, where opponents between ball and goal count as closer."""
    x, y = m.ball[0] / METRES_X, m.ball[1] / METRES_Y
    goal_x, goal_y = 1.0 - x, -y
    least = math.inf
    for player in range(m.players[1]):
        dx, dy = m.position[1, player, 0] / METRES_X - x, m.position[1, player, 1] / METRES_Y - y
        far = math.hypot(dx, dy)
        ahead = (dx * goal_x + dy * goal_y) / max(far * math.hypot(goal_x, goal_y), 1e-12)
        least = min(least, far / (10.0 * max(ahead, 0.0) + 1.0))
    return least if least < math.inf else 0.0


@njit
def _shot_clear(m: Match, book: Ledger) -> float:
    """Return the clearance of the best of five lines to the goal, sampled at 100 points each."""
    x, y = book.ball[0], book.ball[1]
    widest = 0.0
    for target in TARGETS:
        nearest = math.inf
        for point in range(1, 101):
            at_x, at_y = x + point / 100.0 * (1.0 - x), y + point / 100.0 * (target - y)
            for player in range(m.players[1]):
                dx, dy = at_x - m.position[1, player, 0] / METRES_X, at_y - m.position[1, player, 1] / METRES_Y
                nearest = min(nearest, dx * dx + dy * dy)
        widest = max(widest, math.sqrt(nearest))
    return widest
