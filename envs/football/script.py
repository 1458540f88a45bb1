"""The expert's script: the action of a controlled player by simple rules, in drills and in full games."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.football.bots.attack import CARRY, HIGH, SHOOT, choose
from envs.football.bots.keeper import dive_speed, keeper_reach, reaction
from envs.football.bots.shape import LOOK_EVERY, PLACE, look_about
from envs.football.controls import FETCH, HIGH_PASS, LONG_PASS, RELEASE_DIRECTION, SHORT_PASS, SHOT, SPRINT, held_key
from envs.football.controls import heading as held
from envs.football.engine.kicks import SHOT_SPEED, aim_shot, best_mate
from envs.football.engine.match import (
    GOAL_HALF_WIDTH,
    HALF_LENGTH,
    KEEPER,
    NORMAL,
    Action,
    Match,
    Matches,
)
from envs.football.engine.physics import wrap
from render.draw.jit import njit

RIGHT: Final = int(Action.RIGHT)
IDLE: Final = int(Action.IDLE)
LANE: Final = 2.6
"""Metres from the goal's centre line to the lane for a straight shot past the keeper."""
KICK_OFF: Final = math.radians(25.0)
"""Largest angle between the facing direction and a pass of the script."""
FAR_PASS: Final = 35.0
"""Distance in metres beyond which the script plays a long pass."""


@njit
def chance(m: Match, me: int) -> float:
    """Return a shot's margin in metres: the smaller of its clearance past the keeper and inside the post."""
    angle = aim_shot(m, 0, held(m, 0, m.steered[0, me]))
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
def crowded(m: Match, me: int) -> bool:
    """Return True if a field player of the right team is near and ahead."""
    x, y = m.position[0, me, 0], m.position[0, me, 1]
    for player in range(1, m.players[1]):
        dx, dy = m.position[1, player, 0] - x, m.position[1, player, 1] - y
        if dx > -0.5 and math.sqrt(dx * dx + dy * dy) < 9.0:
            return True
    return False


@njit
def free_mate(m: Match, me: int) -> int:
    """Return the least marked teammate 6 to 35 m away that needs little turning, or -1 if there is none."""
    best, most = -1, 0.0
    for mate in range(1, m.players[0]):
        x, y = m.position[0, mate, 0], m.position[0, mate, 1]
        if mate == me or not 6.0 < math.hypot(x - m.ball[0], y - m.ball[1]) < 35.0 or x < m.ball[0] - 10.0:
            continue
        room = 15.0
        for player in range(1, m.players[1]):
            room = min(room, math.hypot(m.position[1, player, 0] - x, m.position[1, player, 1] - y))
        room -= 6.0 * abs(wrap(math.atan2(y - m.ball[1], x - m.ball[0]) - m.facing[0, me]))
        if room > most:
            best, most = mate, room
    return best


@njit
def heading(dx: float, dy: float) -> int:
    """Return the direction action closest to a vector."""
    return 1 + math.floor((math.atan2(dy, dx) + math.pi) / (math.pi / 4.0) + 0.5) % 8


@njit
def script(m: Match, me: int) -> int:
    """Return the script's action in a drill: run into the lane, shoot at an open goal, pass when blocked."""
    slot = m.steered[0, me]
    if m.ball_owned_team != 0 or m.ball_owned_player != me:
        if held_key(m, 0, slot) >= 0 and not m.sticky[0, slot, 8]:
            return SPRINT
        to_x, to_y = m.ball[0] - m.position[0, me, 0], m.ball[1] - m.position[0, me, 1]
        mate = free_mate(m, me) if crowded(m, me) else -1
        if mate >= 0 and m.receiver < 0 and math.hypot(to_x, to_y) < FETCH:
            return heading(m.position[0, mate, 0] - m.ball[0], m.position[0, mate, 1] - m.ball[1])
        return RIGHT if m.receiver == me or math.hypot(to_x, to_y) < FETCH else heading(to_x, to_y)
    x, y = m.position[0, me, 0], m.position[0, me, 1]
    dx = HALF_LENGTH - x
    open_goal = chance(m, me)
    if open_goal > 0.3 or (open_goal > -0.5 and dx < 7.0):
        return SHOT
    if crowded(m, me):
        mate = free_mate(m, me)
        if mate >= 0:
            to_x, to_y = m.position[0, mate, 0] - m.ball[0], m.position[0, mate, 1] - m.ball[1]
            off = abs(wrap(math.atan2(to_y, to_x) - m.facing[0, me]))
            return (
                SHORT_PASS if best_mate(m, 0, me, held(m, 0, slot)) == mate and off < KICK_OFF else heading(to_x, to_y)
            )
    keeper_y = m.position[1, KEEPER, 1]
    lane = LANE if y - 2.0 * keeper_y > 0.0 else -LANE
    if m.position[1, KEEPER, 0] < 0.0:
        lane = 0.0
    to_y = lane - y
    if abs(to_y) < 0.9:
        to_y = 0.0
    # Diagonal steps reach the lane early enough, so no sharper turn is needed.
    wanted = RIGHT if to_y == 0.0 else heading(1.0, math.copysign(1.0, to_y))
    if not m.sticky[0, slot, 8] and held_key(m, 0, slot) >= 0:
        return SPRINT
    return wanted


