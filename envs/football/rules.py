"""The rules of a match: `step` advances it by 0.1 s. Functions change only the match record."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.football.bots import bot
from envs.football.bots.attack import play_owner
from envs.football.contests import tackle, touch
from envs.football.controls import control, press
from envs.football.engine.match import (
    BALL_RADIUS,
    CORNER,
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
    KICK_OFF,
    LEFT_GOAL,
    MAX_PLAYERS,
    NORMAL,
    POSSESSION_LOST,
    RIGHT_GOAL,
    RUNNING,
    STEP,
    SUBSTEPS,
    THROW_IN,
    TIME_UP,
    WOODWORK,
    Match,
    Matches,
    note,
)
from envs.football.engine.physics import drift, fly, frame
from envs.football.engine.restarts import GOAL_AREA, begin, keep_off, set_up, stand
from envs.football.engine.steering import switch
from render.draw.jit import njit

TIRES: Final = 1.0 / 192000.0
"""Fatigue per step and (m/s)². Sprinting for 300 s exhausts a player."""


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
def possess(m: Match) -> None:
    """End the episode if it ends on a change of possession and the ball has changed teams, in either direction.

    As in GRF (gfootball/env/football_env_core.py), the first team that gets the ball changes nothing.
    """
    team = m.ball_owned_team
    if team < 0:
        return
    if m.end_on_possession and m.possessor >= 0 and m.possessor != team and m.ended == RUNNING:
        m.ended = POSSESSION_LOST
    m.possessor = team


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
        possess(m)
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
