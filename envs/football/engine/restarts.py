"""Restarts: the taker, the positions of all players, and the distance of opponents."""

import math
from typing import Final

from envs.football.engine.match import (
    BALL_RADIUS,
    CORNER,
    FREE_KICK,
    GOAL_KICK,
    HALF_LENGTH,
    HALF_WIDTH,
    KICK_OFF,
    OUT_OF_PLAY,
    PENALTY,
    THROW_IN,
    Match,
)
from envs.football.engine.offside import unflag
from envs.football.engine.physics import BALL_AHEAD, halt
from envs.football.engine.steering import far, hand_over
from render.draw.jit import njit

DISTANCE: Final = 9.15
"""Metres that opponents keep from the ball (Laws of the Game 8 and 13)."""
THROW_DISTANCE: Final = 2.0
"""Metres that opponents keep from a throw-in (Law 15)."""
BOX_LENGTH: Final = 16.5
BOX_HALF_WIDTH: Final = 20.16
PENALTY_SPOT: Final = 11.0
GOAL_AREA: Final = 5.5
"""Length of the goal area in metres, where goal kicks are taken."""


@njit
def in_box(team: int, x: float, y: float) -> bool:
    """Return True if a point is in a team's penalty area.

    Args:
        team: 0 for left, 1 for right.
        x: Metres to the right of the centre spot.
        y: Metres below the centre spot.
    """
    line = -HALF_LENGTH if team == 0 else HALF_LENGTH
    return abs(x - line) < BOX_LENGTH and abs(y) < BOX_HALF_WIDTH


@njit
def put(m: Match, team: int, player: int, x: float, y: float) -> None:
    """Place a standing player, facing the ball.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        x: Metres ahead of the centre spot, in the direction of the team's attack.
        y: Metres to the right of the centre spot, seen in that direction.
    """
    forward = 1.0 if team == 0 else -1.0
    m.position[team, player, 0] = forward * x
    m.position[team, player, 1] = forward * y
    halt(m, team, player)
    m.target[team, player, 0] = forward * x
    m.target[team, player, 1] = forward * y
    m.facing[team, player] = math.atan2(m.ball[1] - forward * y, m.ball[0] - forward * x)


@njit
def stand(m: Match) -> None:
    """Place the taker behind the ball, in line with its facing direction."""
    team, player = m.ball_owned_team, m.ball_owned_player
    facing = m.facing[team, player]
    m.position[team, player, 0] = m.ball[0] - BALL_AHEAD * math.cos(facing)
    m.position[team, player, 1] = m.ball[1] - BALL_AHEAD * math.sin(facing)
    halt(m, team, player)


@njit
def taker(m: Match, mode: int, team: int) -> int:
    """Return the player that takes a restart.

    The keeper takes goal kicks. The foremost player takes kick-offs and penalties. The nearest player takes the rest.

    Args:
        m: Match record.
        mode: Game mode, such as `CORNER`.
        team: 0 for left, 1 for right.
    """
    keeper = m.keeper[team]
    if mode == GOAL_KICK and keeper >= 0 and m.present[team, keeper]:
        return int(keeper)
    best, least = 0, 1e9
    for player in range(m.players[team]):
        if m.present[team, player] == 0 or player == keeper:
            continue
        cost = far(m, team, player)
        if mode == KICK_OFF or mode == PENALTY:
            cost = -m.anchor[team, player, 0]
        if cost < least:
            best, least = player, cost
    return best


