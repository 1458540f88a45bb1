"""Shots and passes. They leave along the facing direction, with a little help and some error."""

import math
from typing import Final

from envs.football.match import GOAL_HALF_WIDTH, HALF_LENGTH, Match, bell
from envs.football.physics import wrap
from render.jit import njit

SHOT_SPEED: Final = 25.0
SHOT_RISE: Final = 2.2
"""Upward speed of a shot, m/s."""
SHOT_ERROR: Final = math.radians(1.2)
SHOT_HELP: Final = math.radians(3.0)
"""How far a shot is turned towards the goal mouth, if it would miss it."""
INSIDE_POST: Final = 0.6
PASS_CONE: Final = math.radians(60.0)
"""A team mate so far from the facing direction can be passed to."""
PASS_HELP: Final = math.radians(25.0)
INTO_SPACE: Final = 0.0
"""Metres in front of a team mate, towards the goal, at which a pass is aimed."""
PASS_ERROR: Final = math.radians(1.5)


@njit
def kick(m: Match, team: int, player: int, angle: float, speed: float, rise: float) -> None:
    """The ball leaves its owner."""
    m.ball_velocity[0] = speed * math.cos(angle)
    m.ball_velocity[1] = speed * math.sin(angle)
    m.ball_velocity[2] = rise
    m.ball_owned_team = -1
    m.ball_owned_player = -1
    m.last_touched = team
    m.since_kick = 0.0
    m.wait[team, player] = 0.5
    m.receiver = -1


@njit
def aim_shot(m: Match, team: int, player: int) -> float:
    """The direction of a shot without error: the facing direction, turned at most `SHOT_HELP` to hit the goal."""
    goal = HALF_LENGTH if team == 0 else -HALF_LENGTH
    dx = goal - m.ball[0]
    facing = m.facing[team, player]
    mouth = GOAL_HALF_WIDTH - INSIDE_POST
    one = wrap(math.atan2(-mouth - m.ball[1], dx) - facing)
    other = wrap(math.atan2(mouth - m.ball[1], dx) - facing)
    low, high = min(one, other), max(one, other)
    if high - low > math.pi or (low <= 0.0 <= high):
        return float(facing)
    turn = low if low > 0.0 else high
    return float(facing + min(max(turn, -SHOT_HELP), SHOT_HELP))


@njit
def shoot(m: Match, team: int, player: int) -> None:
    """A shot."""
    angle = aim_shot(m, team, player) + SHOT_ERROR * bell(m)
    kick(m, team, player, angle, SHOT_SPEED + 0.5 * bell(m), SHOT_RISE + 0.6 * bell(m))


@njit
def best_mate(m: Match, team: int, player: int, farthest: float) -> int:
    """The team mate best placed for a pass along the facing direction, -1: none within the cone."""
    best, least = -1, 1e9
    for mate in range(1, m.players[team]):
        if mate == player:
            continue
        dx = m.position[team, mate, 0] - m.ball[0]
        dy = m.position[team, mate, 1] - m.ball[1]
        distance = math.sqrt(dx * dx + dy * dy)
        off = abs(wrap(math.atan2(dy, dx) - m.facing[team, player]))
        if off < PASS_CONE and 2.0 < distance < farthest:
            cost = distance + 30.0 * off
            if cost < least:
                best, least = mate, cost
    return best


@njit
def give(m: Match, team: int, player: int, high: bool, farthest: float) -> None:
    """A pass to the best placed team mate, or a ball played into the open along the facing direction."""
    facing = m.facing[team, player]
    mate = best_mate(m, team, player, farthest)
    distance, angle = 15.0, facing
    if mate >= 0:
        dx = m.position[team, mate, 0] - m.ball[0]
        dy = m.position[team, mate, 1] - m.ball[1]
        lead = math.sqrt(dx * dx + dy * dy) / 16.0  # he keeps running while the ball is on its way
        dx += lead * m.velocity[team, mate, 0] + (INTO_SPACE if team == 0 else -INTO_SPACE)
        dy += lead * m.velocity[team, mate, 1]
        distance = math.sqrt(dx * dx + dy * dy)
        angle = facing + min(max(wrap(math.atan2(dy, dx) - facing), -PASS_HELP), PASS_HELP)
    angle += PASS_ERROR * bell(m)
    if high:
        speed = math.sqrt(9.81 * max(distance, 8.0)) * 1.06  # at 45 degrees the range is v²/g
        kick(m, team, player, angle, 0.7071 * speed, 0.7071 * speed)
    else:
        kick(m, team, player, angle, min(12.0 + 0.75 * distance, 30.0), 0.0)
    if team == 0 and mate >= 0:
        m.receiver = mate
        m.active = mate
