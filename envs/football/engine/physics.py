"""Motion of the ball and the players, in metres and seconds. Functions change only the match record."""

import math
from typing import Final

from envs.football.engine.match import (
    BALL_RADIUS,
    GOAL_HALF_WIDTH,
    GOAL_HEIGHT,
    HALF_LENGTH,
    HALF_WIDTH,
    NORMAL,
    STEP,
    SUBSTEP,
    Match,
)
from render.draw.jit import njit

# Ball constants from GRF's third_party/gfootball_engine/src/onthepitch/ball.cpp.
GRAVITY: Final = -9.81
BOUNCE: Final = 0.62
LINEAR_BOUNCE: Final = 0.06
DRAG: Final = 0.015
FRICTION: Final = 0.04
LINEAR_FRICTION: Final = 1.6
GRASS: Final = 0.025
"""Height in metres below which the grass slows the ball."""
POST_RADIUS: Final = 0.06
WOOD: Final = 0.7
"""Fraction of its speed that the ball keeps when it bounces off the goal frame."""

# Player speeds in m/s, from GRF's gamedefines.hpp.
DRIBBLE_SPEED: Final = 3.5
WALK_SPEED: Final = 5.0
SPRINT_SPEED: Final = 8.0
DRIBBLE_ON_BALL: Final = 3.85
WALK_ON_BALL: Final = 5.1
SPRINT_ON_BALL: Final = 7.4
"""Speeds with the ball, measured in GRF by `benchmarks.football_fidelity`."""
STANDING: Final = 1.0
"""Speed in m/s below which the ball's owner counts as standing."""
WIDE: Final = 15.0
"""Distance in metres from the middle of the pitch beyond which a drill's defenders leave the ball's owner alone."""
ACCELERATION: Final = 8.0
BRAKING: Final = 11.0
"""Largest acceleration and deceleration of a player, in m/s²."""
TURN_STANDING: Final = 10.0
"""Turning rate of a standing player in rad/s. Each m/s of speed reduces it by `TURN_SLOWER`."""
TURN_SLOWER: Final = 0.85
BALL_AHEAD: Final = 0.65
"""Distance from a player's centre to the ball at its foot, in metres."""


