"""Rule-following players: opponents, keepers, team mates. `difficulty` in [0, 1] makes them quicker and surer."""

import math
from typing import Final

from envs.football.bots import shape
from envs.football.engine.match import GOAL_HALF_WIDTH, HALF_LENGTH, HALF_WIDTH, KEEPER, NORMAL, STEP, Match
from envs.football.engine.physics import DRAG, FRICTION, SPRINT_SPEED, glide, run
from envs.football.engine.steering import far
from render.draw.jit import njit

KEEPER_SPEED: Final = 5.0
KEEPER_GAIN: Final = 1.2
"""m/s a keeper can gain in a step."""
RUSH_FROM: Final = 15.0
"""Metres from goal at which a keeper comes out to meet a carried ball."""
TIRED: Final = 0.15
"""The share of his speed that a player without strength has lost."""
COMES_BY: Final = 7.0
"""m/s: a pass that is still so fast when it comes by is waited for."""


@njit
def head_for(m: Match, team: int, player: int, x: float, y: float, speed: float) -> None:
    """Run to a place."""
    dx, dy = x - m.position[team, player, 0], y - m.position[team, player, 1]
    distance = math.sqrt(dx * dx + dy * dy)
    pace = min(speed, 4.0 * distance) / max(distance, 1e-9)
    run(m, team, player, dx * pace, dy * pace)


@njit
def go_to_ball(m: Match, team: int, player: int, speed: float) -> None:
    """Run to where the ball can be met soonest."""
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
    """Meet a pass where it comes by; if it would die on the way, run to it."""
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
    """How fast a team's rule-following players run."""
    return float(SPRINT_SPEED * (0.8 + 0.18 * m.difficulty[team]))


@njit
def reaction(m: Match, team: int) -> float:
    """Seconds from a kick to the keeper's dive."""
    if m.full_game:
        return float(0.37 - 0.13 * m.difficulty[team])
    return float(0.3 - 0.2 * m.difficulty[team])


@njit
def dive_speed(m: Match, team: int) -> float:
    """Metres a second of a keeper's dive."""
    if m.full_game:
        return float(3.6 + 1.6 * m.difficulty[team])
    return float(4.0 + 3.0 * m.difficulty[team])


@njit
def keeper_reach(m: Match, team: int) -> float:
    """Metres around a keeper that his arms cover."""
    if m.full_game:
        return float(0.85 + 0.25 * m.difficulty[team])
    return float(0.9 + 0.6 * m.difficulty[team])


@njit
def comes_out(m: Match, team: int) -> bool:
    """Whether the keeper leaves his goal for a near ball: not where his own defenders are at it."""
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
def keep_goal(m: Match, team: int) -> None:
    """A keeper stays between ball and goal, comes out to a near ball, and dives at shots."""
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
    out = min(max(0.16 * distance, 1.5), 4.0)
    if distance < RUSH_FROM and abs(goal - x) < 14.0 and comes_out(m, team):
        out = max(out, distance - 1.0)  # comes out to the ball
    share = min(out / max(distance, 0.1), 1.0)
    leaning = m.home[team, KEEPER, 1] * (1.0 - share)
    to_x, to_y = goal + dx * share - x, dy * share + leaning - y
    far = math.sqrt(to_x * to_x + to_y * to_y)
    pace = min(KEEPER_SPEED, 5.0 * far) / max(far, 1e-9)
    glide(m, team, KEEPER, to_x * pace, to_y * pace, KEEPER_GAIN)


@njit
def defend(m: Match, team: int) -> None:
    """Field players of a drill without the ball: the nearest presses, the others drop between ball and goal."""
    goal = -HALF_LENGTH if team == 0 else HALF_LENGTH
    speed = top_speed(m, team)
    nearest, least = -1, 1e9
    for player in range(1, m.players[team]):
        distance = far(m, team, player)
        if distance < least:
            nearest, least = player, distance
    for player in range(1, m.players[team]):
        if m.steered[team, player] >= 0:
            continue
        if player == nearest:
            go_to_ball(m, team, player, speed)
        else:
            lane = m.home[team, player, 1]
            cover_x = m.ball[0] + 0.25 * (goal - m.ball[0])
            head_for(m, team, player, cover_x, 0.6 * lane + 0.4 * m.ball[1], speed)


@njit
def support(m: Match, team: int, player: int) -> None:
    """A team mate in a drill keeps his lane, a little ahead of the ball, outside the six-yard box."""
    forward = 1.0 if team == 0 else -1.0
    x = forward * min(forward * m.ball[0] + 4.0, HALF_LENGTH - 12.0)
    head_for(m, team, player, x, m.home[team, player, 1] * 0.9, 0.8 * SPRINT_SPEED)


@njit
def play_drill(m: Match) -> None:
    """One step of the field players of a drill: the right team defends, the left team supports."""
    defend(m, 1)
    for player in range(1, m.players[0]):
        if m.steered[0, player] >= 0:
            continue
        if m.ball_owned_team == 0 and m.ball_owned_player == player:
            continue
        if m.receiver == player or m.ball_owned_team == 1 or (m.controlled[0] == 0 and m.ball_owned_team < 0):
            receive(m, 0, player, top_speed(m, 0))
        else:
            support(m, 0, player)


@njit
def play_team(m: Match, team: int) -> None:
    """One step of a team's field players in a full game."""
    top = top_speed(m, team)
    for player in range(m.players[team]):
        if player == m.keeper[team] or m.steered[team, player] >= 0 or m.present[team, player] == 0:
            continue
        speed = top * (1.0 - TIRED * m.tired[team, player])
        if m.ball_owned_team == team and m.ball_owned_player == player:
            continue
        duty = m.duty[team, player]
        if duty == shape.CHASE and m.game_mode == NORMAL:
            go_to_ball(m, team, player, speed)
        elif duty == shape.RECEIVE and m.ball_owned_team < 0:
            receive(m, team, player, speed)
        else:
            x, y = m.target[team, player, 0], m.target[team, player, 1]
            dx, dy = x - m.position[team, player, 0], y - m.position[team, player, 1]
            away = abs(dx) + abs(dy)
            head_for(m, team, player, x, y, min(speed, 1.0 + 0.7 * away))


@njit
def play_bots(m: Match) -> None:
    """One step of everybody who is not steered and has not got the ball."""
    if m.full_game and (m.steps - m.planned >= shape.LOOK_EVERY or m.since_kick == 0.0 or m.since_owned == 0.0):
        m.planned = m.steps
        for team in range(2):
            shape.look_about(m, team)
    for team in range(2):
        if m.keeper[team] == KEEPER and m.present[team, KEEPER]:
            holds = m.ball_owned_team == team and m.ball_owned_player == KEEPER and m.game_mode == NORMAL
            if m.steered[team, KEEPER] >= 0:
                pass
            elif holds:
                glide(m, team, KEEPER, 0.0, 0.0, KEEPER_GAIN)
            else:
                keep_goal(m, team)
        if m.full_game and not m.lazy[team]:
            play_team(m, team)
    if not m.full_game:
        play_drill(m)
