"""The expert: a readable script, and a look one decision ahead with the script playing on from there.

It uses nothing but what a frame shows. The look-ahead plays copies of the match with random numbers of its own, the
same for every candidate, so it knows no more than a player who can imagine.
"""

import math
from typing import Final

import numpy as np

from envs.football.bot import dive_speed, keeper_reach, reaction
from envs.football.kicks import PASS_HELP, SHOT_SPEED, aim_shot
from envs.football.match import (
    GOAL_HALF_WIDTH,
    HALF_LENGTH,
    KEEPER,
    LEFT_GOAL,
    MATCH,
    RUNNING,
    Action,
    Match,
    Matches,
)
from envs.football.physics import wrap
from envs.football.rules import FETCH, step
from render.jit import njit

RIGHT: Final = int(Action.RIGHT)
SHORT_PASS: Final = int(Action.SHORT_PASS)
SHOT: Final = int(Action.SHOT)
SPRINT: Final = int(Action.SPRINT)

SAMPLES: Final = 12
HORIZON: Final = 70
"""Steps that are imagined at most."""
FAR: Final = 30.0
"""Metres from goal beyond which the script alone decides, if nobody stands in the way."""
LANE: Final = 2.6
"""Metres beside the goal's middle: the lane to run in for a straight shot past the keeper."""
MARGIN: Final = 0.12
"""What another action must promise more than the script's."""
PER_STEP: Final = 0.008

_SCRATCH: Final = np.zeros(1, MATCH)


@njit
def chance(m: Match) -> float:
    """How open the goal is for a shot now: metres of play past the keeper or inside the post, whichever is less."""
    angle = aim_shot(m, 0, m.active)
    dx = HALF_LENGTH - m.ball[0]
    if math.cos(angle) < 0.2 or dx > 20.0:
        return -10.0
    slope = math.tan(angle)
    inside = GOAL_HALF_WIDTH - abs(m.ball[1] + dx * slope) - 0.035 * dx
    keeper_x, keeper_y = m.position[1, KEEPER, 0], m.position[1, KEEPER, 1]
    ahead = keeper_x - m.ball[0]
    if ahead < 0.0:
        return float(inside)
    t = ahead / (SHOT_SPEED * math.cos(angle))
    gap = abs(m.ball[1] + ahead * slope - keeper_y) * math.cos(angle)
    reach = keeper_reach(m, 1) + dive_speed(m, 1) * max(t - reaction(m, 1), 0.0)
    return float(min(inside, gap - reach))


@njit
def crowded(m: Match) -> bool:
    """Whether a field player of the right team stands in the way, near and ahead."""
    x, y = m.position[0, m.active, 0], m.position[0, m.active, 1]
    for player in range(1, m.players[1]):
        dx, dy = m.position[1, player, 0] - x, m.position[1, player, 1] - y
        if dx > -0.5 and math.sqrt(dx * dx + dy * dy) < 9.0:
            return True
    return False


@njit
def free_mate(m: Match) -> int:
    """The freest team mate who is not far to turn to, between 6 and 35 m away, -1: none."""
    best, most = -1, 0.0
    for mate in range(1, m.players[0]):
        x, y = m.position[0, mate, 0], m.position[0, mate, 1]
        if mate == m.active or not 6.0 < math.hypot(x - m.ball[0], y - m.ball[1]) < 35.0 or x < m.ball[0] - 10.0:
            continue
        room = 15.0
        for player in range(1, m.players[1]):
            room = min(room, math.hypot(m.position[1, player, 0] - x, m.position[1, player, 1] - y))
        room -= 6.0 * abs(wrap(math.atan2(y - m.ball[1], x - m.ball[0]) - m.facing[0, m.active]))
        if room > most:
            best, most = mate, room
    return best


@njit
def heading(dx: float, dy: float) -> int:
    """The direction action nearest to a vector."""
    return 1 + math.floor((math.atan2(dy, dx) + math.pi) / (math.pi / 4.0) + 0.5) % 8


@njit
def moving(m: Match) -> bool:
    """Whether a direction is held."""
    for direction in range(8):
        if m.sticky[direction]:
            return True
    return False


