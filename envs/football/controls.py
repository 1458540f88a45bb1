"""Effects of the 19 actions on a controlled player: sticky keys, movement, kicks and slides.

As in GRF (third_party/gfootball_engine/src/onthepitch/player/controller/humancontroller.cpp), a kick needs a windup and
leaves in the direction that is held when the foot meets the ball. A kick pressed before the player has the ball is kept
and played at the first touch.
"""

import math
from typing import Final

from envs.football.bots.running import TIRED, receive
from envs.football.contests import take
from envs.football.engine.fouls import slide
from envs.football.engine.kicks import (
    AHEAD,
    BACK,
    BACKHEEL_ERROR,
    HIGH,
    LONG,
    PASS_ERROR,
    SHORT,
    SHOT_ERROR,
    SHOT_RISE,
    SHOT_SPEED,
    aim_shot,
    best_mate,
    lead,
    play_ball,
    shoot,
)
from envs.football.engine.match import NORMAL, STEP, THROW_IN, Action, Match, bell, uniform
from envs.football.engine.physics import (
    DRIBBLE_ON_BALL,
    DRIBBLE_SPEED,
    SPRINT_ON_BALL,
    SPRINT_SPEED,
    WALK_ON_BALL,
    WALK_SPEED,
    run,
    wrap,
)
from envs.football.engine.steering import far, goes_to_ball
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

WINDUP: Final = 0.2
"""Shortest time from pressing a kick until the ball is off, in seconds, less the step in which it leaves."""
SLOWER: Final = 0.5, 0.25, 0.05
"""Probabilities that a windup takes at least one, two and three steps longer. GRF's takes 3 to 6 steps."""
KEPT: Final = 2.0
"""Seconds for which a kick is kept while the player does not have the ball."""
KICK_TURN: Final = 1.2
"""Largest angle in radians between the facing direction and a shot. The player turns first."""
KICK_TURNS: Final = 3.5
"""Turning rate during a windup, in rad/s. A shot back over the shoulder takes GRF's players 9 steps."""
SLOWS: Final = 0.9
"""Ratio of a player's speed during a windup to its speed before."""
STANDING_SHOT: Final = 0.6
"""Ratio of the speed of a standing player's shot to that of a running player's."""
ACROSS: Final = 5.0
"""Growth of a shot's error with the angle that the player turns for it, per radian."""
PASS_ACROSS: Final = 5.0
"""The same for a pass."""
HASTE: Final = 7.3
"""Speed in m/s at which the controlled player nearest to a free ball runs to it."""
FETCH: Final = 3.0
"""Distance in metres within which a controlled player fetches a free ball even if another one is nearer."""


@njit
def press(m: Match, team: int, slot: int, action: int) -> None:
    """Apply the immediate effects of an action: sticky keys, kicks to come and slides.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        slot: Control slot that acts.
        action: One of the 19 actions.
    """
    keys = m.sticky[team, slot]
    if 1 <= action <= 8 and keys[action - 1] == 0 and m.pending[team, slot] and m.game_mode == NORMAL:
        m.across[team, slot] = 0.0
        m.windup[team, slot] = windup(m)  # the player adjusts its feet to the new direction
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
        if m.pending[team, slot] == 0:
            if goes_to_ball(m, team, player):
                m.kicked[team, slot] = 1
                m.pending[team, slot] = action
                m.kept[team, slot] = 0.0
                m.across[team, slot] = 0.0
                m.windup[team, slot] = windup(m) if m.game_mode == NORMAL else 0.0
        elif action == SHORT_PASS and (m.pending[team, slot] == SHOT or m.pending[team, slot] == HIGH_PASS):
            m.kicked[team, slot] = 1
            m.pending[team, slot] = 0  # a short pass cancels a shot or a high pass
    elif action == SLIDING and m.ball_owned_team == 1 - team and m.wait[team, player] <= 0.0 and m.game_mode == NORMAL:
        m.kicked[team, slot] = 1
        if slide(m, team, player):
            m.tackles[team] += 1
            take(m, team, player)


@njit
def windup(m: Match) -> float:
    """Return the time from pressing a kick until the ball is off, in seconds, less the step in which it leaves."""
    chance = uniform(m)
    time = WINDUP
    for longer in SLOWER:
        if chance < longer:
            time += STEP
    return time


@njit
def held_key(m: Match, team: int, slot: int) -> int:
    """Return the number of the held direction of a slot, 0 (left) to 7 clockwise on the screen, or -1.

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        slot: Control slot.
    """
    for direction in range(8):
        if m.sticky[team, slot, direction]:
            return direction
    return -1


