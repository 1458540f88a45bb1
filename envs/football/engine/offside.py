"""Offside: who stands nearer to the goal line than the ball and the last opponent but one when the ball is played."""

from envs.football.engine.match import Match
from render.draw.jit import njit


@njit
def offside_line(m: Match, team: int) -> float:
    """Where attackers of a team may stand, in metres towards the goal they attack (never in their own half)."""
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
    """Nobody stands offside."""
    for player in range(m.players[m.last_touched]):
        m.flagged[player] = 0


@njit
def flag(m: Match, team: int, passer: int) -> None:
    """Mark who stands offside as a player of his team plays the ball."""
    forward = 1.0 if team == 0 else -1.0
    line = offside_line(m, team)
    for player in range(m.players[team]):
        ahead = forward * m.position[team, player, 0] > line + 0.1
        m.flagged[player] = 1 if ahead and player != passer else 0
