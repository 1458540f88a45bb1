"""The engine's numbers, worked out by hand: metres and seconds."""

import numpy as np
import pytest

from envs.football.engine.match import (
    BALL_RADIUS,
    GOAL_HALF_WIDTH,
    HALF_LENGTH,
    HALF_WIDTH,
    LEFT_GOAL,
    METRES_X,
    METRES_Y,
    OUT_OF_PLAY,
    RUNNING,
    WOODWORK,
    Matches,
)
from envs.football.scenarios import SCENARIOS
from tests.envs.football.match_fixture import advance, match


def free_ball(position: tuple[float, float, float], velocity: tuple[float, float, float]) -> Matches:
    """A ball nobody is near."""
    matches = match()
    matches["position"][0, 0, 1] = (-50.0, 30.0)
    matches["ball"][0] = position
    matches["ball_velocity"][0] = velocity
    return matches


def test_a_ball_along_the_grass_slows_as_in_grf() -> None:
    # In the grass dv/dt = -(c v² + k), c = drag 0.015 + friction 0.04 = 0.055 per m, k = 1.6 m/s². From v0 = 20:
    #   v(t) = sqrt(k/c) tan(atan(v0 sqrt(c/k)) - t sqrt(c k)), sqrt(k/c) = 5.394, sqrt(c k) = 0.2966
    #   v(0.1) = 5.394 tan(1.3074 - 0.0297) = 17.87
    #   x(0.1) = ln((k + c v0²) / (k + c v²)) / 2c = ln(23.6 / 19.17) / 0.11 = 1.890
    # It hops by less than a millimetre or two, where the grass brakes a little less: 1 %.
    matches = free_ball((30.0, 5.0, BALL_RADIUS), (20.0, 0.0, 0.0))
    advance(matches, 0)
    x, y, _ = matches["ball"][0]
    assert x == pytest.approx(31.890, abs=0.02)
    assert y == 5.0
    assert matches["ball_velocity"][0, 0] == pytest.approx(17.87, rel=0.01)


def test_a_dropped_ball_falls_and_bounces() -> None:
    # Its lowest point falls 1 m: t = sqrt(2 / 9.81) = 0.45 s. It arrives at sqrt(2 · 9.81) = 4.43 m/s (less 1 %) and
    # leaves with 0.62 · 4.4 - 0.06 = 2.67 m/s, so it rises to 2.67² / 19.62 = 0.36 m.
    matches = free_ball((0.0, 0.0, BALL_RADIUS + 1.0), (0.0, 0.0, 0.0))
    heights = []
    for _ in range(10):
        advance(matches, 0)
        heights.append(float(matches["ball"][0, 2]) - BALL_RADIUS)
    # After 0.2 s of semi-implicit steps: 9.81 · 0.01² · (1 + 2 + … + 20) = 0.206 m down.
    assert heights[1] == pytest.approx(1.0 - 0.206, abs=0.002)
    assert min(heights) >= -0.05
    assert max(heights[5:]) == pytest.approx(0.36, abs=0.04)


@pytest.mark.parametrize(
    ("y", "z", "ended"),
    [
        # Posts of radius 0.06 stand beside the 2 · 3.678 m of the mouth, so with the ball's 0.11 m it touches them at
        # 3.738 ± 0.17, into play when it hits them squarely. The bar is at 2.56 ± 0.17.
        (3.55, BALL_RADIUS, LEFT_GOAL),
        (-3.55, BALL_RADIUS, LEFT_GOAL),
        (3.70, BALL_RADIUS, RUNNING),
        (-3.76, BALL_RADIUS, RUNNING),
        (3.92, BALL_RADIUS, OUT_OF_PLAY),
        (-3.92, BALL_RADIUS, OUT_OF_PLAY),
        (0.0, 2.35, LEFT_GOAL),
        (0.0, 2.53, RUNNING),
        (0.0, 2.75, OUT_OF_PLAY),
    ],
)
def test_ball_over_the_goal_line_between_the_posts_is_a_goal(y: float, z: float, ended: int) -> None:
    matches = free_ball((HALF_LENGTH - 0.05, y, z), (20.0, 0.0, 0.0))
    advance(matches, 0)
    assert matches["ended"][0] == ended
    assert matches["score"][0].tolist() == [int(ended == LEFT_GOAL), 0]
    if ended == RUNNING:
        assert matches["event"][0] == WOODWORK and matches["ball_velocity"][0, 0] < 0.0


