"""Conversion of matches to the plain arrays that `render.football` draws."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.football.engine.match import BALL_RADIUS, MAX_PLAYERS, METRES_X, METRES_Y, Matches
from render.draw.jit import njit
from render.football.blit import BOOKED, COMPANION, CONTROLLED, PRESENT, SPRINTING
from render.football.blit import KEEPER as IN_GOAL
from render.football.camera import Scene

Seats = NDArray[np.int64]
"""[K, 2] team and slot of each view."""
SPECTATOR: Final[Seats] = np.array([[0, -1]])
"""A view that marks all controlled players alike."""


@njit
def _see(
    matches: Matches,
    seats: Seats,
    players: NDArray[np.float64],
    marks: NDArray[np.int64],
    ball: NDArray[np.float64],
    board: NDArray[np.int64],
) -> None:
    for index in range(len(marks)):
        m = matches[index // len(seats)]
        side, seat = seats[index % len(seats), 0], seats[index % len(seats), 1]
        sign = 1.0 - 2.0 * side
        for team in range(2):
            shown = team ^ side  # the right team's view is rotated, so that it also attacks to the right
            for player in range(MAX_PLAYERS):
                place = players[index, shown, player]
                place[0] = sign * m.position[team, player, 0] / METRES_X
                place[1] = sign * m.position[team, player, 1] / METRES_Y
                place[2] = sign * math.cos(m.facing[team, player])
                place[3] = sign * math.sin(m.facing[team, player])
                mark = PRESENT if m.present[team, player] else 0
                if player == m.keeper[team]:
                    mark |= IN_GOAL
                if m.yellow[team, player] > 0:
                    mark |= BOOKED
                marks[index, shown, player] = mark
            for slot in range(m.controlled[team]):
                player = m.slot[team, slot]
                if seat < 0 or (team == side and slot == seat):
                    marks[index, shown, player] |= CONTROLLED | (SPRINTING if m.sticky[team, slot, 8] else 0)
                else:
                    marks[index, shown, player] |= COMPANION
        ball[index, 0] = sign * m.ball[0] / METRES_X
        ball[index, 1] = sign * m.ball[1] / METRES_Y
        ball[index, 2] = m.ball[2] - BALL_RADIUS
        board[index, 0], board[index, 1] = m.score[side], m.score[1 - side]
        board[index, 2] = m.steps // 10
        board[index, 3] = 1 + m.half if m.half_time > 0 else 0
        board[index, 4] = m.game_mode


def see(matches: Matches, seats: Seats = SPECTATOR) -> Scene:
    """Return the scene of N matches from K seats: N · K views, grouped by match."""
    number = len(matches) * len(seats)
    scene = Scene(
        np.empty((number, 2, MAX_PLAYERS, 4)),
        np.empty((number, 2, MAX_PLAYERS), np.int64),
        np.empty((number, 3)),
        np.empty((number, 5), np.int64),
    )
    _see(matches, seats, *scene)
    return scene
