"""One seat of a match as a Gymnasium env."""

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.matches.seat import SeatEnv, strength_of
from envs.task.config import load_task
from envs.task.task import Task

GAMES = ["tictactoe", "connect_four", "football_duel"]


def seat_env(name: str, **overrides: object) -> SeatEnv:
    env = Task(name, load_task(name, {f"env.{key}": value for key, value in overrides.items()})).make()
    assert isinstance(env, SeatEnv)
    return env


def play(env: SeatEnv, seed: int, expert: bool) -> list:
    """Return what one episode shows, with random legal actions or the expert's."""
    rng = np.random.default_rng(seed)
    observation, info = env.reset(seed=seed)
    shown: list = [(env.seat, np.array(observation).tobytes())]
    while not info["result"]:
        legal = info["legal_actions"]
        observation, reward, terminated, truncated, info = env.step(
            env.expert_action() if expert else int(rng.choice(legal))
        )
        shown.append((np.array(observation).tobytes(), reward, terminated, truncated, info["result"], info["success"]))
    return shown


@pytest.mark.parametrize("name", GAMES)
def test_seat_is_a_deterministic_gymnasium_env(name: str) -> None:
    env = seat_env(name)
    check_env(env, skip_render_check=True)
    assert play(env, 5, False) == play(env, 5, False) == play(seat_env(name), 5, False)
    assert play(env, 5, False) != play(env, 7, False)


@pytest.mark.parametrize("name", GAMES)
def test_seeds_alternate_between_the_seats(name: str) -> None:
    env = seat_env(name)
    seats = load_task(name).seats
    assert [play(env, seed, False)[0][0] for seed in range(4)] == seats * 2
    env.reset(seed=0, options={"seat": seats[1]})
    assert env.seat == seats[1]


def test_views_of_both_seats_of_football_are_rotated_so_that_each_attacks_to_the_right() -> None:
    seats = Task("football_duel", load_task("football_duel")).make_seats()
    match = seats[0].unwrapped.match  # type: ignore[attr-defined]
    match.reset(0)
    texts = [seat.reset(seed=0)[1]["text"] for seat in seats]
    assert texts[0].startswith("you (-3.9, -7.1) facing right 0 deg, 0.0 m/s; ball (0.0, 0.0) free; goal x 54.4")
    assert texts[1].startswith("you (-3.9, -7.1) facing right 0 deg, 0.0 m/s; ball (-0.0, -0.0) free; goal x 54.4")
    match.choose("left", 5)
    match.choose("right", 5)
    texts = [seat.step(5)[4]["text"] for seat in seats]
    assert [text[: text.index(" facing")] for text in texts] == ["you (-3.3, -6.1)"] * 2


def test_perfect_player_never_loses_against_random_play_and_draws_against_itself() -> None:
    results = [play(seat_env("tictactoe"), seed, True)[-1][4] for seed in range(20)]
    assert "loss" not in results and results.count("win") > 10
    env = seat_env("tictactoe", opponent="expert")
    assert [play(env, seed, True)[-1][4] for seed in range(10)] == ["draw"] * 10


def test_stronger_opponents_lose_less_often() -> None:
    losses = []
    for opponent in ("random", "expert:0.5", "expert"):
        env = seat_env("tictactoe", opponent=opponent)
        losses.append([play(env, seed, False)[-1][4] for seed in range(60)].count("loss"))
    assert losses[0] < losses[1] < losses[2]


def test_illegal_action_loses() -> None:
    env = seat_env("tictactoe")
    _, info = env.reset(seed=1)
    taken = next(action for action in range(9) if action not in info["legal_actions"])
    _, reward, terminated, truncated, info = env.step(taken)
    assert (reward, terminated, truncated, info["result"]) == (0.0, True, False, "loss")


def test_expert_is_missing_where_the_game_has_none() -> None:
    assert not hasattr(seat_env("tictactoe", expert=""), "expert_action")
    assert hasattr(seat_env("football_duel"), "expert_action")


@pytest.mark.parametrize(
    ("name", "strength"),
    [("random", 0.0), ("expert", 1.0), ("expert:0.25", 0.25), ("expert:2", None), ("idle", None), ("experts:1", None)],
)
def test_strength_of_scripted_opponents(name: str, strength: float | None) -> None:
    assert strength_of(name) == strength