@njit
def follow(m: Match, team: int, player: int) -> int:
    """Return the action that imitates a rule-based player of a full game.

    Args:
        m: Match record. The plans of the rule-based players change.
        team: 0 for left, 1 for right.
        player: Index of the controlled player.
    """
    slot = m.steered[team, player]
    sprinting = m.sticky[team, slot, 8] == 1
    x, y = m.position[team, player, 0], m.position[team, player, 1]
    if m.ball_owned_team == team and m.ball_owned_player == player:
        still = m.game_mode != NORMAL or player == m.keeper[team]
        choose(m, team, player, still)
        mate = m.intent_mate
        if mate >= 0:
            m.aim[0], m.aim[1] = m.position[team, mate, 0], m.position[team, mate, 1]
        to_x, to_y = m.aim[0] - m.ball[0], m.aim[1] - m.ball[1]
        off = abs(wrap(math.atan2(to_y, to_x) - m.facing[team, player]))
        hits = math.tan(aim_shot(m, team, held(m, team, slot))) * (m.aim[0] - m.ball[0]) + m.ball[1]
        ahead = abs(wrap(m.facing[team, player] - (0.0 if team == 0 else math.pi))) < 1.2
        if m.intent == SHOOT and ahead and abs(hits) < GOAL_HALF_WIDTH - 0.3:
            return SHOT
        if mate >= 0 and off < 1.2 and best_mate(m, team, player, held(m, team, slot)) == mate:
            if m.intent == HIGH:
                return HIGH_PASS
            return SHORT_PASS if math.hypot(to_x, to_y) < FAR_PASS else LONG_PASS
        if still and m.restart_time > 2.0:
            return LONG_PASS
        if m.intent != CARRY or still or sprinting or held_key(m, team, slot) < 0:
            return heading(to_x, to_y)
        return SPRINT
    if m.steps - m.planned >= LOOK_EVERY:
        look_about(m, team)
    to_x, to_y = m.target[team, player, 0] - x, m.target[team, player, 1] - y
    if m.duty[team, player] != PLACE:
        to_x, to_y = m.ball[0] + 0.4 * m.ball_velocity[0] - x, m.ball[1] + 0.4 * m.ball_velocity[1] - y
    elif math.hypot(to_x, to_y) < 1.5:
        return RELEASE_DIRECTION if held_key(m, team, slot) >= 0 else IDLE
    if not sprinting and held_key(m, team, slot) >= 0:
        return SPRINT
    return heading(to_x, to_y)


@njit
def advise(matches: Matches, actions: NDArray[np.int64], going: NDArray[np.bool_]) -> None:
    """Write the script's action of every controlled player into `actions`.

    Args:
        matches: [N] match records. In full games, the plans of the rule-based players change.
        actions: [N, 2, 11] action of each slot, changed in place.
        going: [N] mask of the active matches.
    """
    for index in range(matches.shape[0]):
        if not going[index]:
            continue
        m = matches[index]
        for team in range(2):
            for slot in range(m.controlled[team]):
                player = m.slot[team, slot]
                if m.full_game or team == 1:
                    actions[index, team, slot] = follow(m, team, player)
                else:
                    actions[index, team, slot] = script(m, player)
