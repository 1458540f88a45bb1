"""Contests for the ball: control, blocks, saves and tackles."""

import math
from typing import Final

from envs.football.bots.keeper import keeper_reach
from envs.football.engine.fouls import foul, slide
from envs.football.engine.kicks import kick
from envs.football.engine.match import (
    BALL_WON,
    BLOCKED,
    FREE_KICK,
    INTERCEPTED,
    NORMAL,
    OFFSIDE,
    PASS_ARRIVED,
    SAVED,
    Match,
    bell,
    note,
    uniform,
)
from envs.football.engine.offside import unflag
from envs.football.engine.physics import carry, left_alone, stands
from envs.football.engine.restarts import begin, in_box
from envs.football.engine.steering import hand_over
from render.draw.jit import njit

CONTROL_REACH: Final = 0.8
"""Horizontal distance within which a field player can reach a free ball, in metres."""
CONTROL_HEIGHT: Final = 1.2
"""Height below which a field player can reach a free ball, in metres."""
TOO_FAST: Final = 17.0
"""Relative speed in m/s above which the ball bounces off a field player."""
PARRIED: Final = 10.0
"""The same speed for a drill's keeper, which holds only some of the faster balls."""
TRAPPED: Final = 26.0
"""The same speed for the receiver of a pass."""
TACKLE_REACH: Final = 1.1
"""Largest distance of a field player's tackle from the ball, in metres."""
KEEPER_HEIGHT: Final = 2.4
"""Height below which a keeper can reach a free ball, in metres."""
CLUMSY: Final = 0.12
"""Fraction of standing tackles that are fouls. One third of it applies in the tackler's own box."""
POKES: Final = 0.45
"""Fraction of tackles in full games that only knock the ball away."""
SLIDES: Final = 0.03
"""Probability of a slide per step in which a rule-based player could tackle."""
PASSES_BY: Final = 3.0
"""Speed in m/s above which a drill's keeper lets a ball of the other team pass outside its penalty area."""
SURPRISE: Final = 0.8
"""Seconds after a kick during which a drill's other field players cannot control the ball. GRF makes it hard."""
FRONT: Final = 0.65
BEHIND: Final = 0.5
"""Probabilities at difficulty 0.6 that a drill's defender wins the ball from a standing player, ahead of it or behind.
It tries once. Idle play in GRF has the same two outcomes: the ball is lost at the first challenge, or never."""
RUNNING_CHANCE: Final = 0.05
"""Probability at difficulty 0.6 that a drill's defender within reach wins the ball from a running player in a step."""
PATIENT: Final = 0.25
"""Ratio of the probability of a tackle on a standing player to that on a running one, in full games."""


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
    m.challenged = 0
    unflag(m)
    hand_over(m, team, player, -1)
    carry(m)


@njit
def touch(m: Match) -> None:
    """Let the nearest player within reach control, block or save a free ball."""
    best_team, best, least = -1, -1, 4.0
    rolls = m.ball_velocity[0] ** 2 + m.ball_velocity[1] ** 2 > PASSES_BY * PASSES_BY
    for team in range(2):
        for player in range(m.players[team]):
            dx = m.position[team, player, 0] - m.ball[0]
            dy = m.position[team, player, 1] - m.ball[1]
            near = dx * dx + dy * dy
            if near >= least or m.wait[team, player] > 0.0 or m.present[team, player] == 0:
                continue
            hands = player == m.keeper[team]
            if m.full_game == 0 and team != m.last_touched:
                if not hands and m.since_kick < SURPRISE:
                    continue
                if hands and rolls and not in_box(team, m.ball[0], m.ball[1]):
                    continue
            reach = keeper_reach(m, team) if hands else CONTROL_REACH
            height = KEEPER_HEIGHT if hands else CONTROL_HEIGHT
            if near < reach * reach and m.ball[2] < height:
                best_team, best, least = team, player, near
    if best < 0:
        return
    dx = m.ball_velocity[0] - m.velocity[best_team, best, 0]
    dy = m.ball_velocity[1] - m.velocity[best_team, best, 1]
    awaited = best == m.receiver and best_team == m.last_touched
    speed = math.sqrt(dx * dx + dy * dy)
    fast = speed > (TRAPPED if awaited else TOO_FAST)
    keeps = best == m.keeper[best_team]
    if keeps and m.full_game == 0 and best_team != m.last_touched:
        fast = speed > PARRIED
    if keeps and fast:
        m.saves[best_team] += 1
        note(m, SAVED, best_team)
    holds = 0.3 + 0.3 * m.difficulty[best_team] if m.full_game else 0.35 + 0.25 * m.difficulty[best_team]
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
    standing = stands(m)
    if not standing:
        m.challenged = 0
    for player in range(m.players[other]):
        dx, dy = m.position[other, player, 0] - m.ball[0], m.position[other, player, 1] - m.ball[1]
        near = dx * dx + dy * dy
        if near > 1.69 or m.wait[other, player] > 0.0 or m.present[other, player] == 0:
            continue
        keeps = player == m.keeper[other]
        if near > TACKLE_REACH * TACKLE_REACH and not keeps:
            continue
        if keeps and not in_box(other, m.ball[0], m.ball[1]):
            continue
        if m.lazy[other] and not keeps:
            continue
        if m.full_game and not keeps:
            chance = (0.05 + 0.08 * m.difficulty[other]) * (PATIENT if standing else 1.0)
        elif keeps:
            chance = 0.4
        elif m.steered[other, player] >= 0:
            chance = 0.25
        elif standing:
            if left_alone(m):
                continue
            m.challenged = 1
            ahead = -dx if team == 1 else dx
            chance = (FRONT if ahead > 0.0 else BEHIND) * (0.4 + m.difficulty[other])
        else:
            chance = RUNNING_CHANCE * (0.4 + m.difficulty[other]) * (0.2 if left_alone(m) else 1.0)
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
