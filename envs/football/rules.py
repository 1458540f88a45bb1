"""The rules of a match: `step` advances it by 0.1 s. Functions change only the match record."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.football.bots import bot
from envs.football.bots.attack import play_owner
from envs.football.engine.fouls import foul, slide
from envs.football.engine.kicks import LONG, SHORT, SHOT_ERROR, SHOT_RISE, aim_shot, give, kick, shoot
from envs.football.engine.match import (
    BALL_RADIUS,
    BALL_WON,
    BLOCKED,
    CORNER,
    FREE_KICK,
    GIVEN_CORNER,
    GIVEN_GOAL_KICK,
    GIVEN_THROW_IN,
    GOAL,
    GOAL_HALF_WIDTH,
    GOAL_HEIGHT,
    GOAL_KICK,
    HALF_LENGTH,
    HALF_TIME,
    HALF_WIDTH,
    INTERCEPTED,
    KICK_OFF,
    LEFT_GOAL,
    MAX_PLAYERS,
    NORMAL,
    OFFSIDE,
    PASS_ARRIVED,
    POSSESSION_LOST,
    RIGHT_GOAL,
    RUNNING,
    SAVED,
    STEP,
    SUBSTEPS,
    THROW_IN,
    TIME_UP,
    WOODWORK,
    Action,
    Match,
    Matches,
    bell,
    note,
    uniform,
)
from envs.football.engine.offside import unflag
from envs.football.engine.physics import DRIBBLE_SPEED, ON_BALL, SPRINT_SPEED, WALK_SPEED, carry, drift, fly, frame, run
from envs.football.engine.restarts import GOAL_AREA, begin, in_box, keep_off, set_up, stand
from envs.football.engine.steering import hand_over, switch
from render.draw.jit import njit

# numba needs plain integers instead of enum members.
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
"""Horizontal distance within which a field player can reach a free ball, in metres."""
CONTROL_HEIGHT: Final = 1.2
"""Height below which a field player can reach a free ball, in metres."""
TOO_FAST: Final = 17.0
"""Relative speed in m/s above which the ball bounces off a field player."""
TACKLE_REACH: Final = 1.1
"""Largest distance of a field player's tackle from the ball, in metres."""
KEEPER_HEIGHT: Final = 2.4
"""Height below which a keeper can reach a free ball, in metres."""
FETCH: Final = 3.0
"""Distance in metres within which a controlled player fetches a free ball automatically."""
TIRES: Final = 1.0 / 192000.0
"""Fatigue per step and (m/s)². Sprinting for 300 s exhausts a player."""
CLUMSY: Final = 0.12
"""Fraction of standing tackles that are fouls. One third of it applies in the tackler's own box."""
POKES: Final = 0.45
"""Fraction of tackles in full games that only knock the ball away."""
SLIDES: Final = 0.03
"""Probability of a slide per step in which a rule-based player could tackle."""


@njit
def press(m: Match, team: int, slot: int, action: int) -> None:
    """Apply the immediate effects of an action: sticky keys, kicks and slides.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        slot: Control slot that acts.
        action: One of the 19 actions.
    """
    keys = m.sticky[team, slot]
    if 1 <= action <= 8 or action == RELEASE_DIRECTION:
        for direction in range(8):
            keys[direction] = 1 if direction == action - 1 else 0
    elif action == SPRINT:
        keys[8] = 1
    elif action == RELEASE_SPRINT:
        keys[8] = 0
    elif action == DRIBBLE:
        keys[9] = 1
    elif action == RELEASE_DRIBBLE:
        keys[9] = 0
    player = m.slot[team, slot]
    if LONG_PASS <= action <= SHOT:
        if m.ball_owned_team == team and m.ball_owned_player == player:
            m.kicked[team, slot] = 1
            if action == SHOT and m.game_mode != THROW_IN:
                shoot(m, team, player, aim_shot(m, team, player), SHOT_RISE, SHOT_ERROR)
            else:
                high = action == HIGH_PASS
                give(m, team, player, high, LONG if high or action == LONG_PASS else SHORT)
    elif action == SLIDING and m.ball_owned_team == 1 - team and m.wait[team, player] <= 0.0 and m.game_mode == NORMAL:
        m.kicked[team, slot] = 1
        if slide(m, team, player):
            m.tackles[team] += 1
            take(m, team, player)