@njit
def wrap(angle: float) -> float:
    """Return the angle wrapped to [-π, π)."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


@njit
def stands(m: Match) -> bool:
    """Return True if the ball has an owner that stands."""
    team, player = m.ball_owned_team, m.ball_owned_player
    if team < 0:
        return False
    return bool(math.hypot(m.velocity[team, player, 0], m.velocity[team, player, 1]) < STANDING)


@njit
def left_alone(m: Match) -> bool:
    """Return True if a drill's defenders leave the ball's owner alone: it is wide, or stands and has been challenged.

    Idle play ends at once or never in GRF's drills, and never where the ball starts near the touchline.
    """
    return bool(abs(m.ball[1]) > WIDE or (m.challenged and stands(m)))


@njit
def halt(m: Match, team: int, player: int) -> None:
    """Stop a player at once.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
    """
    m.velocity[team, player, 0] = 0.0
    m.velocity[team, player, 1] = 0.0


@njit
def fly(m: Match) -> None:
    """Advance a free ball by one substep: gravity, drag, bounce, grass, motion. The order is that of ball.cpp."""
    v = m.ball_velocity
    v[2] += GRAVITY * SUBSTEP
    speed = math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    kept = 1.0 - DRAG * speed * SUBSTEP
    v[0] *= kept
    v[1] *= kept
    v[2] *= kept
    bottom = m.ball[2] - BALL_RADIUS
    if bottom < 0.0:
        if v[2] < 0.0:
            v[2] = max(-v[2] * BOUNCE - LINEAR_BOUNCE, 0.0)
        m.ball[2] = BALL_RADIUS
    if bottom < GRASS:
        grass = min(max(1.0 - bottom / GRASS, 0.0), 1.0) ** 0.7
        along = math.sqrt(v[0] * v[0] + v[1] * v[1])
        if along > 0.0:
            slower = max(along - (FRICTION * along * along + LINEAR_FRICTION) * grass * SUBSTEP, 0.0) / along
            v[0] *= slower
            v[1] *= slower
    for axis in range(3):
        m.ball[axis] += v[axis] * SUBSTEP


@njit
def landing(m: Match, height: float) -> tuple[float, float]:
    """Return the place where a flying ball comes down.

    Args:
        m: Match record.
        height: Height of the ball at that place, in metres.

    Returns:
        Coordinates (x, y) in metres.
    """
    time = 5.0 * SUBSTEP
    x, y, z = m.ball[0], m.ball[1], m.ball[2]
    vx, vy, vz = m.ball_velocity[0], m.ball_velocity[1], m.ball_velocity[2]
    while z > height or vz > 0.0:
        vz += GRAVITY * time
        kept = 1.0 - DRAG * math.sqrt(vx * vx + vy * vy + vz * vz) * time
        vx *= kept
        vy *= kept
        vz *= kept
        x += vx * time
        y += vy * time
        z += vz * time
    return x, y


@njit
def frame(m: Match) -> bool:
    """Bounce a free ball off a post or the bar, and return True if it hit one in the last substep.

    Ball and post are circles. `off` is the distance between their centres where the ball crosses the goal line.
    """
    beyond = abs(m.ball[0]) - HALF_LENGTH
    side = 1.0 if m.ball[0] > 0.0 else -1.0
    v = m.ball_velocity
    outwards = side * v[0]
    if beyond < 0.0 or outwards <= 0.0 or beyond > outwards * SUBSTEP:
        return False
    ago = beyond / outwards
    y, z = m.ball[1] - ago * v[1], m.ball[2] - ago * v[2]
    touching = BALL_RADIUS + POST_RADIUS
    bar = z - GOAL_HEIGHT - POST_RADIUS
    post = abs(y) - GOAL_HALF_WIDTH - POST_RADIUS
    axis, off, sign = 1, post, 1.0 if y > 0.0 else -1.0
    if abs(post) >= touching or bar > 0.0:
        if abs(bar) >= touching or post > 0.0:
            return False
        axis, off, sign = 2, bar, 1.0
    normal_x = -side * math.sqrt(1.0 - off * off / (touching * touching))
    normal = sign * off / touching
    into = v[0] * normal_x + v[axis] * normal
    m.ball[0] = side * HALF_LENGTH + touching * normal_x
    m.ball[1], m.ball[2] = y, z
    if into < 0.0:
        v[0] -= (1.0 + WOOD) * into * normal_x
        v[axis] -= (1.0 + WOOD) * into * normal
    return True


@njit
def run(m: Match, team: int, player: int, wanted_x: float, wanted_y: float) -> None:
    """Move a field player towards a target velocity. The player turns first and runs in its facing direction.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        wanted_x: Target velocity along x, in m/s.
        wanted_y: Target velocity along y, in m/s.
    """
    velocity = m.velocity[team, player]
    facing = m.facing[team, player]
    speed = math.sqrt(velocity[0] * velocity[0] + velocity[1] * velocity[1])
    wanted = math.sqrt(wanted_x * wanted_x + wanted_y * wanted_y)
    if wanted > 0.01:
        left_over = wrap(math.atan2(wanted_y, wanted_x) - facing)
        most = (TURN_STANDING - TURN_SLOWER * speed) * STEP
        turn = min(max(left_over, -most), most)
        facing = wrap(facing + turn)
        wanted *= max(math.cos(left_over - turn), 0.0)
    speed = min(max(wanted, speed - BRAKING * STEP), speed + ACCELERATION * STEP)
    m.facing[team, player] = facing
    velocity[0] = speed * math.cos(facing)
    velocity[1] = speed * math.sin(facing)


@njit
def glide(m: Match, team: int, player: int, wanted_x: float, wanted_y: float, most: float) -> None:
    """Move a keeper towards a target velocity while it faces the ball.

    Args:
        m: Match record, changed in place.
        team: 0 for left, 1 for right.
        player: Index of the player in the team.
        wanted_x: Target velocity along x, in m/s.
        wanted_y: Target velocity along y, in m/s.
        most: Largest change of velocity in this step, in m/s.
    """
    velocity = m.velocity[team, player]
    dx, dy = wanted_x - velocity[0], wanted_y - velocity[1]
    change = math.sqrt(dx * dx + dy * dy)
    if change > most:
        dx *= most / change
        dy *= most / change
    velocity[0] += dx
    velocity[1] += dy
    position = m.position[team, player]
    m.facing[team, player] = math.atan2(m.ball[1] - position[1], m.ball[0] - position[0])


@njit
def drift(m: Match) -> None:
    """Advance all positions by one substep, up to 3 m outside the pitch. A carried ball moves with its owner."""
    for team in range(2):
        for player in range(m.players[team]):
            if m.present[team, player] == 0:
                continue
            position, velocity = m.position[team, player], m.velocity[team, player]
            position[0] = min(max(position[0] + velocity[0] * SUBSTEP, -HALF_LENGTH - 3.0), HALF_LENGTH + 3.0)
            position[1] = min(max(position[1] + velocity[1] * SUBSTEP, -HALF_WIDTH - 3.0), HALF_WIDTH + 3.0)
    if m.ball_owned_team >= 0 and m.game_mode == NORMAL:
        carry(m)


@njit
def carry(m: Match) -> None:
    """Place the ball at its owner's foot."""
    team, player = m.ball_owned_team, m.ball_owned_player
    facing = m.facing[team, player]
    m.ball[0] = m.position[team, player, 0] + BALL_AHEAD * math.cos(facing)
    m.ball[1] = m.position[team, player, 1] + BALL_AHEAD * math.sin(facing)
    m.ball[2] = BALL_RADIUS
    m.ball_velocity[0] = m.velocity[team, player, 0]
    m.ball_velocity[1] = m.velocity[team, player, 1]
    m.ball_velocity[2] = 0.0
