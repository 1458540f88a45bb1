"""The engine's numbers, worked out by hand: metres and seconds."""

import math

import numpy as np
import pytest

from envs.football import rules
from envs.football.engine import kicks
from envs.football.engine.match import (
    BALL_RADIUS,
    GOAL_HALF_WIDTH,
    HALF_LENGTH,
    HALF_WIDTH,
    LEFT_GOAL,
    MAX_PLAYERS,
    METRES_X,
    METRES_Y,
    OUT_OF_PLAY,
    POSSESSION_LOST,
    RUNNING,
    WOODWORK,
    Action,
    Matches,
)
from envs.football.scenarios import SCENARIOS, find, start


def advance(matches: Matches, action: int) -> None:
    """One step with an action for the one steered player."""
    actions = np.zeros((1, 2, MAX_PLAYERS), np.int64)
    actions[0, 0, 0] = action
    rules.advance(matches, actions, 1, np.ones(1, np.bool_))


def match(scenario: str = "academy_empty_goal", noise: float = 0.0, seed: int = 0) -> Matches:
    return start(find(scenario), np.random.default_rng(seed), noise, 0.6)


def free_ball(position: tuple[float, float, float], velocity: tuple[float, float, float]) -> Matches:
    """A ball nobody is near."""
    matches = match()
    matches["position"][0, 0, 1] = (-50.0, 30.0)
    matches["ball"][0] = position
    matches["ball_velocity"][0] = velocity
    return matches


def with_ball(x: float, y: float, facing: float = 0.0) -> Matches:
    """The controlled player has the ball, in front of an empty goal."""
    matches = match()
    matches["position"][0, 0, 1] = (x, y)
    matches["facing"][0, 0, 1] = facing
    matches["ball_owned_team"] = 0
    matches["ball_owned_player"] = 1
    matches["ball"][0] = (x + 0.65 * math.cos(facing), y + 0.65 * math.sin(facing), BALL_RADIUS)
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
    arrived, paces = 0, []
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


def test_a_drill_ends_when_the_ball_changes_teams_not_at_the_first_touch() -> None:
    for team, player in ((1, 0), (0, 1)):
        matches = match("academy_run_to_score_with_keeper")
        for owner, keeper_or_runner, ended in ((team, player, RUNNING), (1 - team, 1 - player, POSSESSION_LOST)):
            place = matches["position"][0, owner, keeper_or_runner]
            matches["ball_owned_team"] = matches["ball_owned_player"] = -1
            matches["wait"][0] = 5.0
            matches["wait"][0, owner, keeper_or_runner] = 0.0
            matches["ball"][0] = (place[0] - 0.3, place[1], BALL_RADIUS)
            matches["ball_velocity"] = 0.0
            advance(matches, 0)
            assert matches["ball_owned_team"][0] == owner
            assert matches["ended"][0] == ended


def idle_steps(scenario: str, seed: int) -> int:
    """Steps until a drill ends if nothing is pressed."""
    matches = match(scenario, seed=seed)
    while not matches["ended"][0]:
        rules.advance(matches, np.zeros((1, 2, MAX_PLAYERS), np.int64), 1, np.ones(1, np.bool_))
    return int(matches["steps"][0])


@pytest.mark.parametrize(
    ("scenario", "least", "most"),
    [
        # GRF: the ball is lost at the first challenge, at about 17 to 29 steps, or never: 8-seed means 153 to 215
        ("academy_run_to_score", 110, 300),
        ("academy_run_to_score_with_keeper", 110, 300),
        ("academy_3_vs_1_with_keeper", 90, 260),
        ("academy_pass_and_shoot_with_keeper", 400, 400),
        ("academy_run_pass_and_shoot_with_keeper", 400, 400),
        ("academy_counterattack_easy", 55, 75),  # GRF 71
        ("academy_counterattack_hard", 50, 70),  # GRF 56
    ],
)
def test_idle_drills_last_as_long_as_in_grf(scenario: str, least: float, most: float) -> None:
    steps = [idle_steps(scenario, seed) for seed in range(24)]
    assert least <= np.mean(steps) <= most
    if "counterattack" not in scenario:
        assert all(length < 35 or length == 400 for length in steps)


@pytest.mark.parametrize(
    ("scenario", "least", "most"),
    [
        ("academy_run_to_score", 60, 95),  # GRF 66 to 77
        ("academy_run_to_score_with_keeper", 60, 105),  # GRF 85 to 95
        ("academy_3_vs_1_with_keeper", 40, 100),  # GRF 56 to 90
        ("academy_pass_and_shoot_with_keeper", 45, 110),  # GRF 74 to 107
    ],
)
def test_random_drills_last_about_as_long_as_in_grf(scenario: str, least: float, most: float) -> None:
    steps = []
    for seed in range(48):
        rng = np.random.default_rng(seed)
        matches = match(scenario, seed=seed)
        while not matches["ended"][0]:
            advance(matches, int(rng.integers(19)))
        steps.append(int(matches["steps"][0]))
    assert least <= np.median(steps) <= most


def test_half_time_is_kaggle_s_alone() -> None:
    assert {name for name, scenario in SCENARIOS.items() if scenario.half_time} == {"11_vs_11_kaggle"}


def test_the_third_chaser_is_a_midfielder() -> None:
    for name in ("academy_run_to_score", "academy_run_to_score_with_keeper"):
        assert match(name)["role"][0, 1, :6].tolist() == [0, 2, 1, 5, 1, 3]  # GRF: LB CB CM CB RB


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