@njit
def control(m: Match, team: int, slot: int) -> None:
    """Move a controlled player by one step according to its sticky keys.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        slot: Control slot of the player.
    """
    player = m.slot[team, slot]
    keys = m.sticky[team, slot]
    has_ball = m.ball_owned_team == team and m.ball_owned_player == player
    speed = WALK_SPEED
    if keys[9]:
        speed = DRIBBLE_SPEED
    elif keys[8]:
        speed = SPRINT_SPEED * (1.0 - bot.TIRED * m.tired[team, player])
    if m.ball_owned_team < 0 and m.wait[team, player] <= 0.0:
        near = math.hypot(m.ball[0] - m.position[team, player, 0], m.ball[1] - m.position[team, player, 1])
        if near < FETCH or (m.receiver == player and m.last_touched == team):
            bot.receive(m, team, player, max(speed, WALK_SPEED))
            return
    if has_ball:
        speed *= ON_BALL
    x, y = 0.0, 0.0
    for direction in range(8):
        if keys[direction]:
            angle = math.pi + direction * math.pi / 4.0  # from left, clockwise on the screen
            x, y = speed * math.cos(angle), speed * math.sin(angle)
    run(m, team, player, x, y)


@njit
def take(m: Match, team: int, player: int) -> None:
    """Give the ball to a player, unless the player is offside.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
    """
    if m.ball_owned_team >= 0:
        m.wait[m.ball_owned_team, m.ball_owned_player] = 0.6
    elif m.last_touched == team and m.flagged[player]:
        m.offside[team] += 1
        note(m, OFFSIDE, team)
        begin(m, FREE_KICK, 1 - team, m.position[team, player, 0], m.position[team, player, 1])
        return
    if m.last_touched != team:
        m.changes[team] += 1
        if m.passer >= 0:
            note(m, INTERCEPTED, team)
        else:
            note(m, BALL_WON, team)
    elif m.passer >= 0 and m.passer != player:
        m.completed[team] += 1
        note(m, PASS_ARRIVED, team)
    m.ball_owned_team = team
    m.ball_owned_player = player
    m.last_touched = team
    m.receiver = -1
    m.passer = -1
    m.since_owned = 0.0
    m.think = 0.2
    m.intent = 0
    unflag(m)
    hand_over(m, team, player, -1)
    carry(m)


@njit
def touch(m: Match) -> None:
    """Let the nearest player within reach control, block or save a free ball."""
    best_team, best, least = -1, -1, 4.0
    for team in range(2):
        for player in range(m.players[team]):
            dx = m.position[team, player, 0] - m.ball[0]
            dy = m.position[team, player, 1] - m.ball[1]
            near = dx * dx + dy * dy
            if near >= least or m.wait[team, player] > 0.0 or m.present[team, player] == 0:
                continue
            hands = player == m.keeper[team]
            reach = bot.keeper_reach(m, team) if hands else CONTROL_REACH
            height = KEEPER_HEIGHT if hands else CONTROL_HEIGHT
            if near < reach * reach and m.ball[2] < height:
                best_team, best, least = team, player, near
    if best < 0:
        return
    dx = m.ball_velocity[0] - m.velocity[best_team, best, 0]
    dy = m.ball_velocity[1] - m.velocity[best_team, best, 1]
    fast = math.sqrt(dx * dx + dy * dy) > TOO_FAST
    keeps = best == m.keeper[best_team]
    if keeps and fast:
        m.saves[best_team] += 1
        note(m, SAVED, best_team)
    holds = 0.3 + 0.3 * m.difficulty[best_team] if m.full_game else 0.75 + 0.2 * m.difficulty[best_team]
    if not fast or (keeps and uniform(m) < holds):
        take(m, best_team, best)
    else:
        # A blocked or saved ball rebounds slowly in a random direction.
        if not keeps:
            note(m, BLOCKED, best_team)
        angle = math.atan2(-m.ball_velocity[1], -m.ball_velocity[0]) + 0.9 * bell(m)
        speed = 4.0 + 4.0 * uniform(m)
        if m.full_game:
            angle += 0.7 * bell(m)
            speed *= 1.3
            if keeps:  # deflected past the post
                angle = math.atan2(math.copysign(1.0, m.ball[1]), math.copysign(0.5 * uniform(m), m.ball[0]))
        kick(m, best_team, best, angle, speed, 1.5)


