"""Ends and lengths of the academy drills, with GRF's values."""

import numpy as np
import pytest

from envs.football import rules
from envs.football.engine.match import BALL_RADIUS, MAX_PLAYERS, POSSESSION_LOST, RUNNING
from envs.football.scenarios import SCENARIOS
from tests.envs.football.match_fixture import advance, match


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
