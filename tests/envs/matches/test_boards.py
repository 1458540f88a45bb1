"""Experts and texts of board games."""

from collections.abc import Callable

import numpy as np
import pytest

from envs.matches.boards import board_text, connect_four_expert, tictactoe_expert, transposed_text
from envs.matches.games import make_game
from envs.matches.match import Match


def planes(*rows: str) -> np.ndarray:
    """Return the observation of a board in the form of `board_text`."""
    marks = np.array([list(row) for row in rows])
    return np.stack([marks == "x", marks == "o"], axis=-1).astype(np.int8)


def test_text_shows_own_and_other_marks() -> None:
    board = planes("x.o", "...", "o..")
    assert board_text(board) == "x.o\n...\no.."
    assert transposed_text(board) == "x.o\n...\no.."
    assert transposed_text(planes("xo.", "...", "...")) == "x..\no..\n..."


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        (("xx.", "oo.", "..."), [2]),  # wins
        (("oo.", ".x.", "..."), [2]),  # must block
        (("o..", "...", "..."), [4]),  # the only answer to a corner that does not lose
        (("...", "...", "..."), list(range(9))),  # every first move is a draw
        (("o..", ".x.", "..o"), [1, 3, 5, 7]),  # corners lose
    ],
)
def test_tictactoe_expert_plays_all_best_actions(rows: tuple[str, ...], best: list[int]) -> None:
    assert tictactoe_expert(planes(*rows)) == best


def test_connect_four_expert_wins_blocks_and_prefers_the_middle() -> None:
    empty = "......."
    assert connect_four_expert(planes(*[empty] * 6)) == [3]
    assert connect_four_expert(planes(*[empty] * 5, "xxx.ooo")) == [3]
    assert connect_four_expert(planes(*[empty] * 5, "ooo.x.x")) == [3]
    assert connect_four_expert(planes(empty, empty, empty, "x......", "x.o....", "x.o.o..")) == [0]


@pytest.mark.parametrize(
    ("module", "expert", "least"), [("tictactoe_v3", tictactoe_expert, 0), ("connect_four_v3", connect_four_expert, 18)]
)
def test_expert_never_loses_or_mostly_wins_against_random_play(
    module: str, expert: Callable[..., list[int]], least: int
) -> None:
    match = Match(make_game(f"pettingzoo:pettingzoo.classic.{module}", None, {}), ["first", "second"])
    rng = np.random.default_rng(0)
    results = []
    for game in range(20):
        match.reset(game)
        seat = match.seats[game % 2]
        while not match.over:
            acting = match.waiting[0]
            view = match.view(acting)
            legal = list(view.legal or ())
            actions = expert(view.observation, legal) if acting == seat else legal
            assert set(actions) <= set(legal)
            match.choose(acting, int(rng.choice(actions)))
        results.append(match.result(seat))
    assert "loss" not in results and results.count("win") >= least
