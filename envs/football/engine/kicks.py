"""Shots and passes along the facing direction, with limited aim assistance and random error."""

import math
from typing import Final

from envs.football.engine.match import CORNER, GOAL_HALF_WIDTH, GOAL_KICK, HALF_LENGTH, NORMAL, THROW_IN, Match, bell
from envs.football.engine.offside import flag, unflag
from envs.football.engine.physics import wrap
from envs.football.engine.steering import hand_over
from render.draw.jit import njit

SHOT_SPEED: Final = 25.0
"""Horizontal speed of a shot, in m/s."""
SHOT_RISE: Final = 2.2
"""Upward speed of a shot, in m/s."""
SHOT_ERROR: Final = math.radians(1.2)
"""Standard deviation of a shot's direction, in radians."""
SHOT_HELP: Final = math.radians(3.0)
"""Largest correction of a shot's direction towards the goal mouth, in radians."""
INSIDE_POST: Final = 0.6
"""Distance from the posts that assisted shots keep, in metres."""
PASS_CONE: Final = math.radians(60.0)
"""Largest angle between the facing direction and the receiver of a pass, in radians."""
PASS_HELP: Final = math.radians(25.0)
"""Largest correction of a pass's direction towards its receiver, in radians."""
PASS_ERROR: Final = math.radians(1.5)
"""Standard deviation of a pass's direction, in radians."""
SHORT: Final = 35.0
"""Largest distance in metres to the receiver of a short pass."""
LONG: Final = 70.0
"""Largest distance in metres to the receiver of a long or high pass."""


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
def aim_shot(m: Match, team: int, player: int) -> float:
    """Return the error-free direction of a shot: the facing direction, corrected by at most `SHOT_HELP`.

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.

    Returns:
        Direction in radians.
    """
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
def shoot(m: Match, team: int, player: int, angle: float, rise: float, error: float) -> None:
    """Shoot in a direction. Long shots rise enough to reach the goal in the air.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        angle: Direction in radians.
        rise: Smallest upward speed in m/s.
        error: Standard deviation of the direction, in radians.
    """
    m.shots[team] += 1
    goal = HALF_LENGTH if team == 0 else -HALF_LENGTH
    flight = math.hypot(goal - m.ball[0], m.ball[1]) / SHOT_SPEED
    rise = max(rise, 4.2 * flight)  # less than g/2 · t, so the ball drops before the goal
    kick(m, team, player, angle + error * bell(m), SHOT_SPEED + 0.5 * bell(m), rise + 0.6 * bell(m))


@njit
def best_mate(m: Match, team: int, player: int, farthest: float) -> int:
    """Return the best receiver for a pass along the facing direction.

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        player: Index of the passer.
        farthest: Largest distance to the receiver, in metres.

    Returns:
        Index of the receiver, or -1 if no teammate is within the cone.
    """
    best, least = -1, 1e9
    for mate in range(m.players[team]):
        if mate == player or mate == m.keeper[team] or m.present[team, mate] == 0:
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
def play_ball(m: Match, team: int, player: int, mate: int, angle: float, distance: float, high: bool) -> None:
    """Pass the ball over a distance and move control to the receiver.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the passer.
        mate: Index of the receiver, or -1 for a pass into space.
        angle: Direction in radians.
        distance: Length of the pass in metres.
        high: True for a lofted pass.
    """
    slot = m.steered[team, player]
    if high:
        speed = math.sqrt(9.81 * max(distance, 8.0)) * 1.06  # at 45 degrees the range is v²/g
        kick(m, team, player, angle, 0.7071 * speed, 0.7071 * speed)
    else:
        kick(m, team, player, angle, min(12.0 + 0.75 * distance, 30.0), 0.0)
    m.passes[team] += 1
    m.passer = player
    m.receiver = mate
    if mate >= 0:
        hand_over(m, team, mate, slot)


@njit
def give(m: Match, team: int, player: int, high: bool, farthest: float) -> None:
    """Pass to the best receiver, or into space along the facing direction if there is none.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the passer.
        high: True for a lofted pass.
        farthest: Largest distance to the receiver, in metres.
    """
    facing = m.facing[team, player]
    mate = best_mate(m, team, player, farthest)
    distance, angle = 15.0, facing
    if mate >= 0:
        dx = m.position[team, mate, 0] - m.ball[0]
        dy = m.position[team, mate, 1] - m.ball[1]
        lead = math.sqrt(dx * dx + dy * dy) / 16.0  # seconds the receiver runs while the ball travels
        dx += lead * m.velocity[team, mate, 0]
        dy += lead * m.velocity[team, mate, 1]
        distance = math.sqrt(dx * dx + dy * dy)
        angle = facing + min(max(wrap(math.atan2(dy, dx) - facing), -PASS_HELP), PASS_HELP)
    play_ball(m, team, player, mate, angle + PASS_ERROR * bell(m), distance, high)
