"""Matches of PettingZoo games: who acts, who wins, and seats that leave."""

import numpy as np
import pytest

from envs.matches.games import ParallelGame, TurnGame, make_game
from envs.matches.match import Match

FIXTURE = "pettingzoo:tests.envs.matches.game_fixture"
TICTACTOE = "pettingzoo:pettingzoo.classic.tictactoe_v3"


def tictactoe() -> Match:
    match = Match(make_game(TICTACTOE, None, {}), ["cross", "circle"])
    match.reset(0)
    return match


def numbers(**kwargs: bool) -> Match:
    match = Match(make_game(FIXTURE, None, kwargs), ["a", "b", "c"])
    match.reset(0)
    return match


def test_turn_based_game_takes_one_action_at_a_time() -> None:
    match = tictactoe()
    assert isinstance(match.game, TurnGame)
    assert (match.waiting, match.view("cross").legal) == (["cross"], tuple(range(9)))
    assert match.view("circle").legal == ()
    match.choose("cross", 4)
    assert match.waiting == ["circle"] and match.view("circle").legal == (0, 1, 2, 3, 5, 6, 7, 8)
    own, other = match.view("circle").observation[..., 0], match.view("circle").observation[..., 1]
    assert own.sum() == 0 and np.argwhere(other).tolist() == [[1, 1]]


def test_turn_based_game_ends_with_a_win_for_three_in_a_row() -> None:
    match = tictactoe()
    for seat, action in zip(["cross", "circle"] * 2, [0, 3, 1, 4], strict=True):
        match.choose(seat, action)
    assert match.result("cross") is None
    match.choose("cross", 2)
    assert match.over and not match.truncated and match.waiting == []
    assert (match.result("cross"), match.result("circle")) == ("win", "loss")
    assert match.returns == {"cross": 1.0, "circle": -1.0}
    assert match.new_reward("cross") == 1.0 and match.new_reward("cross") == 0.0


def test_full_board_without_a_row_is_a_draw() -> None:
    match = tictactoe()
    for seat, action in zip(["cross", "circle"] * 4 + ["cross"], [0, 4, 8, 2, 6, 3, 5, 7, 1], strict=True):
        match.choose(seat, action)
    assert match.over and match.result("cross") == match.result("circle") == "draw"


def test_simultaneous_game_waits_for_all_seats() -> None:
    match = numbers()
    assert isinstance(match.game, ParallelGame) and match.waiting == ["a", "b", "c"]
    match.choose("a", 2)
    assert match.waiting == ["b", "c"] and not match.ready("a")
    match.choose("c", 0)
    match.choose("b", 1)
    assert match.waiting == ["a", "b", "c"] and match.view("a").observation == 3
    for _ in range(3):
        for seat, action in (("a", 2), ("b", 1), ("c", 0)):
            match.choose(seat, action)
    assert match.over and match.returns == {"a": 8.0, "b": 4.0, "c": 0.0}
    assert [match.result(seat) for seat in "abc"] == ["win", "loss", "loss"]


def test_agent_out_of_the_game_is_not_waited_for() -> None:
    match = numbers(leaves=True)
    for _ in range(2):
        for seat in "abc":
            match.choose(seat, 1)
    assert match.waiting == ["a", "b"] and not match.ready("c")
    for _ in range(2):
        match.choose("a", 1)
        match.choose("b", 1)
    assert match.over and [match.result(seat) for seat in "abc"] == ["draw", "draw", "loss"]


def test_seat_that_leaves_a_match_of_two_loses() -> None:
    match = tictactoe()
    match.choose("cross", 4)
    match.leave("circle")
    assert match.over and not match.truncated
    assert (match.result("cross"), match.result("circle")) == ("win", "loss")


@pytest.mark.parametrize("order", ["abc", "cab"])
def test_seats_that_leave_in_the_same_decision_all_lose(order: str) -> None:
    match = numbers()
    for seat in order:
        match.leave(seat)
    assert [match.result(seat) for seat in "abc"] == ["loss", "loss", "loss"]


def test_seat_that_leaves_a_match_of_three_loses_and_the_others_continue() -> None:
    match = numbers()
    match.choose("a", 0)
    match.leave("b")
    assert match.waiting == ["c"]
    match.choose("c", 2)
    for _ in range(3):
        match.choose("a", 0)
        match.choose("c", 2)
    assert match.over and match.returns["c"] == 8.0 and match.returns["b"] <= 8.0
    assert [match.result(seat) for seat in "abc"] == ["loss", "loss", "win"]


def test_last_seat_that_waits_leaves_and_the_game_advances() -> None:
    match = numbers()
    match.choose("a", 1)
    match.choose("c", 1)
    match.leave("b")
    assert match.view("a").observation == 3 and match.waiting == ["a", "c"]


def test_match_out_of_turns_compares_the_returns() -> None:
    match = numbers()
    for seat, action in (("a", 2), ("b", 2), ("c", 1)):
        match.choose(seat, action)
    match.leave("a", out_of_turns=True)
    assert match.over and match.truncated
    assert [match.result(seat) for seat in "abc"] == ["draw", "draw", "loss"]


def test_number_of_seats_must_fit_the_agents() -> None:
    with pytest.raises(ValueError, match="3 seats for 2 agents: player_1, player_2"):
        Match(make_game(TICTACTOE, None, {}), ["a", "b", "c"])


@pytest.mark.parametrize(
    ("id", "kwargs", "line"),
    [
        ("pettingzoo:pettingzoo.classic.tictactoe_v9", {}, "cannot be imported: No module named"),
        ("pettingzoo:json", {}, "the module has neither env"),
        (TICTACTOE, {"height": 3}, "does not accept these kwargs"),
    ],
)
def test_wrong_ids_and_kwargs_are_one_line(id: str, kwargs: dict, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        make_game(id, None, kwargs)