@njit
def heading(m: Match, team: int, slot: int) -> float:
    """Return the held direction of a slot, or the facing direction of its player, in radians.

    Args:
        m: Match record.
        team: 0 for left, 1 for right.
        slot: Control slot.
    """
    direction = held_key(m, team, slot)
    if direction < 0:
        return float(m.facing[team, m.slot[team, slot]])
    return math.pi + direction * math.pi / 4.0


@njit
def strike(m: Match, team: int, slot: int) -> bool:
    """Advance a pressed kick by one step: keep it, turn to it, or play it.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        slot: Control slot that pressed the kick.

    Returns:
        True if the player has the ball, so that the windup or the kick moves it.
    """
    player, action = m.slot[team, slot], m.pending[team, slot]
    if m.ball_owned_team != team or m.ball_owned_player != player:
        m.kept[team, slot] += STEP
        if m.ball_owned_team >= 0 or m.kept[team, slot] > KEPT:
            m.pending[team, slot] = 0
        return False
    towards = heading(m, team, slot)
    shot = action == SHOT and m.game_mode != THROW_IN
    mate, x, y = -1, 0.0, 0.0
    if shot:
        angle = aim_shot(m, team, towards)
    else:
        mate = best_mate(m, team, player, towards)
        x, y = lead(m, team, mate, towards, AHEAD if action == LONG_PASS else 0.0)
        angle = math.atan2(y, x)
    m.across[team, slot] = max(m.across[team, slot], abs(wrap(angle - m.facing[team, player])))
    vx, vy = m.velocity[team, player, 0], m.velocity[team, player, 1]
    before = math.sqrt(vx * vx + vy * vy)
    if m.game_mode != NORMAL:
        m.facing[team, player] = angle
    else:
        speed = SLOWS * before + 0.02  # a standing player turns too
        facing = m.facing[team, player]
        turn = min(max(wrap(angle - facing), -KICK_TURNS * STEP), KICK_TURNS * STEP)
        run(m, team, player, speed * math.cos(facing + turn), speed * math.sin(facing + turn))
        m.windup[team, slot] -= STEP
    off = abs(wrap(angle - m.facing[team, player]))
    if m.game_mode == NORMAL and (m.windup[team, slot] > -0.5 * STEP or (shot and off > KICK_TURN)):
        return True
    m.pending[team, slot] = 0
    if shot:
        power = STANDING_SHOT + (1.0 - STANDING_SHOT) * min(before / WALK_SPEED, 1.0)
        shoot(m, team, player, angle, power * SHOT_SPEED, SHOT_RISE, SHOT_ERROR * (1.0 + ACROSS * m.across[team, slot]))
    else:
        error = PASS_ERROR * (1.0 + PASS_ACROSS * m.across[team, slot])
        if off > BACK:
            error = BACKHEEL_ERROR
        kind = HIGH if action == HIGH_PASS else LONG if action == LONG_PASS else SHORT
        play_ball(m, team, player, mate, angle + error * bell(m), math.hypot(x, y), kind)
    return True


@njit
def control(m: Match, team: int, slot: int) -> None:
    """Move a controlled player by one step according to its sticky keys, and play its pressed kick.

    As in GRF, the player nearest to a free ball runs to it by itself, whatever direction is held. Sprint and dribble
    held together turn this off.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        slot: Control slot of the player.
    """
    if m.pending[team, slot] and strike(m, team, slot):
        return
    player = m.slot[team, slot]
    keys = m.sticky[team, slot]
    if m.ball_owned_team < 0 and m.wait[team, player] <= 0.0 and not (keys[8] and keys[9]):
        if far(m, team, player) < FETCH * FETCH or goes_to_ball(m, team, player):
            receive(m, team, player, HASTE)
            return
    has_ball = m.ball_owned_team == team and m.ball_owned_player == player
    speed = WALK_ON_BALL if has_ball else WALK_SPEED
    if keys[8]:
        speed = (SPRINT_ON_BALL if has_ball else SPRINT_SPEED) * (1.0 - TIRED * m.tired[team, player])
    elif keys[9]:
        speed = DRIBBLE_ON_BALL if has_ball else DRIBBLE_SPEED
    x, y = 0.0, 0.0
    if held_key(m, team, slot) >= 0:
        angle = heading(m, team, slot)
        x, y = speed * math.cos(angle), speed * math.sin(angle)
    run(m, team, player, x, y)
