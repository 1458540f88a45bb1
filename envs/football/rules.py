"""The rules: `step` plays 0.1 s of a match. Pure functions on the match record."""

import math
from typing import Final

from envs.football import bot
from envs.football.kicks import give, kick, shoot
from envs.football.match import (
    BALL_RADIUS,
    GOAL_HALF_WIDTH,
    GOAL_HEIGHT,
    HALF_LENGTH,
    HALF_WIDTH,
    KEEPER,
    LEFT_GOAL,
    OUT_OF_PLAY,
    POSSESSION_LOST,
    RIGHT_GOAL,
    RUNNING,
    STEP,
    SUBSTEPS,
    TIME_UP,
    Action,
    Match,
    Matches,
    bell,
    uniform,
)
from envs.football.physics import (
    DRIBBLE_SPEED,
    ON_BALL,
    SPRINT_SPEED,
    WALK_SPEED,
    carry,
    drift,
    fly,
    run,
)
from render.jit import njit

# numba takes plain integers, not enum members.
LONG_PASS: Final = int(Action.LONG_PASS)
HIGH_PASS: Final = int(Action.HIGH_PASS)
SHORT_PASS: Final = int(Action.SHORT_PASS)
SHOT: Final = int(Action.SHOT)
SPRINT: Final = int(Action.SPRINT)
RELEASE_DIRECTION: Final = int(Action.RELEASE_DIRECTION)
RELEASE_SPRINT: Final = int(Action.RELEASE_SPRINT)
SLIDING: Final = int(Action.SLIDING)
DRIBBLE: Final = int(Action.DRIBBLE)
RELEASE_DRIBBLE: Final = int(Action.RELEASE_DRIBBLE)

CONTROL_REACH: Final = 0.8
CONTROL_HEIGHT: Final = 1.2
TOO_FAST: Final = 17.0
"""m/s, relative: a field player cannot stop such a ball, it bounces off him."""
TACKLE_REACH: Final = 1.1
KEEPER_HEIGHT: Final = 2.4
FETCH: Final = 3.0
"""Metres: a free ball so near is fetched by the controlled player himself."""

SWITCH_AFTER: Final = 0.5
"""Seconds after a kick from which a free ball belongs to whoever is nearest."""
PASS_TIME: Final = 4.0
"""Seconds for which a pass is waited for."""


@njit
def press(m: Match, action: int) -> None:
    """What an action does at once: sticky keys, kicks, a slide."""
    if 1 <= action <= 8:
        m.sticky[:8] = 0
        m.sticky[action - 1] = 1
    elif action == RELEASE_DIRECTION:
        m.sticky[:8] = 0
    elif action == SPRINT:
        m.sticky[8] = 1
    elif action == RELEASE_SPRINT:
        m.sticky[8] = 0
    elif action == DRIBBLE:
        m.sticky[9] = 1
    elif action == RELEASE_DRIBBLE:
        m.sticky[9] = 0
    player = m.active
    has_ball = m.ball_owned_team == 0 and m.ball_owned_player == player
    if has_ball and LONG_PASS <= action <= SHOT:
        m.kicked = 1
        if action == SHOT:
            shoot(m, 0, player)
        elif action == SHORT_PASS:
            give(m, 0, player, False, 35.0)
        elif action == LONG_PASS:
            give(m, 0, player, False, 70.0)
        else:
            give(m, 0, player, True, 70.0)
    elif action == SLIDING and m.ball_owned_team == 1 and m.wait[0, player] <= 0.0:
        m.kicked = 1
        m.wait[0, player] = 1.0
        near = math.hypot(m.ball[0] - m.position[0, player, 0], m.ball[1] - m.position[0, player, 1])
        if near < 2.0 and uniform(m) < 0.5:
            take(m, 0, player)


@njit
def control(m: Match) -> None:
    """One step of the controlled player, from the sticky keys."""
    player = m.active
    has_ball = m.ball_owned_team == 0 and m.ball_owned_player == player
    speed = WALK_SPEED
    if m.sticky[9]:
        speed = DRIBBLE_SPEED
    elif m.sticky[8]:
        speed = SPRINT_SPEED
    if m.ball_owned_team < 0 and m.wait[0, player] <= 0.0:
        near = math.hypot(m.ball[0] - m.position[0, player, 0], m.ball[1] - m.position[0, player, 1])
        if m.receiver == player or near < FETCH:
            bot.receive(m, 0, player, max(speed, WALK_SPEED))
            return
    if has_ball:
        speed *= ON_BALL
    x, y = 0.0, 0.0
    for direction in range(8):
        if m.sticky[direction]:
            angle = math.pi + direction * math.pi / 4.0  # left, then clockwise on the screen
            x, y = speed * math.cos(angle), speed * math.sin(angle)
    run(m, 0, player, x, y)


