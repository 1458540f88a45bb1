"""Actions of a controlled player: speeds, windups, kicks and passes, with GRF's values."""

import math

import numpy as np
import pytest

from envs.football.engine import kicks
from envs.football.engine.match import HALF_LENGTH, Action, Matches
from tests.envs.football.match_fixture import advance, match, with_ball


def steps_until_off(matches: Matches, action: int, most: int = 30) -> int:
    """Steps from pressing a kick until the ball is off."""
    advance(matches, action)
    for step in range(1, most):
        if matches["ball_owned_team"][0] < 0:
            return step
        advance(matches, 0)
    return most


def test_a_kick_takes_three_to_six_steps() -> None:
    # GRF: 3 to 5, mean 3.6, over 48 shots; from outside 4.2, and 6 when close
    steps = []
    for seed in range(60):
        matches = with_ball(20.0, 0.0)
        matches["rng"] = seed
        steps.append(steps_until_off(matches, Action.SHOT))
    assert set(steps) <= {3, 4, 5, 6} and len(set(steps)) >= 3
    assert 3.4 < np.mean(steps) < 4.2


def test_a_shot_goes_to_the_goal_and_where_the_held_direction_says() -> None:
    # Held straight ahead: the middle. Held 45 degrees off: 0.5 ** 0.7 · 0.9 · 3.68 = 2.04 m towards that side.
    for direction, aside in ((Action.RIGHT, 0.0), (Action.BOTTOM_RIGHT, 2.04), (Action.TOP_RIGHT, -2.04)):
        matches = with_ball(40.0, 0.0)
        towards = math.pi + (direction - 1) * math.pi / 4
        ball_x = float(matches["ball"][0, 0])
        angle = kicks.aim_shot(matches[0], 0, towards)
        assert (HALF_LENGTH - ball_x) * math.tan(angle) == pytest.approx(aside, abs=0.02)


def test_a_shot_over_the_shoulder_turns_first_and_takes_longer() -> None:
    matches = with_ball(30.0, 0.0, math.pi)
    assert steps_until_off(matches, Action.SHOT) >= 6  # GRF: 9
    assert matches["ball_velocity"][0, 0] > 0.0


def test_a_shot_from_the_middle_rolls_out_and_is_walked_in() -> None:
    # GRF 74 to 83 steps from here, ours 31 before; the ball stops after about 40 m
    matches = match()
    advance(matches, Action.RIGHT)
    for _ in range(9):
        advance(matches, 0)
    advance(matches, Action.SHOT)
    steps = 1
    while not matches["ended"][0] and steps < 200:
        advance(matches, 0)
        steps += 1
    assert matches["score"][0].tolist() == [1, 0]
    assert 68 <= steps <= 95


def mean_pass(action: int, seeds: int = 12) -> tuple[int, float]:
    """Passes that arrive over about 23 m, and their mean speed in m/s until 2.5 m before the receiver."""
    arrived = 0
    paces: list[float] = []
    for seed in range(seeds):
        matches = match("academy_pass_and_shoot_with_keeper", seed=seed)
        m = matches[0]
        place, off = m["ball"].copy(), 0
        for step in range(80):
            advance(matches, action if step == 8 else Action.BOTTOM if step == 0 else 0)
            if m["ball_owned_team"] == 0 and m["ball_owned_player"] == 2:
                place = m["ball"].copy()
            elif m["ball_owned_team"] < 0 and step > 8 and not off:
                off = step
            to = m["position"][0, 1]
            if off and len(paces) == seed and math.hypot(*(m["ball"][:2] - to)) < 2.5:
                paces.append(math.hypot(*(m["ball"] - place)[:2]) / (0.1 * (step - off + 1)))
            if m["ball_owned_team"] == 0 and m["ball_owned_player"] == 1:
                arrived += 1
                break
    return arrived, float(np.mean(paces))


def test_passes_arrive_with_grf_s_speeds() -> None:
    # GRF by the same measure (benchmarks.football_fidelity): 17.8, 16.3, 15.0 m/s; 96 of 96 arrive
    (short, fast), (long, through), (high, lofted) = map(
        mean_pass, (Action.SHORT_PASS, Action.LONG_PASS, Action.HIGH_PASS)
    )
    assert (short, long, high) == (12, 12, 12)
    assert 16.0 < fast < 20.5 and 15.0 < through < 20.0 and 13.0 < lofted < 17.5
    assert lofted < min(fast, through)


def test_long_and_short_passes_differ() -> None:
    velocities = []
    for action in (Action.SHORT_PASS, Action.LONG_PASS, Action.HIGH_PASS):
        matches = match("academy_pass_and_shoot_with_keeper")
        for step in range(40):
            advance(matches, action if step == 8 else Action.BOTTOM if step == 0 else 0)
            if step > 8 and matches["ball_owned_team"][0] < 0:
                break
        velocities.append(matches["ball_velocity"][0].copy())
    short, long, high = velocities
    assert long[0] > short[0] + 1.0  # ahead of the receiver
    assert high[2] > 4.0 > long[2]


