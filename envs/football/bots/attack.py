"""Rule-based play with the ball: choose a shot, a pass or a run by its estimated value."""

import math
from typing import Final

from envs.football.engine.kicks import HIGH as LOFTED
from envs.football.engine.kicks import PASS_ERROR, SHOT_ERROR, SHOT_SPEED, play_ball, shoot
from envs.football.engine.kicks import SHORT as GROUND
from envs.football.engine.match import (
    CORNER,
    GOAL_HALF_WIDTH,
    GOAL_KICK,
    HALF_LENGTH,
    HALF_WIDTH,
    NORMAL,
    PENALTY,
    STEP,
    THROW_IN,
    Match,
    bell,
    uniform,
)
from envs.football.engine.offside import offside_line
from envs.football.engine.physics import DRIBBLE_SPEED, SPRINT_ON_BALL, run, wrap
from render.draw.jit import njit

CARRY: Final = 0
PASS: Final = 1
HIGH: Final = 2
SHOOT: Final = 3

READY: Final = 0.6
"""Largest angle in radians between the facing direction and a kick."""
SHOT_RANGE: Final = 30.0
"""Largest distance to goal for a shot, in metres."""
THROW_RANGE: Final = 22.0
"""Longest throw-in, in metres."""
PATIENCE: Final = 4.0
"""Seconds after which a restart, or a ball in the keeper's hands, is played for a controlled player."""
PAUSE: Final = 1.2
"""Seconds after which a player that is not controlled does so."""
DANGER: Final = -20.0
"""Position in metres from the halfway line behind which a player with no good option clears the ball."""
LOFT: Final = 18.0
"""Smallest distance in metres at which a high pass is considered."""


@njit
def worth(x: float, y: float) -> float:
    """Return the value of having the ball at (x, y) metres when attacking to +x: roughly the chance of a goal."""
    distance = math.hypot(HALF_LENGTH - x, y)
    return 0.45 * math.exp(-distance / 13.0) + 0.06 * (x + HALF_LENGTH) / (2.0 * HALF_LENGTH)


@njit
def crowd(m: Match, team: int, x: float, y: float) -> float:
    """Return the squared distance from a point to the nearest player of a team, in m².

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        x: Metres to the right of the centre spot.
        y: Metres below the centre spot.
    """
    least = 1e9
    for player in range(m.players[team]):
        if m.present[team, player]:
            dx, dy = m.position[team, player, 0] - x, m.position[team, player, 1] - y
            least = min(least, dx * dx + dy * dy)
    return least


@njit
def openness(m: Match, team: int, dx: float, dy: float, distance: float, keeper: bool) -> float:
    """Return the chance that a ground ball gets past the other team.

    Args:
        m: Match record.
        team: Team that plays the ball.
        dx: Horizontal offset from the ball to the destination, in metres.
        dy: Vertical offset from the ball to the destination, in metres.
        distance: Length of (dx, dy), in metres.
        keeper: True to count the other team's keeper as an opponent.

    Returns:
        Chance from 0 to 1.
    """
    ux, uy = dx / distance, dy / distance
    least = 1.0
    other = 1 - team
    for player in range(m.players[other]):
        if m.present[other, player] == 0 or (player == m.keeper[other] and not keeper):
            continue
        x, y = m.position[other, player, 0] - m.ball[0], m.position[other, player, 1] - m.ball[1]
        along = x * ux + y * uy
        if along < 0.3 or along > distance + 3.0:
            continue
        margin = abs(x * uy - y * ux) - 0.7 - 0.13 * min(along, distance)
        least = min(least, 0.45 + 0.3 * margin)
    return max(least, 0.0)


