"""The offside law: attackers beyond both the ball and the second-last opponent when the ball is played."""

from envs.football.engine.match import Match
from render.draw.jit import njit


@njit
def offside_line(m: Match, team: int) -> float:
    """Return the offside line of an attacking team, in metres beyond the halfway line."""
    forward = 1.0 if team == 0 else -1.0
    last, but_one = -1e9, -1e9
    for player in range(m.players[1 - team]):
        if m.present[1 - team, player]:
            x = forward * m.position[1 - team, player, 0]
            if x > last:
                last, but_one = x, last
            elif x > but_one:
                but_one = x
    return float(max(but_one, forward * m.ball[0], 0.0))


@njit
def unflag(m: Match) -> None:
    """Clear all offside flags."""
    for player in range(m.players[m.last_touched]):
        m.flagged[player] = 0


@njit
def flag(m: Match, team: int, passer: int) -> None:
    """Flag the players in an offside position when a teammate plays the ball.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        passer: Index of the player that plays the ball, which is never flagged.
    """
    forward = 1.0 if team == 0 else -1.0
    line = offside_line(m, team)
    for player in range(m.players[team]):
        ahead = forward * m.position[team, player, 0] > line + 0.1
        m.flagged[player] = 1 if ahead and player != passer else 0
