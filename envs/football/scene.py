"""What a camera sees of matches: the plain arrays that `render.football` draws."""

import math

import numpy as np
from numpy.typing import NDArray

from envs.football.match import BALL_RADIUS, KEEPER, MAX_PLAYERS, METRES_X, METRES_Y, Matches
from render.football import Scene
from render.football_blit import CONTROLLED, PRESENT, SPRINTING
from render.football_blit import KEEPER as IN_GOAL
from render.jit import njit


@njit
def _see(
    matches: Matches,
    players: NDArray[np.float64],
    marks: NDArray[np.int64],
    ball: NDArray[np.float64],
    board: NDArray[np.int64],
) -> None:
    for index in range(matches.shape[0]):
        m = matches[index]
        for team in range(2):
            for player in range(MAX_PLAYERS):
                place = players[index, team, player]
                place[0] = m.position[team, player, 0] / METRES_X
                place[1] = m.position[team, player, 1] / METRES_Y
                place[2] = math.cos(m.facing[team, player])
                place[3] = math.sin(m.facing[team, player])
                mark = PRESENT if m.present[team, player] else 0
                if player == KEEPER:
                    mark |= IN_GOAL
                if team == 0 and player == m.active:
                    mark |= CONTROLLED | (SPRINTING if m.sticky[0, 0, 8] else 0)
                marks[index, team, player] = mark
        ball[index, 0] = m.ball[0] / METRES_X
        ball[index, 1] = m.ball[1] / METRES_Y
        ball[index, 2] = m.ball[2] - BALL_RADIUS
        board[index, 0], board[index, 1] = m.score[0], m.score[1]
        board[index, 2], board[index, 3], board[index, 4] = m.steps // 10, 0, 0


def see(matches: Matches) -> Scene:
    """The scene of N matches."""
    number = len(matches)
    scene = Scene(
        np.empty((number, 2, MAX_PLAYERS, 4)),
        np.empty((number, 2, MAX_PLAYERS), np.int64),
        np.empty((number, 3)),
        np.empty((number, 5), np.int64),
    )
    _see(matches, *scene)
    return scene
