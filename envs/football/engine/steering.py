"""Control slots: a slot follows the ball, unless the whole team is controlled."""

from typing import Final

from envs.football.engine.match import Match
from render.draw.jit import njit

SWITCH_AFTER: Final = 0.5
"""Seconds after a kick before control may switch to the nearest player."""
PASS_TIME: Final = 4.0
"""Seconds during which a pass under way prevents a switch."""
NEARER: Final = 2.0
"""Metres by which another player must be nearer to the ball to take over control."""


@njit
def far(m: Match, team: int, player: int) -> float:
    """Return the squared distance between a player and the ball, in m².

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
    """
    dx, dy = m.position[team, player, 0] - m.ball[0], m.position[team, player, 1] - m.ball[1]
    return float(dx * dx + dy * dy)


@njit
def goes_to_ball(m: Match, team: int, player: int) -> bool:
    """Return True if a player has the ball, expects a pass, or is the nearest of all players to a free ball.

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
    """
    if m.ball_owned_team >= 0:
        return bool(m.ball_owned_team == team and m.ball_owned_player == player)
    if m.wait[team, player] > 0.0:
        return False
    if m.receiver == player and m.last_touched == team:
        return True
    near = far(m, team, player)
    for side in range(2):
        for other in range(m.players[side]):
            if (side != team or other != player) and m.present[side, other] and m.wait[side, other] <= 0.0:
                if far(m, side, other) < near:
                    return False
    return True


@njit
def hand_over(m: Match, team: int, player: int, slot: int) -> None:
    """Move a control slot to a player that is not controlled yet.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        slot: Slot to move, or -1 for the one farthest from the ball.
    """
    number = m.controlled[team]
    if number == 0 or m.steered[team, player] >= 0:
        return
    if slot < 0:
        most = -1.0
        for index in range(number):
            distance = far(m, team, m.slot[team, index])
            if distance > most:
                slot, most = index, distance
    m.steered[team, m.slot[team, slot]] = -1
    m.slot[team, slot] = player
    m.pending[team, slot] = 0
    m.steered[team, player] = slot
    if team == 0:
        m.active = m.slot[0, 0]


@njit
def switch(m: Match, team: int) -> None:
    """Move control to the player clearly nearest to the ball if the team neither has it nor awaits a pass."""
    if m.ball_owned_team == team or m.since_kick < SWITCH_AFTER:
        return
    if m.ball_owned_team < 0 and m.receiver >= 0 and m.last_touched == team:
        if m.since_kick < PASS_TIME:
            return
        m.receiver = -1
    nearest, least, steered = -1, 1e9, 1e9
    for player in range(m.players[team]):
        if m.present[team, player] == 0:
            continue
        distance = far(m, team, player)
        if m.steered[team, player] >= 0:
            steered = min(steered, distance)
        elif player != m.keeper[team] and distance < least:
            nearest, least = player, distance
    if nearest >= 0 and least**0.5 < steered**0.5 - NEARER:
        hand_over(m, team, nearest, -1)
