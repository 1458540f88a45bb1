"""Runs of rule-based players: to a point, to the ball, to meet a pass."""

import math
from typing import Final

from envs.football.engine.match import HALF_LENGTH, HALF_WIDTH, Match
from envs.football.engine.physics import DRAG, FRICTION, SPRINT_SPEED, landing, run
from render.draw.jit import njit

TIRED: Final = 0.15
"""Fraction of top speed lost by a fully tired player."""
HIGH: Final = 1.2
"""Height in metres above which a ball is awaited where it comes down."""
COMES_BY: Final = 7.0
"""Speed in m/s above which a passing ball is awaited on its path."""


@njit
def head_for(m: Match, team: int, player: int, x: float, y: float, speed: float) -> None:
    """Run towards a point, slowing down near it.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        x: Metres to the right of the centre spot.
        y: Metres below the centre spot.
        speed: Top speed in m/s.
    """
    dx, dy = x - m.position[team, player, 0], y - m.position[team, player, 1]
    distance = math.sqrt(dx * dx + dy * dy)
    pace = min(speed, 4.0 * distance) / max(distance, 1e-9)
    run(m, team, player, dx * pace, dy * pace)


@njit
def go_to_ball(m: Match, team: int, player: int, speed: float) -> None:
    """Run to the earliest point where the player can meet the ball.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        speed: Running speed in m/s.
    """
    x, y = m.position[team, player, 0], m.position[team, player, 1]
    ball_x, ball_y = m.ball[0], m.ball[1]
    ahead = 1.0 if m.ball_owned_team >= 0 else 0.9  # a free ball slows down
    for tenth in range(1, 21):
        t = 0.1 * tenth
        ball_x = m.ball[0] + m.ball_velocity[0] * t * ahead
        ball_y = m.ball[1] + m.ball_velocity[1] * t * ahead
        if math.hypot(ball_x - x, ball_y - y) <= speed * t + 0.4:
            break
        if m.ball_owned_team < 0:
            ahead *= 0.985
    ball_x = min(max(ball_x, -HALF_LENGTH), HALF_LENGTH)
    ball_y = min(max(ball_y, -HALF_WIDTH), HALF_WIDTH)
    dx, dy = ball_x - x, ball_y - y
    distance = math.sqrt(dx * dx + dy * dy)
    if distance > 1e-9:
        run(m, team, player, dx / distance * speed, dy / distance * speed)


@njit
def receive(m: Match, team: int, player: int, speed: float) -> None:
    """Meet a pass where it comes down or on its path, or run to the ball if the pass is too slow.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        speed: Running speed in m/s.
    """
    if m.ball[2] > HIGH:
        x, y = landing(m, HIGH)
        head_for(m, team, player, x, y, speed)
        return
    vx, vy = m.ball_velocity[0], m.ball_velocity[1]
    fast = math.sqrt(vx * vx + vy * vy)
    dx, dy = m.position[team, player, 0] - m.ball[0], m.position[team, player, 1] - m.ball[1]
    along = (dx * vx + dy * vy) / max(fast, 1e-9)
    if along > 1.0 and fast * math.exp(-(DRAG + FRICTION) * along) > COMES_BY:
        head_for(m, team, player, m.ball[0] + along * vx / fast, m.ball[1] + along * vy / fast, speed)
    else:
        go_to_ball(m, team, player, speed)


@njit
def top_speed(m: Match, team: int) -> float:
    """Return the top speed of a team's rule-based players, in m/s."""
    return float(SPRINT_SPEED * (0.8 + 0.18 * m.difficulty[team]))
