"""Transcript of a match: a coarse reading of the picture in at most twelve digits, as the view of one player."""

import math
from typing import Final

import numpy as np

from envs.football.engine.match import HALF_LENGTH

EDGES: Final = (1.0, 3.0, 6.0, 12.0)
"""Bounds between the digits of an offset, in metres."""
PER_DIGIT: Final = 2.5
"""Metres of distance to the goal line per digit. 9 is 22.5 m and more, where the ball camera shows no goal."""


def offset(metres: float) -> str:
    """Return the digit of an offset to the right or downwards: 5 is within 1 m, 6 to 9 are further, 4 to 1 opposite."""
    steps = sum(abs(metres) >= edge for edge in EDGES)
    return str(5 + (steps if metres > 0 else -steps))


def transcribe(m: np.void, team: int = 0, slot: int = 0) -> str:
    """Return what the picture shows around the ball.

    - two digits: distance of the ball from the goal line in steps of 2.5 m, and the `offset` of the goal's middle from
      the ball in y;
    - two digits each: the offsets from the ball in x and y of the player, the opponents' keeper, and their nearest
      field player. `00` if there is none;
    - two digits: the direction that the player faces (the number of its action, 1 left to 8 bottom_left), and 1 while
      it sprints, else 0;
    - two digits: the offsets of the teammate nearest to the ball. Nothing if there is none.

    The right team's view is rotated by 180 degrees.

    Args:
        m: Match record.
        team: Team of the observer, 0 for left, 1 for right.
        slot: Control slot of the observer.
    """
    sign = 1.0 if team == 0 else -1.0
    ball_x, ball_y = (sign * float(value) for value in m["ball"][:2])
    me = int(m["slot"][team, slot])

    def places(side: int) -> dict[int, tuple[float, float]]:
        """Return the offsets from the ball of a team's players."""
        at = (sign * m["position"][side]).tolist()
        return {i: (x - ball_x, y - ball_y) for i, (x, y) in enumerate(at) if m["present"][side, i]}

    def digits(found: tuple[float, float] | None) -> str:
        return "00" if found is None else offset(found[0]) + offset(found[1])

    mates, others = places(team), places(1 - team)
    own, keeper = mates.pop(me), others.pop(int(m["keeper"][1 - team]), None)
    mates.pop(0, None)
    nearest = min(others.values(), key=lambda at: math.hypot(*at), default=None)
    mate = min(mates.values(), key=lambda at: math.hypot(*at), default=None)
    goal = f"{min(max(int((HALF_LENGTH - ball_x) / PER_DIGIT), 0), 9)}{offset(-ball_y)}"
    turn = float(m["facing"][team, me]) + (0.0 if team == 0 else math.pi)
    facing = 1 + (round(turn * 4.0 / math.pi) + 4) % 8
    seen = f"{goal}{digits(own)}{digits(keeper)}{digits(nearest)}{facing}{int(m['sticky'][team, slot, 8])}"
    return seen if mate is None else seen + digits(mate)
