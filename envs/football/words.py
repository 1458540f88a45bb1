"""A match as text: an observation sufficient to play without images, and feedback on the last event."""

import math
from typing import Final

import numpy as np

from envs.football.engine.match import (
    BALL_RADIUS,
    BALL_WON,
    BLOCKED,
    FOUL,
    GIVEN_CORNER,
    GIVEN_GOAL_KICK,
    GIVEN_PENALTY,
    GIVEN_THROW_IN,
    GOAL,
    HALF_TIME,
    INTERCEPTED,
    NORMAL,
    OFFSIDE,
    PASS_ARRIVED,
    RED_CARD,
    SAVED,
    WOODWORK,
    YELLOW_CARD,
)
from render.football.camera import MODES

_COMPASS: Final = ("right", "bottom right", "bottom", "bottom left", "left", "top left", "top", "top right")

_SENTENCES: Final = {
    PASS_ARRIVED: ("The pass arrived.", "They passed the ball on."),
    BALL_WON: ("Your team won the ball.", "They won the ball."),
    INTERCEPTED: ("Your team intercepted a pass.", "The pass was intercepted."),
    BLOCKED: ("Your team blocked the ball.", "The ball was blocked."),
    SAVED: ("Your keeper saved.", "The keeper saved the shot."),
    WOODWORK: ("The ball hit the woodwork.", "They hit the woodwork."),
    GIVEN_THROW_IN: ("The ball went out: your throw-in.", "The ball went out: their throw-in."),
    GIVEN_GOAL_KICK: ("The ball went out: your goal kick.", "The ball went out: their goal kick."),
    GIVEN_CORNER: ("The ball went out: your corner.", "The ball went out: their corner."),
    OFFSIDE: ("Offside: their free kick.", "They were offside: your free kick."),
    FOUL: ("A foul by your team: their free kick.", "They fouled: your free kick."),
    YELLOW_CARD: ("A foul and a yellow card for your team.", "They fouled and saw a yellow card."),
    RED_CARD: ("A player of your team is sent off.", "One of their players is sent off."),
    GIVEN_PENALTY: ("A foul in their box: your penalty.", "A foul in your box: their penalty."),
    HALF_TIME: ("Half-time: your kick-off.", "Half-time: their kick-off."),
    GOAL: ("Goal for your team.", "Goal for the others."),
}
"""Each event in the view of `event_team` and of the other team."""


def compass(angle: float) -> str:
    """Return the closest of eight direction names to an angle in radians, clockwise on the screen from right."""
    return _COMPASS[round(angle * 4.0 / math.pi) % 8]


def describe(m: np.void, team: int = 0, slot: int = 0) -> str:
    """Return the text observation of a controlled player.

    Positions are in metres from the centre spot, with x to the right and y downwards. The attacked goal is at x = 54.4,
    its posts at y = ±3.7. Angles are in degrees, clockwise from right. The right team's view is rotated by 180 degrees.

    Args:
        m: Match record.
        team: Team of the observer, 0 for left, 1 for right.
        slot: Control slot of the observer.
    """
    sign = 1.0 if team == 0 else -1.0
    mates, others = m["position"].tolist() if team == 0 else (0.0 - m["position"][::-1]).tolist()
    here, there = m["present"].tolist() if team == 0 else m["present"][::-1].tolist()
    me = int(m["slot"][team, slot])
    x, y = mates[me]
    facing = float(m["facing"][team, me]) + (0.0 if team == 0 else math.pi)
    facing -= 2.0 * math.pi * round(facing / (2.0 * math.pi))
    speed = math.hypot(*m["velocity"][team, me].tolist())
    ball_x, ball_y, ball_z = m["ball"].tolist()
    owned = int(m["ball_owned_team"])
    if owned < 0:
        owner = "free" if ball_z < BALL_RADIUS + 0.3 else f"free, {ball_z:.1f} high"
    elif owned != team:
        owner = "theirs"
    else:
        owner = "yours" if m["ball_owned_player"] == me else "a mate's"
    *_, sprint, dribble = m["sticky"][team, slot].tolist()
    keys = (", sprint on" if sprint else "") + (", dribble on" if dribble else "")
    text = (
        f"you ({x:.1f}, {y:.1f}) facing {compass(facing)} {round(math.degrees(facing))} deg, {speed:.1f} m/s{keys}; "
        f"ball ({sign * ball_x:.1f}, {sign * ball_y:.1f}) {owner}; goal x 54.4, y -3.7 to 3.7"
    )
    if m["full_game"] and not m["end_on_score"]:
        own, their = m["score"].tolist() if team == 0 else m["score"].tolist()[::-1]
        mode = int(m["game_mode"])
        taker = ", your" if m["restart_team"] == team else ", their"
        what = f"{taker} {MODES[mode]}" if mode != NORMAL else ""
        text = f"score {own}:{their}, {int(m['steps_left']) / 10:.0f} s left{what}; {text}"
    first = 0
    if m["keeper"][1 - team] == 0 and there[0]:
        text += f"; keeper ({others[0][0]:.1f}, {others[0][1]:.1f})"
        first = 1
    seen = [place for i, place in enumerate(others) if i >= first and there[i]]
    near = sorted([((a - x) * (a - x) + (b - y) * (b - y), a, b) for a, b in seen])
    if near:
        text += "; opponents " + " ".join([f"({a:.1f}, {b:.1f})" for _, a, b in near])
    places = [f"({a:.1f}, {b:.1f})" for i, (a, b) in enumerate(mates) if here[i] and i != me and i > 0]
    if places:
        text += "; mates " + " ".join(places)
    return text


def feedback(m: np.void, team: int = 0, steps: int = 1) -> str:
    """Return one sentence about the most important event of the last steps, or "" if there was none.

    Args:
        m: Match record.
        team: Team of the observer, 0 for left, 1 for right.
        steps: Number of last steps.
    """
    event = int(m["event"])
    if event not in _SENTENCES or m["event_step"] < m["steps"] - steps:
        return ""
    return _SENTENCES[event][0 if m["event_team"] == team else 1]