def test_the_whole_ball_must_be_over_the_line() -> None:
    for beyond, ended in ((0.10, RUNNING), (0.12, LEFT_GOAL)):  # the radius is 0.11
        matches = free_ball((HALF_LENGTH + beyond, 0.0, BALL_RADIUS), (0.0, 0.0, 0.0))
        advance(matches, 0)
        assert matches["ended"][0] == ended
    matches = free_ball((0.0, HALF_WIDTH + 0.12, BALL_RADIUS), (0.0, 0.0, 0.0))
    advance(matches, 0)
    assert matches["ended"][0] == OUT_OF_PLAY


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_noise_the_table_is_the_start(name: str) -> None:
    scenario = SCENARIOS[name]
    matches = match(name)
    m = matches[0]
    first = int(m["first_kick_off"])  # the table's left side is the one that kicks off
    sides = (scenario.left, scenario.right) if first == 0 else (scenario.right, scenario.left)
    assert m["players"].tolist() == [len(side) for side in sides]
    for team, sign in ((0, 1.0), (1, -1.0)):  # the right side is mirrored
        for index, (x, y) in enumerate(sides[team]):
            assert m["position"][team, index] == pytest.approx((sign * x * METRES_X, sign * y * METRES_Y))
        assert m["present"][team].sum() == len(sides[team])
    assert m["ball"] == pytest.approx((scenario.ball[0] * METRES_X, scenario.ball[1] * METRES_Y, BALL_RADIUS))


def test_run_to_score_starts_as_in_grf() -> None:
    matches = match("academy_run_to_score_with_keeper")
    # The chasers' (0.12, ±0.2) … are behind the runner: -0.12 · 54.4 = -6.528.
    assert matches["position"][0, 1, 1:6, 0].tolist() == pytest.approx([-6.528] * 5)
    assert sorted(matches["position"][0, 1, 1:6, 1]) == pytest.approx([-16.72, -8.36, 0.0, 8.36, 16.72])
    assert matches["position"][0, 1, 0].tolist() == [HALF_LENGTH, 0.0]
    assert matches["position"][0, 0, 1].tolist() == [0.0, 0.0]
    # In an "empty goal" scenario the keeper is at the other end.
    assert match("academy_empty_goal")["position"][0, 1, 0].tolist() == [-HALF_LENGTH, 0.0]


@pytest.mark.parametrize("name", SCENARIOS)
def test_random_play_stays_finite_and_in_bounds(name: str) -> None:
    rng = np.random.default_rng(0)
    for seed in range(15 if SCENARIOS[name].drill else 2):
        matches = match(name, noise=0.1, seed=seed)
        m = matches[0]
        while not m["ended"] and m["steps"] < 600:
            advance(matches, int(rng.integers(19)))
            for field in ("position", "velocity", "facing", "ball", "ball_velocity"):
                assert np.isfinite(m[field]).all()
            assert (np.abs(m["position"]) <= (HALF_LENGTH + 3.0, HALF_WIDTH + 3.0)).all()
            assert abs(m["ball"][0]) < HALF_LENGTH + 1.0 and abs(m["ball"][1]) < HALF_WIDTH + 1.0
            assert -0.2 < m["ball"][2] < 40.0
            assert np.hypot(*m["velocity"][0].T).max() <= 8.0 + 1e-9 or SCENARIOS[name].drill is False


def test_a_copy_of_the_record_is_a_copy_of_the_match() -> None:
    rng = np.random.default_rng(3)
    matches = match("academy_3_vs_1_with_keeper", noise=0.05)
    for _ in range(6):
        advance(matches, int(rng.integers(1, 9)))
    copy = matches.copy()
    for action in rng.integers(19, size=40).tolist():
        advance(matches, action)
        advance(copy, action)
    assert matches.tobytes() == copy.tobytes()


def test_goal_is_3_68_metres_to_a_side() -> None:
    assert GOAL_HALF_WIDTH == pytest.approx(3.6784)