@njit
def tackle(m: Match) -> None:
    """Let opponents near the ball's owner tackle, foul or slide. A keeper picks up the ball."""
    team = m.ball_owned_team
    if team < 0 or m.game_mode != NORMAL:
        return
    if m.full_game and m.ball_owned_player == m.keeper[team] and in_box(team, m.ball[0], m.ball[1]):
        return  # the ball is in the keeper's hands
    other = 1 - team
    for player in range(m.players[other]):
        dx, dy = m.position[other, player, 0] - m.ball[0], m.position[other, player, 1] - m.ball[1]
        near = dx * dx + dy * dy
        if near > 1.69 or m.wait[other, player] > 0.0 or m.present[other, player] == 0:
            continue
        keeps = player == m.keeper[other]
        if near > TACKLE_REACH * TACKLE_REACH and not keeps:
            continue
        if m.lazy[other] and not keeps:
            continue
        if m.full_game and not keeps:
            chance = 0.05 + 0.08 * m.difficulty[other]
        elif keeps:
            chance = 0.8
        elif m.steered[other, player] >= 0:
            chance = 0.25
        else:
            chance = 0.1 + 0.3 * m.difficulty[other]
        if uniform(m) < chance:
            clumsy = CLUMSY / 3.0 if in_box(other, m.ball[0], m.ball[1]) else CLUMSY
            if m.full_game and not keeps and uniform(m) < clumsy:
                foul(m, other, player, 0.1)
                return
            m.tackles[other] += 1
            if m.full_game and not keeps and uniform(m) < POKES:
                m.wait[team, m.ball_owned_player] = 0.5
                m.changes[other] += 1
                note(m, BALL_WON, other)
                angle = m.facing[team, m.ball_owned_player] + 1.2 * bell(m)
                kick(m, other, player, angle, 4.0 + 6.0 * uniform(m), 0.5)
            else:
                take(m, other, player)
            return
        if m.full_game and not keeps and m.steered[other, player] < 0 and uniform(m) < SLIDES:
            if slide(m, other, player):
                m.tackles[other] += 1
                take(m, other, player)
            return


@njit
def judge(m: Match) -> None:
    """Detect woodwork, goals and balls out of play. The whole ball must have crossed the line."""
    x, y = m.ball[0], m.ball[1]
    side = 1.0 if x > 0.0 else -1.0
    owner = m.ball_owned_team
    if owner >= 0 and m.ball_owned_player == m.keeper[owner]:
        m.ball[0] = min(max(x, -HALF_LENGTH), HALF_LENGTH)  # a ball in the keeper's hands stays in play
        m.ball[1] = min(max(y, -HALF_WIDTH), HALF_WIDTH)
        return
    if abs(x) > HALF_LENGTH:
        if m.ball_owned_team < 0 and frame(m):
            note(m, WOODWORK, m.last_touched)
            return
        if abs(x) <= HALF_LENGTH + BALL_RADIUS:
            return
        attacker = 0 if x > 0.0 else 1
        if abs(y) < GOAL_HALF_WIDTH and m.ball[2] < GOAL_HEIGHT:
            m.score[attacker] += 1
            note(m, GOAL, attacker)
            if m.end_on_score:
                m.ended = LEFT_GOAL if attacker == 0 else RIGHT_GOAL
            else:
                begin(m, KICK_OFF, 1 - attacker, 0.0, 0.0)
        elif m.last_touched == attacker:
            m.goal_kicks[1 - attacker] += 1
            note(m, GIVEN_GOAL_KICK, 1 - attacker)
            begin(m, GOAL_KICK, 1 - attacker, side * (HALF_LENGTH - GOAL_AREA), math.copysign(5.0, y))
        else:
            m.corners[attacker] += 1
            note(m, GIVEN_CORNER, attacker)
            begin(m, CORNER, attacker, side * (HALF_LENGTH - 0.5), math.copysign(HALF_WIDTH - 0.5, y))
    elif abs(y) > HALF_WIDTH + BALL_RADIUS:
        team = 1 - m.last_touched
        m.throw_ins[team] += 1
        note(m, GIVEN_THROW_IN, team)
        begin(m, THROW_IN, team, min(abs(x), HALF_LENGTH - 0.5) * side, math.copysign(HALF_WIDTH, y))


