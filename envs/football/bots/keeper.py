"""Rule-based goalkeepers."""

import math
from typing import Final

from envs.football.bots.running import go_to_ball
from envs.football.engine.match import GOAL_HALF_WIDTH, HALF_LENGTH, KEEPER, NORMAL, STEP, Match
from envs.football.engine.physics import glide
from envs.football.engine.restarts import in_box
from envs.football.engine.steering import far
from render.draw.jit import njit

KEEPER_SPEED: Final = 5.0
"""Top speed of a keeper, in m/s."""
KEEPER_RETURN: Final = 7.5
"""Speed in m/s at which a keeper far from its goal runs back."""
KEEPER_GAIN: Final = 1.2
"""Largest change of a keeper's velocity per step, in m/s."""
RUSH_FROM: Final = 15.0
"""Distance of the ball from goal, in metres, within which a keeper comes out."""
REACTS: Final = 0.8
"""Seconds after a kick before a drill's keeper leaves its goal for a free ball."""
AHEAD: Final = 0.8
"""Seconds of ball movement that it predicts."""
ALONE: Final = 0.35
"""Factor of its distance if it is alone. It then comes out even if another player is nearer."""


@njit
def reaction(m: Match, team: int) -> float:
    """Return the keeper's reaction time to a kick, in seconds."""
    if m.full_game:
        return float(0.37 - 0.13 * m.difficulty[team])
    return float(0.3 - 0.2 * m.difficulty[team])


@njit
def dive_speed(m: Match, team: int) -> float:
    """Return the speed of a keeper's dive, in m/s."""
    if m.full_game:
        return float(3.3 + 1.5 * m.difficulty[team])
    return float(4.0 + 3.0 * m.difficulty[team])


@njit
def keeper_reach(m: Match, team: int) -> float:
    """Return the reach of a keeper, in metres."""
    if m.full_game:
        return float(0.78 + 0.25 * m.difficulty[team])
    return float(0.9 + 0.6 * m.difficulty[team])


@njit
def comes_out(m: Match, team: int) -> bool:
    """Return True if the keeper may leave its goal for the ball: no teammate is close to it."""
    if m.full_game == 0:
        return True
    if m.ball_owned_team == team or m.game_mode != NORMAL:
        return False
    near = far(m, team, KEEPER)
    for player in range(m.players[team]):
        if player != KEEPER and m.present[team, player] and far(m, team, player) < min(near, 6.0):
            return False
    return True


@njit
def keeper_first(m: Match, team: int) -> bool:
    """Return True if a drill's keeper is nearest to the place where a free ball will be in a second."""
    if m.ball_owned_team >= 0 or m.since_kick < REACTS:
        return False
    x, y = m.ball[0] + AHEAD * m.ball_velocity[0], m.ball[1] + AHEAD * m.ball_velocity[1]
    own = math.hypot(m.position[team, KEEPER, 0] - x, m.position[team, KEEPER, 1] - y)
    if m.players[team] == 1:
        own *= ALONE
    elif not in_box(team, x, y):
        return False
    for side in range(2):
        for player in range(m.players[side]):
            if side == team and player == KEEPER:
                continue
            if math.hypot(m.position[side, player, 0] - x, m.position[side, player, 1] - y) < own:
                return False
    return True


@njit
def keep_goal(m: Match, team: int) -> None:
    """Advance a keeper by one step: stay between ball and goal, come out to a near ball, dive at shots."""
    side = -1.0 if team == 0 else 1.0
    goal = side * HALF_LENGTH
    x, y = m.position[team, KEEPER, 0], m.position[team, KEEPER, 1]
    ball_x, ball_y = m.ball[0], m.ball[1]
    dx, dy = ball_x - goal, ball_y
    distance = math.sqrt(dx * dx + dy * dy)
    towards = m.ball_velocity[0] * side
    if m.ball_owned_team < 0 and towards > 8.0 and (x - ball_x) * side > 0.0:
        t = (x - ball_x) / m.ball_velocity[0]
        crosses = ball_y + m.ball_velocity[1] * t
        if m.since_kick < reaction(m, team) or abs(crosses) > GOAL_HALF_WIDTH + 4.0:
            glide(m, team, KEEPER, 0.0, 0.0, KEEPER_GAIN)
        else:
            needed = (crosses - y) / max(t, STEP)
            fast = dive_speed(m, team)
            glide(m, team, KEEPER, 0.0, min(max(needed, -fast), fast), 10.0)
        return
    if m.full_game == 0 and x * side > 0.0 and keeper_first(m, team):
        go_to_ball(m, team, KEEPER, KEEPER_RETURN)
        return
    out = min(max(0.16 * distance, 1.5), 4.0)
    if distance < RUSH_FROM and abs(goal - x) < 14.0 and comes_out(m, team):
        out = max(out, distance - 1.0)
    share = min(out / max(distance, 0.1), 1.0)
    leaning = m.home[team, KEEPER, 1] * (1.0 - share)
    to_x, to_y = goal + dx * share - x, dy * share + leaning - y
    far = math.sqrt(to_x * to_x + to_y * to_y)
    pace = min(KEEPER_SPEED if abs(goal - x) < 16.0 else KEEPER_RETURN, 5.0 * far) / max(far, 1e-9)
    glide(m, team, KEEPER, to_x * pace, to_y * pace, KEEPER_GAIN)
