"""A match in words: all that is needed to play without seeing it, in metres."""

import math

import numpy as np

from envs.football.match import BALL_RADIUS

_COMPASS = ("right", "bottom right", "bottom", "bottom left", "left", "top left", "top", "top right")


def compass(angle: float) -> str:
    """The nearest of the eight directions to an angle (radians, clockwise on the screen from right)."""
    return _COMPASS[round(angle * 4.0 / math.pi) % 8]


def describe(m: np.void) -> str:
    """The observation in words.

    x grows to the right (towards the goal attacked, its line at x = 54.4, posts at y = ±3.7), y grows downwards, the
    origin is the centre spot; angles are degrees clockwise from right.
    """
    left_count, right_count = m["players"].tolist()
    left, right = m["position"].tolist()
    active = int(m["active"])
    x, y = left[active]
    facing = float(m["facing"][0, active])
    speed = math.hypot(*m["velocity"][0, active].tolist())
    ball_x, ball_y, ball_z = m["ball"].tolist()
    team = m["ball_owned_team"]
    if team < 0:
        owner = "free" if ball_z < BALL_RADIUS + 0.3 else f"free, {ball_z:.1f} high"
    elif team == 1:
        owner = "theirs"
    else:
        owner = "yours" if m["ball_owned_player"] == active else "a mate's"
    *_, sprint, dribble = m["sticky"][0, 0].tolist()
    mode = (", sprint on" if sprint else "") + (", dribble on" if dribble else "")
    place = f"({right[0][0]:.1f}, {right[0][1]:.1f})"
    text = (
        f"you ({x:.1f}, {y:.1f}) facing {compass(facing)} {round(math.degrees(facing))} deg, {speed:.1f} m/s{mode}; "
        f"ball ({ball_x:.1f}, {ball_y:.1f}) {owner}; goal x 54.4, y -3.7 to 3.7; keeper {place}"
    )
    if right_count > 1:
        nearest = sorted([(a - x) * (a - x) + (b - y) * (b - y), a, b] for a, b in right[1:right_count])
        text += "; opponents " + " ".join([f"({a:.1f}, {b:.1f})" for _, a, b in nearest])
    if left_count > 2:
        places = [f"({a:.1f}, {b:.1f})" for i, (a, b) in enumerate(left[1:left_count], 1) if i != active]
        text += "; mates " + " ".join(places)
    return text