@njit
def wait_for_restart(m: Match) -> None:
    """Hold the taker at the ball and the opponents at their distance until the restart."""
    m.restart_time += STEP
    stand(m)
    keep_off(m)


@njit
def tire(m: Match) -> None:
    """Update each player's waiting time and fatigue."""
    for team in range(2):
        for player in range(m.players[team]):
            m.wait[team, player] = max(m.wait[team, player] - STEP, 0.0)
            vx, vy = m.velocity[team, player, 0], m.velocity[team, player, 1]
            m.tired[team, player] = min(m.tired[team, player] + TIRES * (vx * vx + vy * vy), 1.0)


@njit
def count(m: Match) -> None:
    """Update the clock, possession, designated players and half-time."""
    m.since_kick += STEP
    m.since_owned += STEP
    team = m.ball_owned_team
    if team >= 0:
        m.designated[team] = m.ball_owned_player
        m.possession[team] += 1
        team = 1 - team
    elif m.receiver >= 0:
        m.designated[m.last_touched] = m.receiver
    if team >= 0 and m.controlled[team] == 1:
        m.designated[team] = m.slot[team, 0]
    if m.controlled[0] == 0:
        m.active = m.designated[0]
    if m.game_mode == NORMAL:
        m.in_play += 1
    m.ball_rotation[0] = -m.ball_velocity[1] * STEP / BALL_RADIUS
    m.ball_rotation[1] = m.ball_velocity[0] * STEP / BALL_RADIUS
    over = m.ended == RUNNING and m.half == 0 and 0 < m.half_time <= m.steps + 1 and m.steps_left > 1
    if over:
        note(m, HALF_TIME, 1 - m.first_kick_off)
    m.steps += 1
    m.steps_left -= 1
    if m.ended == RUNNING and m.steps_left <= 0:
        m.ended = TIME_UP
    if over:
        m.half = 1
        begin(m, KICK_OFF, 1 - m.first_kick_off, 0.0, 0.0)


@njit
def step(m: Match, actions: NDArray[np.int64]) -> None:
    """Advance a match by 0.1 s.

    Args:
        m: Match record, changed in place. An ended match does not change.
        actions: [2, 11] action of each controlled slot, with directions as on the screen.
    """
    if m.ended != RUNNING:
        return
    for team in range(2):
        number = m.controlled[team]
        if 0 < number < m.players[team]:
            switch(m, team)
        for slot in range(number):
            m.kicked[team, slot] = 0
            if m.present[team, m.slot[team, slot]]:
                press(m, team, slot, actions[team, slot])
                control(m, team, slot)
    bot.play_bots(m)
    if m.game_mode != NORMAL and not m.set_up:
        wait_for_restart(m)
    play_owner(m)
    for _ in range(SUBSTEPS):
        drift(m)
        if m.game_mode != NORMAL:
            continue
        if m.ball_owned_team < 0:
            fly(m)
        judge(m)
        if m.ended != RUNNING:
            break
        if m.ball_owned_team < 0:
            touch(m)
    if m.ended == RUNNING:
        tackle(m)
        if m.end_on_possession and m.ball_owned_team == 1:
            m.ended = POSSESSION_LOST
    tire(m)
    count(m)
    if m.set_up and m.ended == RUNNING:
        set_up(m)


@njit
def advance(matches: Matches, actions: NDArray[np.int64], frame_skip: int, going: NDArray[np.bool_]) -> None:
    """Advance many matches by several steps. A held action kicks or slides only once.

    Args:
        matches: [N] match records, changed in place.
        actions: [N, 2, 11] action of each controlled slot, as in `step`.
        frame_skip: Number of steps. A match stops when it ends.
        going: [N] mask of the matches to advance.
    """
    held = np.empty((2, MAX_PLAYERS), np.int64)
    for index in range(matches.shape[0]):
        m = matches[index]
        if not going[index]:
            continue
        for team in range(2):
            for slot in range(m.controlled[team]):
                held[team, slot] = actions[index, team, slot]
        for _ in range(frame_skip):
            step(m, held)
            if m.ended != RUNNING:
                break
            for team in range(2):
                for slot in range(m.controlled[team]):
                    if m.kicked[team, slot]:
                        held[team, slot] = 0