@njit
def places(m: Match, mode: int, team: int) -> None:
    """Place both teams for a kick-off, a corner or a penalty.

    Args:
        m: Match record, changed in place.
        mode: Game mode, such as `CORNER`.
        team: Team that takes the restart.
    """
    for side in range(2):
        attack = side == team
        nth = 0
        for player in range(m.players[side]):
            along, across = m.anchor[side, player, 0], m.anchor[side, player, 1] * HALF_WIDTH
            if player == m.keeper[side]:
                put(m, side, player, -HALF_LENGTH + 1.0, 0.0)
                continue
            nth += 1
            if mode == KICK_OFF:
                put(m, side, player, -1.5 - 23.0 * (0.55 - along), 0.85 * across)
            elif mode == PENALTY:
                x = HALF_LENGTH - PENALTY_SPOT - DISTANCE - 1.0 - nth % 3
                put(m, side, player, x if attack else -x, 3.5 * (nth - 5.5) + (0.0 if attack else 1.7))
            elif (attack and along > -0.3) or (attack and abs(m.anchor[side, player, 1]) < 0.3):
                put(m, side, player, HALF_LENGTH - 5.5 - 2.2 * ((nth * 2) % 4), 3.4 * ((nth * 3) % 7 - 3.0))
            elif attack:
                put(m, side, player, 12.0, 0.7 * across)
            elif along < 0.5:
                put(m, side, player, -HALF_LENGTH + 3.0 + 2.2 * ((nth * 2) % 4), 2.6 * ((nth * 3) % 7 - 3.0))
            else:
                put(m, side, player, -12.0, 0.5 * across)


@njit
def begin(m: Match, mode: int, team: int, x: float, y: float) -> None:
    """Award a restart, or end the episode if it ends with the ball out of play.

    Args:
        m: Match record, changed in place.
        mode: Game mode, such as `CORNER`.
        team: Team that takes the restart.
        x: Position of the ball, in metres to the right of the centre spot.
        y: Position of the ball, in metres below the centre spot.
    """
    if m.end_on_out:
        m.ended = OUT_OF_PLAY
        return
    m.set_up = 1
    m.game_mode = mode
    m.restart_team = team
    m.restart_time = 0.0
    m.ball[0], m.ball[1], m.ball[2] = x, y, BALL_RADIUS
    m.ball_velocity[0], m.ball_velocity[1], m.ball_velocity[2] = 0.0, 0.0, 0.0
    m.ball_owned_team = -1
    m.ball_owned_player = -1
    m.receiver = -1
    m.passer = -1
    unflag(m)
    m.last_touched = team


@njit
def set_up(m: Match) -> None:
    """Place the taker and all other players for the awarded restart."""
    m.set_up = 0
    mode, team, x, y = m.game_mode, m.restart_team, m.ball[0], m.ball[1]
    if mode == KICK_OFF or mode == CORNER or mode == PENALTY:
        places(m, mode, team)
    player = taker(m, mode, team)
    m.ball_owned_team = team
    m.ball_owned_player = player
    m.since_owned = 0.0
    m.think = 0.0
    m.planned = -100
    goal = HALF_LENGTH if team == 0 else -HALF_LENGTH
    m.facing[team, player] = math.atan2(-y, goal - x)
    if mode == THROW_IN:
        m.facing[team, player] = -math.copysign(math.pi / 2, y)
    m.wait[team, player] = 0.0
    hand_over(m, team, player, -1)
    stand(m)
    keep_off(m)


@njit
def keep_off(m: Match) -> None:
    """Move opponents to the required distance from the ball, and out of the box at a goal kick."""
    other = 1 - m.restart_team
    least = THROW_DISTANCE if m.game_mode == THROW_IN else DISTANCE
    for player in range(m.players[other]):
        x, y = m.position[other, player, 0], m.position[other, player, 1]
        if player == m.keeper[other] and (m.game_mode == PENALTY or m.game_mode == FREE_KICK):
            continue
        if m.game_mode == GOAL_KICK and abs(y) < BOX_HALF_WIDTH and x * m.ball[0] > 0.0:
            m.position[other, player, 0] = math.copysign(min(abs(x), HALF_LENGTH - BOX_LENGTH), x)
            continue
        dx, dy = x - m.ball[0], y - m.ball[1]
        distance = math.sqrt(dx * dx + dy * dy)
        if distance >= least:
            continue
        if distance < 0.1:
            dx, dy, distance = -m.ball[0] - 0.1, -m.ball[1], math.hypot(m.ball[0] + 0.1, m.ball[1])
        x = m.ball[0] + dx / distance * least
        y = m.ball[1] + dy / distance * least
        # Stay within 2 m of the pitch, even if that is closer to the ball.
        m.position[other, player, 0] = min(max(x, -HALF_LENGTH - 2.0), HALF_LENGTH + 2.0)
        m.position[other, player, 1] = min(max(y, -HALF_WIDTH - 2.0), HALF_WIDTH + 2.0)