@njit
def choose(m: Match, team: int, player: int, still: bool) -> None:
    """Choose the intent, the receiver and the aim of the ball's owner.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        still: True if the player cannot run with the ball.
    """
    forward = 1.0 if team == 0 else -1.0
    x, y = forward * m.ball[0], forward * m.ball[1]
    doubt = 0.06 + 0.35 * (1.0 - m.difficulty[team])
    here = worth(x, y)
    m.intent, m.intent_mate, best = CARRY, -1, -1.0
    if not still:
        to_goal = math.atan2(-y, HALF_LENGTH - x) if x > 20.0 else math.atan2(-0.3 * y, 30.0)
        for option in range(7):
            angle = to_goal + (option - 3) * 0.5
            ahead_x, ahead_y = x + 4.5 * math.cos(angle), y + 4.5 * math.sin(angle)
            if abs(ahead_y) > HALF_WIDTH - 1.0 or ahead_x > HALF_LENGTH - 1.0:
                continue
            room = math.sqrt(crowd(m, 1 - team, forward * ahead_x, forward * ahead_y))
            keeps = min(0.35 + 0.11 * room, 0.97)
            score = keeps * (worth(ahead_x, ahead_y) + 0.002) - (1.0 - keeps) * worth(-x, y) * 0.5
            score *= 1.0 + 0.3 * doubt * bell(m)
            if score > best:
                best = score
                m.aim[0], m.aim[1] = forward * ahead_x, forward * ahead_y
    mode = m.game_mode
    distance = math.hypot(HALF_LENGTH - x, y)
    if distance < SHOT_RANGE and mode != THROW_IN and mode != CORNER:
        straight = (HALF_LENGTH - x) / max(distance, 0.1)
        way = openness(m, team, forward * HALF_LENGTH - m.ball[0], -m.ball[1], max(distance, 0.1), False)
        score = 0.98 * math.exp(-distance / 12.0) * straight * (0.3 + 0.7 * way) * (1.0 + doubt * bell(m))
        if score > best or mode == PENALTY:
            best, m.intent = score, SHOOT
            keeper = m.keeper[1 - team]
            side = 1.0 if uniform(m) < 0.5 else -1.0
            if keeper >= 0 and abs(m.position[1 - team, keeper, 1]) > 0.4:
                side = -math.copysign(1.0, m.position[1 - team, keeper, 1])
            m.aim[0], m.aim[1] = forward * HALF_LENGTH, side * (GOAL_HALF_WIDTH - 0.4 - 0.8 * uniform(m))
            if mode == PENALTY:
                return
    line = 1e9
    if m.offsides and mode != THROW_IN and mode != CORNER and mode != GOAL_KICK:
        line = offside_line(m, team)
    blur = (1.9 - m.difficulty[team]) * uniform(m)  # misjudgement of the offside line in metres
    reach = THROW_RANGE if mode == THROW_IN else 48.0
    for mate in range(m.players[team]):
        if mate == player or m.present[team, mate] == 0 or forward * m.position[team, mate, 0] > line + blur:
            continue
        dx, dy = m.position[team, mate, 0] - m.ball[0], m.position[team, mate, 1] - m.ball[1]
        distance = math.hypot(dx, dy)
        if distance < 5.0 or distance > reach or (mate == m.keeper[team] and distance > 25.0):
            continue
        dx += m.velocity[team, mate, 0] * distance / 16.0
        dy += m.velocity[team, mate, 1] * distance / 16.0
        to_x, to_y = forward * (m.ball[0] + dx), forward * (m.ball[1] + dy)
        if abs(to_y) > HALF_WIDTH or abs(to_x) > HALF_LENGTH:
            continue
        room = min(math.sqrt(crowd(m, 1 - team, forward * to_x, forward * to_y)) / 5.0, 1.0)
        gain, loss = worth(to_x, to_y), 0.65 * worth(-to_x, to_y)
        arrives = openness(m, team, dx, dy, math.hypot(dx, dy), True) * (0.7 + 0.3 * room)
        score = arrives * (gain + 0.004 * room) - (1.0 - arrives) * loss
        kind = PASS
        if distance > LOFT and mode != THROW_IN:
            arrives = 0.25 + 0.35 * room
            lofted = arrives * gain - (1.0 - arrives) * loss
            if lofted > score:
                score, kind = lofted, HIGH
        score = score * (1.0 + doubt * bell(m)) - (0.0 if still else 0.1 * here)
        if mate == m.keeper[team]:
            score -= 0.01
        if score > best:
            best, m.intent, m.intent_mate = score, kind, mate
    if (still and m.intent == CARRY) or (x < DANGER and best < 0.0 and not still):
        # No receiver, or every option is bad: clear the ball forwards, towards the nearer touchline.
        m.intent, m.intent_mate = HIGH, -1
        m.aim[0] = m.ball[0] + forward * 28.0
        m.aim[1] = 0.5 * m.ball[1] if still else m.ball[1] + math.copysign(9.0, m.ball[1])


@njit
def act(m: Match, team: int, player: int, still: bool) -> None:
    """Carry out the owner's intent: turn towards the aim, then run or kick.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        still: True if the player cannot run with the ball.
    """
    mate = m.intent_mate
    if m.intent == PASS or (m.intent == HIGH and mate >= 0):
        m.aim[0], m.aim[1] = m.position[team, mate, 0], m.position[team, mate, 1]
        ahead = math.hypot(m.aim[0] - m.ball[0], m.aim[1] - m.ball[1]) / 16.0
        m.aim[0] += ahead * m.velocity[team, mate, 0]
        m.aim[1] += ahead * m.velocity[team, mate, 1]
    dx, dy = m.aim[0] - m.ball[0], m.aim[1] - m.ball[1]
    distance = math.hypot(dx, dy)
    angle = math.atan2(dy, dx)
    careless = 1.0 + 1.5 * (1.0 - m.difficulty[team])
    if m.intent == CARRY:
        speed = SPRINT_ON_BALL * (0.74 + 0.185 * m.difficulty[team]) / max(distance, 0.1)
        run(m, team, player, dx * speed, dy * speed)
        return
    if not still and abs(wrap(angle - m.facing[team, player])) > READY:
        run(m, team, player, DRIBBLE_SPEED * dx / max(distance, 0.1), DRIBBLE_SPEED * dy / max(distance, 0.1))
        return
    if still:
        m.facing[team, player] = angle
    if m.intent == SHOOT:
        flight = distance / SHOT_SPEED
        rise = 4.9 * flight + (0.3 + 2.2 * uniform(m)) / max(flight, 0.2)
        shoot(m, team, player, angle, SHOT_SPEED, min(rise, 9.0), SHOT_ERROR * (0.5 + careless))
    else:
        kind = LOFTED if m.intent == HIGH else GROUND
        play_ball(m, team, player, mate, angle + careless * PASS_ERROR * bell(m), distance, kind)


@njit
def on_ball(m: Match, team: int, player: int, still: bool) -> None:
    """Advance a rule-based player with the ball by one step.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        still: True if the player must play the ball at once.
    """
    m.think -= STEP
    if still or m.think <= 0.0:
        m.think = 0.25 + 0.35 * (1.0 - m.difficulty[team])
        choose(m, team, player, still)
    act(m, team, player, still)


@njit
def play_owner(m: Match) -> None:
    """Advance the ball's owner by one step if it is not controlled, or if it held a dead ball for too long."""
    team, player = m.ball_owned_team, m.ball_owned_player
    if team < 0:
        return
    steered = m.steered[team, player] >= 0
    held = -1.0
    if m.game_mode != NORMAL:
        held = m.restart_time
    elif m.full_game and player == m.keeper[team]:
        held = m.since_owned
    if held > (PATIENCE if steered else PAUSE):
        on_ball(m, team, player, True)
    elif held < 0.0 and not steered:
        on_ball(m, team, player, False)