@njit
def script(m: Match) -> int:
    """The rules of thumb: run into the lane, shoot when the goal is open, pass when the way is closed."""
    me = m.active
    if m.ball_owned_team != 0 or m.ball_owned_player != me:
        if moving(m) and not m.sticky[8]:
            return SPRINT
        to_x, to_y = m.ball[0] - m.position[0, me, 0], m.ball[1] - m.position[0, me, 1]
        mate = free_mate(m) if crowded(m) else -1
        if mate >= 0 and m.receiver < 0 and math.hypot(to_x, to_y) < FETCH:
            return heading(m.position[0, mate, 0] - m.ball[0], m.position[0, mate, 1] - m.ball[1])
        return RIGHT if m.receiver == me or math.hypot(to_x, to_y) < FETCH else heading(to_x, to_y)
    x, y = m.position[0, me, 0], m.position[0, me, 1]
    dx = HALF_LENGTH - x
    open_goal = chance(m)
    if open_goal > 0.3 or (open_goal > -0.5 and dx < 7.0):
        return SHOT
    if crowded(m):
        mate = free_mate(m)
        if mate >= 0:
            to_x, to_y = m.position[0, mate, 0] - m.ball[0], m.position[0, mate, 1] - m.ball[1]
            off = abs(wrap(math.atan2(to_y, to_x) - m.facing[0, me]))
            return SHORT_PASS if off < PASS_HELP else heading(to_x, to_y)
    keeper_y = m.position[1, KEEPER, 1]
    lane = LANE if y - 2.0 * keeper_y > 0.0 else -LANE
    if m.position[1, KEEPER, 0] < 0.0:
        lane = 0.0
    to_y = lane - y
    if abs(to_y) < 0.9:
        to_y = 0.0
    # Far from goal the lane is reached in good time: turn diagonally only as far as needed.
    wanted = RIGHT if to_y == 0.0 else heading(1.0, math.copysign(1.0, to_y))
    if not m.sticky[8] and moving(m):
        return SPRINT
    return wanted


@njit
def promise(matches: Matches, scratch: Matches, first: int, skip: int, sample: int) -> float:
    """The worth of an action, imagined once: 1 for a goal, less the time it takes."""
    scratch[0] = matches[0]
    m = scratch[0]
    m.rng = np.uint64(sample) * np.uint64(0x2545F4914F6CDD1D) + np.uint64(1)
    action = first
    before = m.steps
    while m.ended == RUNNING and m.steps - before < HORIZON:
        for _ in range(skip):
            action = step(m, action)
        action = script(m)
    return 1.0 - PER_STEP * (m.steps - before) if m.ended == LEFT_GOAL else 0.0


@njit
def search(matches: Matches, scratch: Matches, skip: int) -> int:
    """The script's action, or one that promises clearly more."""
    m = matches[0]
    usual = script(m)
    if m.ball_owned_team != 0 or m.ball_owned_player != m.active:
        return usual
    if HALF_LENGTH - m.ball[0] > FAR and not crowded(m):
        return usual
    best, most = usual, -1.0
    for sample in range(SAMPLES):
        most += promise(matches, scratch, usual, skip, sample)
    most = (most + 1.0) / SAMPLES + MARGIN
    for action in range(19):
        if action == usual or not (3 <= action <= 7 or action == SHOT or (action == SHORT_PASS and m.players[0] > 2)):
            continue
        worth = 0.0
        for sample in range(SAMPLES):
            worth += promise(matches, scratch, action, skip, sample)
            if worth + SAMPLES - 1 - sample <= most * SAMPLES:
                break
        worth /= SAMPLES
        if worth > most:
            best, most = action, worth
    return best


def decide(matches: Matches, frame_skip: int) -> int:
    """The expert's action for a match, which stays as it is."""
    return int(search(matches, _SCRATCH, frame_skip))


def thought(m: np.void, action: int) -> str:
    """One or two words for what the expert is about to do."""
    if action == SHOT:
        return "shoot"
    if action == SHORT_PASS:
        return "pass"
    if m["ball_owned_team"] != 0:
        return "chase"
    if action == SPRINT:
        return "sprint"
    return "run" if action == RIGHT else "line up"
