"""Shots and passes with GRF's aims and speeds, and random error.

Source: third_party/gfootball_engine/src/onthepitch/AIsupport/AIfunctions.cpp (`AI_GetPass`, `AI_GetAutoPass`,
`AI_GetShotDirection`).
"""

import math
from typing import Final

from envs.football.engine.match import CORNER, GOAL_HALF_WIDTH, GOAL_KICK, HALF_LENGTH, NORMAL, THROW_IN, Match, bell
from envs.football.engine.offside import flag, unflag
from envs.football.engine.physics import wrap
from envs.football.engine.steering import hand_over
from render.draw.jit import njit

SHOT_SPEED: Final = 27.0
"""Horizontal speed of a shot, in m/s."""
SHOT_RISE: Final = 1.35
"""Upward speed of a controlled player's shot, in m/s. As in GRF, it stays low and rolls out after about 40 m."""
SHOT_ERROR: Final = math.radians(1.2)
"""Standard deviation of a shot's direction, in radians."""
INSIDE_POST: Final = 0.9
"""Fraction of the goal's half width at which shots aim that are farthest from the middle."""
PASS_ERROR: Final = math.radians(1.5)
"""Standard deviation of a pass's direction, in radians."""
LONGEST: Final = 60.0
"""Distance in metres beyond which a pass gets no faster."""
SHORT: Final = 0
LONG: Final = 1
HIGH: Final = 2
POWERS: Final = 0.82, 0.76, 0.88
"""Ratios of the speed of short, long and high passes to the formula's. GRF's animations limit them similarly."""
FASTEST: Final = 36.0
"""Largest speed of a pass, in m/s."""
AHEAD: Final = 0.15
"""Distance ahead of its receiver at which a long pass aims, as a fraction of its length."""
BACK: Final = 1.2
"""Angle in radians between the facing direction and a pass beyond which the pass is at most `BACKHEEL` fast."""
BACKHEEL: Final = 16.0
"""Largest speed of a pass to the side or back, in m/s."""
BACKHEEL_ERROR: Final = math.radians(40.0)
"""Standard deviation of its direction, in radians."""


@njit
def kick(m: Match, team: int, player: int, angle: float, speed: float, rise: float) -> None:
    """Release the ball from a player with a given velocity.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        angle: Direction in radians.
        speed: Horizontal speed in m/s.
        rise: Upward speed in m/s.
    """
    m.ball_velocity[0] = speed * math.cos(angle)
    m.ball_velocity[1] = speed * math.sin(angle)
    m.ball_velocity[2] = rise
    m.ball_owned_team = -1
    m.ball_owned_player = -1
    m.last_touched = team
    m.since_kick = 0.0
    m.wait[team, player] = 0.5
    m.receiver = -1
    m.passer = -1
    if m.offsides:
        if m.game_mode == CORNER or m.game_mode == GOAL_KICK or m.game_mode == THROW_IN:
            unflag(m)
        else:
            flag(m, team, player)
    m.game_mode = NORMAL


@njit
def aim_shot(m: Match, team: int, towards: float) -> float:
    """Return the error-free direction of a shot. As in GRF, it goes to the goal.

    The angle between the held direction and the middle of the goal selects the place between the posts.

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        towards: Held direction, or else the facing direction, in radians.

    Returns:
        Direction in radians.
    """
    goal = HALF_LENGTH if team == 0 else -HALF_LENGTH
    dx = goal - m.ball[0]
    off = wrap(towards - math.atan2(-m.ball[1], dx)) / (math.pi / 2.0)
    side = min(abs(off), 1.0) ** 0.7
    aside = math.copysign(side * INSIDE_POST * GOAL_HALF_WIDTH, off if team == 0 else -off)
    return math.atan2(aside - m.ball[1], dx)


@njit
def shoot(m: Match, team: int, player: int, angle: float, speed: float, rise: float, error: float) -> None:
    """Shoot in a direction.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        angle: Direction in radians.
        speed: Horizontal speed in m/s.
        rise: Upward speed in m/s.
        error: Standard deviation of the direction, in radians.
    """
    m.shots[team] += 1
    kick(m, team, player, angle + error * bell(m), speed + 0.5 * bell(m), max(rise + 0.4 * bell(m), 0.0))


@njit
def best_mate(m: Match, team: int, player: int, towards: float) -> int:
    """Return the receiver of a pass, by GRF's rating (AI_GetPass): near, and in the held direction.

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        player: Index of the passer.
        towards: Held direction, or else the facing direction, in radians.

    Returns:
        Index of the receiver, which may be the keeper, or -1 if there is no teammate.
    """
    best, least = -1, 1e9
    x, y = m.ball[0] + math.cos(towards), m.ball[1] + math.sin(towards)
    for mate in range(m.players[team]):
        if mate == player or m.present[team, mate] == 0:
            continue
        at_x, at_y = m.position[team, mate, 0], m.position[team, mate, 1]
        off = abs(wrap(math.atan2(at_y - m.ball[1], at_x - m.ball[0]) - towards)) / math.pi
        cost = 0.8 * min(math.hypot(at_x - x, at_y - y) / 70.0, 1.0) ** 0.8 + off
        if cost < least:
            best, least = mate, cost
    return best


@njit
def lead(m: Match, team: int, mate: int, towards: float, ahead: float) -> tuple[float, float]:
    """Return the offset in metres from the ball to the destination of a pass.

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        mate: Index of the receiver, or -1 for a pass into space.
        towards: Direction of a pass into space, in radians.
        ahead: Distance ahead of the receiver, as a fraction of the length of the pass.
    """
    if mate < 0:
        return 15.0 * math.cos(towards), 15.0 * math.sin(towards)
    dx, dy = m.position[team, mate, 0] - m.ball[0], m.position[team, mate, 1] - m.ball[1]
    time = 0.7 * min(0.3 + 0.05 * math.sqrt(dx * dx + dy * dy), 1.0) ** 0.7
    dx += time * m.velocity[team, mate, 0]
    dy += time * m.velocity[team, mate, 1]
    forward = 1.0 if team == 0 else -1.0
    return dx + forward * ahead * math.sqrt(dx * dx + dy * dy), dy


@njit
def play_ball(m: Match, team: int, player: int, mate: int, angle: float, distance: float, kind: int) -> None:
    """Pass the ball over a distance and move control to the receiver. The speeds are GRF's (AI_GetAutoPass).

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the passer.
        mate: Index of the receiver, or -1 for a pass into space.
        angle: Direction in radians.
        distance: Length of the pass in metres.
        kind: SHORT, LONG or HIGH.
    """
    slot = m.steered[team, player]
    far = min(distance / LONGEST, 1.0)
    slope = 0.45 - 0.15 * far if kind == HIGH else 0.13
    speed = POWERS[kind] * 36.0 * ((1.15 if kind == HIGH else 1.8) * far**1.4 + 0.3)
    speed = min(speed, BACKHEEL if abs(wrap(angle - m.facing[team, player])) > BACK else FASTEST)
    along = speed / math.sqrt(1.0 + slope * slope)
    kick(m, team, player, angle, along, slope * along)
    m.passes[team] += 1
    m.passer = player
    m.receiver = mate
    if mate >= 0:
        hand_over(m, team, mate, slot)
