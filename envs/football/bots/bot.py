"""Rule-based opponents, keepers and teammates. `difficulty` in [0, 1] raises their speed and accuracy."""

import math
from typing import Final

from envs.football.bots import shape
from envs.football.bots.keeper import KEEPER_GAIN, keep_goal
from envs.football.bots.running import TIRED, go_to_ball, head_for, receive, top_speed
from envs.football.engine.match import HALF_LENGTH, KEEPER, NORMAL, Match
from envs.football.engine.physics import SPRINT_SPEED, glide, left_alone, stands
from envs.football.engine.steering import far
from render.draw.jit import njit

APPROACH: Final = 4.0
"""Speed in m/s at which a drill's defender approaches a standing player with the ball."""
LAZY: Final = 2.8
"""Speed in m/s at which a drill's defender goes to a free ball."""
STALKS: Final = 1.75
"""The same speed in full games."""
HOLDS_OFF: Final = 5.0
"""Distance in metres from the ball, towards its goal, that a drill's defender keeps from a player it leaves alone."""


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
