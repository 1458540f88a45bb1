"""Team formation: twice a second each player gets a target position or a duty.

Each player's anchor is scaled to a block that moves with the ball. The block is long and wide in possession, short and
narrow otherwise. Out of possession, the nearest player chases the ball and defenders mark opponents near them.
"""

import math
from typing import Final

from envs.football.engine.match import HALF_LENGTH, HALF_WIDTH, Match, bell, uniform
from envs.football.engine.offside import offside_line
from render.draw.jit import njit

PLACE: Final = 0
CHASE: Final = 1
RECEIVE: Final = 2

LOOK_EVERY: Final = 5
"""Steps between two formation updates."""
AHEAD: Final = 0.5
"""Seconds of ball movement predicted when choosing the chaser."""
MARKS: Final = 9.0
"""Largest distance in metres between a defender's target and the opponent it marks."""
RUNS: Final = 0.2
"""Anchor position beyond which a forward may run in behind the defence, from -1 to 1."""
RUN_CHANCE: Final = 0.25
"""Probability of such a run at each formation update."""
DEEPEST: Final = -0.7
FOREMOST: Final = 0.55
"""Anchors, from -1 to 1, at the two ends of a team's block."""


@njit
def chaser(m: Match, team: int, steered: bool) -> int:
    """Return the player that chases the ball: the nearest one, with a penalty for players ahead of the ball.

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        steered: True to include controlled players.

    Returns:
        Index of the player, or -1 if there is none.
    """
    forward = 1.0 if team == 0 else -1.0
    x, y = m.ball[0] + AHEAD * m.ball_velocity[0], m.ball[1] + AHEAD * m.ball_velocity[1]
    best, least = -1, 1e9
    for player in range(m.players[team]):
        if player == m.keeper[team] or m.present[team, player] == 0:
            continue
        if not steered and m.steered[team, player] >= 0:
            continue
        dx, dy = m.position[team, player, 0] - x, m.position[team, player, 1] - y
        distance = math.sqrt(dx * dx + dy * dy)
        if m.ball_owned_team >= 0 and forward * dx > 0.0:
            distance += 0.4 * forward * dx
        if distance < least:
            best, least = player, distance
    return best


@njit
def mark(m: Match, team: int, player: int, marked: int) -> int:
    """Move a defender's target to the goal side of the nearest unmarked opponent.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the defender.
        marked: Bit mask of the opponents that are already marked.

    Returns:
        Updated bit mask.
    """
    forward = 1.0 if team == 0 else -1.0
    best, least = -1, MARKS * MARKS
    for other in range(m.players[1 - team]):
        if m.present[1 - team, other] == 0 or other == m.keeper[1 - team] or (marked >> other) & 1:
            continue
        dx = m.position[1 - team, other, 0] - m.target[team, player, 0]
        dy = m.position[1 - team, other, 1] - m.target[team, player, 1]
        distance = dx * dx + dy * dy
        if distance < least:
            best, least = other, distance
    if best < 0:
        return marked
    x, y = m.position[1 - team, best, 0], m.position[1 - team, best, 1]
    to_x, to_y = -forward * HALF_LENGTH - x, -y
    distance = max(math.hypot(to_x, to_y), 0.1)
    near = min(1.0 + 0.04 * distance, 0.5 * distance)
    sure = 0.25 + 0.4 * m.difficulty[team]
    m.target[team, player, 0] += sure * (x + near * to_x / distance - m.target[team, player, 0])
    m.target[team, player, 1] += sure * (y + near * to_y / distance - m.target[team, player, 1])
    return marked | 1 << best


@njit
def look_about(m: Match, team: int) -> None:
    """Assign a target position or a duty to each field player of a team."""
    forward = 1.0 if team == 0 else -1.0
    ball_x, ball_y = forward * m.ball[0], forward * m.ball[1]
    ours = m.ball_owned_team == team or (m.ball_owned_team < 0 and m.last_touched == team and m.receiver >= 0)
    back = min(max(0.66 * ball_x - (17.0 if ours else 20.0), -HALF_LENGTH + 8.0), 8.0)
    depth = 41.0 if ours else 31.0
    wide = 0.92 if ours else 0.62
    line = offside_line(m, team) - 0.7 if m.offsides else HALF_LENGTH - 6.0
    goes = -1
    if m.ball_owned_team != team:
        goes = m.receiver if ours else chaser(m, team, True)
    too = chaser(m, team, False) if goes >= 0 and not ours and m.steered[team, goes] >= 0 else -1
    marked = 0
    for player in range(m.players[team]):
        if player == m.keeper[team] or m.present[team, player] == 0:
            continue
        m.duty[team, player] = PLACE
        if player == goes or player == too:
            m.duty[team, player] = RECEIVE if ours else CHASE
            continue
        along, across = m.anchor[team, player, 0], m.anchor[team, player, 1]
        x = back + depth * (along - DEEPEST) / (FOREMOST - DEEPEST)
        if ours:
            x = min(x, max(line, ball_x - 1.0))
            if along > RUNS and ball_x > -15.0 and uniform(m) < RUN_CHANCE:
                x = max(line, x) + 7.0  # run in behind the defence
        y = wide * HALF_WIDTH * across + (0.25 if ours else 0.42) * ball_y
        x = min(max(x + 0.8 * bell(m), -HALF_LENGTH + 3.0), HALF_LENGTH - 5.0)
        y = min(max(y + 0.8 * bell(m), -HALF_WIDTH + 1.5), HALF_WIDTH - 1.5)
        m.target[team, player, 0] = forward * x
        m.target[team, player, 1] = forward * y
        if not ours and along < 0.2:
            marked = mark(m, team, player, marked)
