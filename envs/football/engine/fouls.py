"""Slides, fouls and cards."""

import math
from typing import Final

from envs.football.engine.match import (
    FOUL,
    FREE_KICK,
    GIVEN_PENALTY,
    HALF_LENGTH,
    HALF_WIDTH,
    PENALTY,
    RED_CARD,
    YELLOW_CARD,
    Match,
    note,
    uniform,
)
from envs.football.engine.physics import halt
from envs.football.engine.restarts import PENALTY_SPOT, begin, in_box
from envs.football.engine.steering import hand_over
from render.draw.jit import njit

SLIDE_REACH: Final = 2.0
"""Reach of a slide in metres."""
SLIDE_WINS: Final = 0.5
"""Probability that a slide within reach wins the ball."""
SLIDE_FOULS: Final = 0.45
"""Probability of a foul if a slide misses the ball but reaches its owner."""
FROM_BEHIND: Final = 0.75
"""The same probability for a slide from behind."""
BOOKED: Final = 0.35
"""Probability of a card for a foul by a slide."""
SENT_OFF: Final = 0.02
"""Fraction of cards that are red at once."""


@njit
def send_off(m: Match, team: int, player: int) -> None:
    """Remove a player from the pitch and move its control slot to a teammate.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
    """
    m.reds[team] += 1
    m.present[team, player] = 0
    halt(m, team, player)
    m.position[team, player, 1] = HALF_WIDTH + 3.0
    slot = m.steered[team, player]
    if slot >= 0:
        for mate in range(m.players[team]):
            if m.present[team, mate] and m.steered[team, mate] < 0 and mate != m.keeper[team]:
                hand_over(m, team, mate, slot)
                break


@njit
def foul(m: Match, team: int, player: int, card: float) -> None:
    """Award a free kick or a penalty against a player, and possibly a card.

    Args:
        m: Match record, changed in place.
        team: Team that committed the foul.
        player: Index of the player in the team.
        card: Probability of a card, 0 to 1.
    """
    m.fouls[team] += 1
    note(m, FOUL, team)
    x, y = m.ball[0], m.ball[1]
    chance = uniform(m)
    if chance < card and player != m.keeper[team]:
        m.yellow[team, player] += 1
        note(m, YELLOW_CARD, team)
        if m.yellow[team, player] == 2 or chance < SENT_OFF * card:
            note(m, RED_CARD, team)
            send_off(m, team, player)
    if in_box(team, x, y):
        line = -HALF_LENGTH if team == 0 else HALF_LENGTH
        m.penalties[1 - team] += 1
        note(m, GIVEN_PENALTY, 1 - team)
        begin(m, PENALTY, 1 - team, line * (1.0 - PENALTY_SPOT / HALF_LENGTH), 0.0)
    else:
        x = min(max(x, -HALF_LENGTH + 1.0), HALF_LENGTH - 1.0)
        begin(m, FREE_KICK, 1 - team, x, min(max(y, -HALF_WIDTH + 1.0), HALF_WIDTH - 1.0))


@njit
def slide(m: Match, team: int, player: int) -> bool:
    """Slide at the ball, which may be a foul.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.

    Returns:
        True if the slide wins the ball.
    """
    m.wait[team, player] = 1.0
    x, y = m.position[team, player, 0], m.position[team, player, 1]
    if math.hypot(m.ball[0] - x, m.ball[1] - y) < SLIDE_REACH and uniform(m) < SLIDE_WINS:
        return True
    owner = m.ball_owned_player
    dx, dy = m.position[1 - team, owner, 0] - x, m.position[1 - team, owner, 1] - y
    distance = math.hypot(dx, dy)
    if m.full_game and distance < SLIDE_REACH and owner != m.keeper[1 - team]:
        facing = m.facing[1 - team, owner]
        behind = dx * math.cos(facing) + dy * math.sin(facing) > 0.7 * distance
        if uniform(m) < (FROM_BEHIND if behind else SLIDE_FOULS):
            foul(m, team, player, BOOKED)
    return False
