"""Rule-based opponents, keepers and teammates. `difficulty` in [0, 1] raises their speed and accuracy."""

import math
from typing import Final

from envs.football.bots import shape
from envs.football.engine.match import GOAL_HALF_WIDTH, HALF_LENGTH, HALF_WIDTH, KEEPER, NORMAL, STEP, Match
from envs.football.engine.physics import DRAG, FRICTION, SPRINT_SPEED, glide, landing, left_alone, run, stands
from envs.football.engine.restarts import in_box
from envs.football.engine.steering import far
from render.draw.jit import njit

KEEPER_SPEED: Final = 5.0
"""Top speed of a keeper, in m/s."""
KEEPER_GAIN: Final = 1.2
"""Largest change of a keeper's velocity per step, in m/s."""
RUSH_FROM: Final = 15.0
"""Distance of the ball from goal, in metres, within which a keeper comes out."""
KEEPER_RETURN: Final = 7.5
"""Speed in m/s at which a keeper far from its goal runs back."""
APPROACH: Final = 4.0
"""Speed in m/s at which a drill's defender approaches a standing player with the ball."""
LAZY: Final = 2.8
"""Speed in m/s at which a drill's defender goes to a free ball."""
STALKS: Final = 1.75
"""The same speed in full games."""
HOLDS_OFF: Final = 5.0
"""Distance in metres from the ball, towards its goal, that a drill's defender keeps from a player it leaves alone."""
TIRED: Final = 0.15
"""Fraction of top speed lost by a fully tired player."""
REACTS: Final = 0.8
"""Seconds after a kick before a drill's keeper leaves its goal for a free ball."""
AHEAD: Final = 0.8
"""Seconds of ball movement that it predicts."""
ALONE: Final = 0.35
"""Factor of its distance if it is alone. It then comes out even if another player is nearer."""
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


@njit
def defend(m: Match, team: int) -> None:
    """Move a drill's defenders: the nearest one challenges or holds off, the others drop back between ball and goal."""
    goal = -HALF_LENGTH if team == 0 else HALF_LENGTH
    speed = top_speed(m, team)
    nearest, least = -1, 1e9
    for player in range(1, m.players[team]):
        distance = far(m, team, player)
        if distance < least:
            nearest, least = player, distance
    for player in range(1, m.players[team]):
        if m.steered[team, player] >= 0 or (m.ball_owned_team == team and m.ball_owned_player == player):
            continue
        if player == nearest and m.ball_owned_team < 0:
            go_to_ball(m, team, player, LAZY)
        elif player == nearest and not left_alone(m):
            go_to_ball(m, team, player, APPROACH if stands(m) else speed)
        elif player == nearest:
            dx, dy = goal - m.ball[0], -m.ball[1]
            share = min(HOLDS_OFF / max(math.sqrt(dx * dx + dy * dy), 1e-9), 0.5)
            head_for(m, team, player, m.ball[0] + share * dx, m.ball[1] + share * dy, speed)
        else:
            lane = m.home[team, player, 1]
            cover_x = m.ball[0] + 0.25 * (goal - m.ball[0])
            head_for(m, team, player, cover_x, 0.6 * lane + 0.4 * m.ball[1], speed)


@njit
def support(m: Match, team: int, player: int) -> None:
    """Move a teammate in a drill along its lane, slightly ahead of the ball and outside the six-yard box.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
    """
    forward = 1.0 if team == 0 else -1.0
    x = forward * min(forward * m.ball[0] + 4.0, HALF_LENGTH - 12.0)
    y = m.home[team, player, 1] * 0.9
    away = math.hypot(x - m.position[team, player, 0], y - m.position[team, player, 1])
    head_for(m, team, player, x, y, min(0.8 * SPRINT_SPEED, 1.0 + 0.5 * away))


@njit
def play_drill(m: Match) -> None:
    """Advance a drill's field players by one step: the right team defends, the left team supports."""
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
def held_still(m: Match) -> bool:
    """Return True if the ball's owner is controlled and stands."""
    return bool(stands(m) and m.steered[m.ball_owned_team, m.ball_owned_player] >= 0)


@njit
def play_team(m: Match, team: int) -> None:
    """Advance a team's field players by one step in a full game."""
    top = top_speed(m, team)
    for player in range(m.players[team]):
        if player == m.keeper[team] or m.steered[team, player] >= 0 or m.present[team, player] == 0:
            continue
        speed = top * (1.0 - TIRED * m.tired[team, player])
        if m.ball_owned_team == team and m.ball_owned_player == player:
            continue
        duty = m.duty[team, player]
        if duty == shape.CHASE and m.game_mode == NORMAL:
            go_to_ball(m, team, player, STALKS if held_still(m) else speed)
        elif duty == shape.RECEIVE and m.ball_owned_team < 0:
            receive(m, team, player, speed)
        else:
            x, y = m.target[team, player, 0], m.target[team, player, 1]
            dx, dy = x - m.position[team, player, 0], y - m.position[team, player, 1]
            away = abs(dx) + abs(dy)
            head_for(m, team, player, x, y, min(speed, 1.0 + 0.7 * away))


@njit
def play_bots(m: Match) -> None:
    """Advance the players that are not controlled and do not have the ball by one step."""
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
