"""Which players are steered: a slot moves to the player at the ball; teams steered as a whole keep their slots."""

from typing import Final

from envs.football.engine.match import Match
from render.draw.jit import njit

SWITCH_AFTER: Final = 0.5
"""Seconds after a kick from which a ball that nobody has belongs to whoever is nearest."""
PASS_TIME: Final = 4.0
"""Seconds for which a pass is waited for."""
NEARER: Final = 2.0
"""Metres by which another player must be nearer to the ball to be steered instead."""


@njit
def far(m: Match, team: int, player: int) -> float:
    """Squared metres between a player and the ball."""
    dx, dy = m.position[team, player, 0] - m.ball[0], m.position[team, player, 1] - m.ball[1]
    return float(dx * dx + dy * dy)


@njit
def hand_over(m: Match, team: int, player: int, slot: int) -> None:
    """A slot (-1: the one farthest from the ball) moves to a player, if he is not steered yet."""
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
    m.steered[team, player] = slot
    if team == 0:
        m.active = m.slot[0, 0]


@njit
def switch(m: Match, team: int) -> None:
    """The own team has not got the ball and awaits no pass: whoever is clearly nearest to it is steered."""
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