@njit
def switch(m: Match) -> None:
    """Nobody has the ball and no pass is on its way: control goes to whoever is clearly nearest to it."""
    if m.ball_owned_team >= 0 or m.since_kick < SWITCH_AFTER:
        return
    if m.receiver >= 0 and m.since_kick < PASS_TIME:
        return
    m.receiver = -1
    nearest = m.active
    least = math.hypot(m.ball[0] - m.position[0, nearest, 0], m.ball[1] - m.position[0, nearest, 1]) - 2.0
    for player in range(1, m.players[0]):
        near = math.hypot(m.ball[0] - m.position[0, player, 0], m.ball[1] - m.position[0, player, 1])
        if near < least:
            nearest, least = player, near
    m.active = nearest


@njit
def take(m: Match, team: int, player: int) -> None:
    """A player wins the ball."""
    if m.ball_owned_team >= 0:
        m.wait[m.ball_owned_team, m.ball_owned_player] = 0.6
    m.ball_owned_team = team
    m.ball_owned_player = player
    m.last_touched = team
    m.receiver = -1
    if team == 0:
        m.active = player
    carry(m)


@njit
def touch(m: Match) -> None:
    """Who gets to a free ball: control, a block, a save."""
    best_team, best, least = -1, -1, 1e9
    for team in range(2):
        for player in range(m.players[team]):
            if m.wait[team, player] > 0.0:
                continue
            dx = m.position[team, player, 0] - m.ball[0]
            dy = m.position[team, player, 1] - m.ball[1]
            near = math.sqrt(dx * dx + dy * dy)
            hands = player == KEEPER
            reach = bot.keeper_reach(m, team) if hands else CONTROL_REACH
            height = KEEPER_HEIGHT if hands else CONTROL_HEIGHT
            if near < reach and m.ball[2] < height and near < least:
                best_team, best, least = team, player, near
    if best < 0:
        return
    dx = m.ball_velocity[0] - m.velocity[best_team, best, 0]
    dy = m.ball_velocity[1] - m.velocity[best_team, best, 1]
    fast = math.sqrt(dx * dx + dy * dy) > TOO_FAST
    if fast and best == KEEPER and uniform(m) < 0.75 + 0.2 * m.difficulty[best_team]:
        take(m, best_team, best)
    elif fast:
        # Off a block or a fist the ball comes back slowly, anywhere.
        angle = math.atan2(-m.ball_velocity[1], -m.ball_velocity[0]) + 0.9 * bell(m)
        kick(m, best_team, best, angle, 4.0 + 4.0 * uniform(m), 1.5)
    else:
        take(m, best_team, best)


@njit
def tackle(m: Match) -> None:
    """Opponents near the ball's owner may win it; a keeper picks it up."""
    team = m.ball_owned_team
    if team < 0:
        return
    other = 1 - team
    for player in range(m.players[other]):
        if m.wait[other, player] > 0.0:
            continue
        near = math.hypot(m.position[other, player, 0] - m.ball[0], m.position[other, player, 1] - m.ball[1])
        if player == KEEPER:
            chance = 0.8 if near < 1.3 else 0.0
        elif other == 0 and player == m.active:
            chance = 0.25 if near < TACKLE_REACH else 0.0
        else:
            chance = 0.1 + 0.3 * m.difficulty[other] if near < TACKLE_REACH else 0.0
        if chance > 0.0 and uniform(m) < chance:
            take(m, other, player)
            return


@njit
def judge(m: Match) -> None:
    """Goal or out of play: the whole ball must be over the line."""
    x, y = m.ball[0], m.ball[1]
    if abs(x) > HALF_LENGTH + BALL_RADIUS:
        if abs(y) < GOAL_HALF_WIDTH and m.ball[2] < GOAL_HEIGHT:
            m.ended = LEFT_GOAL if x > 0.0 else RIGHT_GOAL
            m.score[0 if x > 0.0 else 1] += 1
        else:
            m.ended = OUT_OF_PLAY
    elif abs(y) > HALF_WIDTH + BALL_RADIUS:
        m.ended = OUT_OF_PLAY


@njit
def step(m: Match, action: int) -> int:
    """Play 0.1 s.

    Args:
        m: a MATCH record; changed in place. Nothing happens once it has ended.
        action: one of the 19 actions, for the controlled player.

    Returns:
        The action to go on with if this one is held: itself, or idle once it has kicked the ball.
    """
    if m.ended != RUNNING:
        return 0
    m.kicked = 0
    switch(m)
    press(m, action)
    control(m)
    bot.play_bots(m)
    for _ in range(SUBSTEPS):
        drift(m)
        if m.ball_owned_team < 0:
            fly(m)
        judge(m)
        if m.ended != RUNNING:
            break
        if m.ball_owned_team < 0:
            touch(m)
    if m.ended == RUNNING:
        tackle(m)
        if m.ball_owned_team == 1:
            m.ended = POSSESSION_LOST
    m.since_kick += STEP
    for team in range(2):
        for player in range(m.players[team]):
            m.wait[team, player] = max(m.wait[team, player] - STEP, 0.0)
    m.steps += 1
    m.steps_left -= 1
    if m.ended == RUNNING and m.steps_left <= 0:
        m.ended = TIME_UP
    return 0 if m.kicked else action


@njit
def advance(matches: Matches, action: int) -> int:
    """`step` for the first record of an array, which is what Python holds."""
    return step(matches[0], action)