def test_a_pass_pressed_before_the_first_touch_is_played() -> None:
    arrived = 0
    for seed in range(12):
        matches = match("academy_pass_and_shoot_with_keeper", seed=seed)
        assert matches["ball_owned_team"][0] == -1
        advance(matches, Action.SHORT_PASS)
        assert matches["pending"][0, 0, 0] == Action.SHORT_PASS
        for _ in range(50):
            advance(matches, 0)
            if matches["ball_owned_team"][0] == 0 and matches["ball_owned_player"][0] == 1:
                arrived += 1
                break
    assert arrived >= 11  # GRF: 44 of 48


def test_a_kept_kick_is_dropped_after_two_seconds_or_by_a_short_pass() -> None:
    matches = match("academy_pass_and_shoot_with_keeper")
    matches["ball"][0, 0] -= 60.0  # far away, and still nearest to the controlled player
    matches["position"][0, 0, 0] = (50.0, 0.0)
    matches["position"][0, 0, 1] = (50.0, 30.0)
    matches["position"][0, 1] = (50.0, -30.0)
    advance(matches, Action.SHOT)
    assert matches["pending"][0, 0, 0] == Action.SHOT
    for _ in range(21):
        advance(matches, 0)
    assert matches["pending"][0, 0, 0] == 0
    advance(matches, Action.SHOT)
    advance(matches, Action.SHORT_PASS)
    assert matches["pending"][0, 0, 0] == 0


def test_a_pass_hands_control_to_the_mate_in_the_held_direction() -> None:
    matches = match("academy_pass_and_shoot_with_keeper")
    matches["ball_owned_team"] = 0
    matches["ball_owned_player"] = 2
    matches["facing"][0, 0, 2] = math.pi / 2  # the mate is straight below
    assert matches["active"][0] == 2
    steps_until_off(matches, Action.SHORT_PASS)
    assert matches["active"][0] == 1 and matches["receiver"][0] == 1
    # 0.3 · 83.6 - 0.65 = 24.4 m: 0.82 · 36 · (1.8 · (24.4 / 60) ** 1.4 + 0.3) = 24.0 m/s, 3 % of it upwards
    assert matches["ball_velocity"][0, 1] == pytest.approx(24.0 * 0.9, rel=0.1)
    for _ in range(25):
        advance(matches, 0)
    assert matches["ball_owned_team"][0] == 0 and matches["ball_owned_player"][0] == 1


def test_the_nearest_player_runs_to_a_free_ball_by_itself() -> None:
    matches = with_ball(-20.0, 0.0)
    matches["ball_owned_team"] = matches["ball_owned_player"] = -1
    matches["ball"][0, 0] = 0.0
    for _ in range(15):
        advance(matches, Action.LEFT)
    assert matches["velocity"][0, 0, 1, 0] == pytest.approx(7.3, abs=0.1)  # whatever is held
    for action in (Action.SPRINT, Action.DRIBBLE, *[Action.LEFT] * 15):
        advance(matches, action)
    assert matches["velocity"][0, 0, 1, 0] < -5.0  # but for both keys


@pytest.mark.parametrize(
    ("keys", "speed"),
    [((), 5.1), ((Action.SPRINT,), 7.4), ((Action.DRIBBLE,), 3.85), ((Action.SPRINT, Action.DRIBBLE), 7.4)],
)
def test_speeds_with_the_ball(keys: tuple[Action, ...], speed: float) -> None:
    matches = with_ball(-40.0, 0.0)
    for action in (Action.RIGHT, *keys, *[Action.IDLE] * 15):
        advance(matches, action)
    assert matches["velocity"][0, 0, 1].tolist() == pytest.approx([speed, 0.0], abs=0.05)  # GRF's; a little tired


@pytest.mark.parametrize("action", range(1, 9))
def test_direction_actions_move_the_player_that_way(action: int) -> None:
    angle = math.pi + (action - 1) * math.pi / 4  # left, then clockwise on the screen (y grows downwards)
    matches = with_ball(0.0, 0.0)
    for _ in range(12):
        advance(matches, action)
    vx, vy = matches["velocity"][0, 0, 1]
    assert (vx, vy) == pytest.approx((5.1 * math.cos(angle), 5.1 * math.sin(angle)), abs=1e-6)


def test_sticky_actions_last_until_released() -> None:
    matches = with_ball(0.0, 0.0)
    keys = matches["sticky"][0, 0, 0]
    advance(matches, Action.RIGHT)
    advance(matches, Action.SPRINT)
    advance(matches, Action.IDLE)
    assert np.flatnonzero(keys).tolist() == [Action.RIGHT - 1, 8]
    advance(matches, Action.TOP)
    advance(matches, Action.DRIBBLE)
    assert np.flatnonzero(keys).tolist() == [Action.TOP - 1, 8, 9]
    for action in (Action.RELEASE_DIRECTION, Action.RELEASE_SPRINT, Action.RELEASE_DRIBBLE):
        advance(matches, action)
    assert not keys.any()
