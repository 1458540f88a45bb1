"""Rule-following teams play football, in loose bounds; benchmarks/football_realism.py has the figures."""

import numpy as np
import pytest

from envs.football import expert
from envs.football.engine.match import HALF_LENGTH, HALF_WIDTH, LEFT_GOAL, MAX_PLAYERS, ROLES, RUNNING, Matches
from envs.football.rules import advance
from envs.football.scenarios import find, start


def begin(
    number: int, left: float, right: float, scenario: str, seed: int = 0, control: tuple[int, int] = (0, 0)
) -> Matches:
    rngs = [np.random.default_rng(seed + index) for index in range(number)]
    return np.concatenate([start(find(scenario), rng, 0.0, (left, right), control) for rng in rngs])


def play(
    number: int, left: float, right: float, scenario: str = "11_vs_11_stochastic", steps: int = 3000, seed: int = 0
) -> Matches:
    matches = begin(number, left, right, scenario, seed)
    advance(matches, np.zeros((number, 2, MAX_PLAYERS), np.int64), steps, np.ones(number, np.bool_))
    return matches


@pytest.fixture(scope="module")
def games() -> Matches:
    return play(60, 1.0, 1.0)


def test_matches_have_goals_shots_and_passes_like_football(games: Matches) -> None:
    assert 1.0 < games["score"].sum(axis=1).mean() < 6.0
    assert 5.0 < games["shots"].sum(axis=1).mean() < 30.0
    assert 60.0 < games["passes"].sum(axis=1).mean() < 250.0
    assert 0.5 < games["completed"].sum() / games["passes"].sum() < 0.9
    assert 30.0 < games["changes"].sum(axis=1).mean() < 150.0
    assert 0.85 < games["in_play"].mean() / 3000 < 1.0
    for rare in ("fouls", "corners", "throw_ins", "goal_kicks", "offside", "saves", "penalties"):
        assert games[rare].sum() > 0, rare
    assert games["reds"].sum(axis=1).max() < 5


@pytest.mark.slow
def test_equal_teams_come_out_even(games: Matches) -> None:
    # 120 matches with a goal difference of deviation about 1.4: its mean is 0 ± 0.13; four of these.
    difference = games["score"][:, 0] - games["score"][:, 1]
    more = play(60, 1.0, 1.0, seed=5000)
    difference = np.concatenate([difference, more["score"][:, 0] - more["score"][:, 1]])
    assert abs(difference.mean()) < 0.52
    share = games["possession"][:, 0].sum() / games["possession"].sum()
    assert share == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_the_better_team_wins() -> None:
    for strong, weak in ((0.6, 0.05), (1.0, 0.6)):
        here, there = play(20, strong, weak), play(20, weak, strong)
        assert (here["score"][:, 0] - here["score"][:, 1]).mean() > 0.5
        assert (there["score"][:, 1] - there["score"][:, 0]).mean() > 0.5


def test_teams_keep_their_shape() -> None:
    # Nobody swarms: in open play the field players of a team are spread over at least 25 m by 20 m on average, the
    # defenders behind the forwards, and the keeper is within 25 m of his goal.
    matches = begin(20, 1.0, 1.0, "11_vs_11_stochastic")
    idle, going = np.zeros((20, 2, MAX_PLAYERS), np.int64), np.ones(20, np.bool_)
    lengths, widths, ahead = [], [], []
    for _ in range(30):
        advance(matches, idle, 50, going)
        x, y = matches["position"][:, :, 1:, 0], matches["position"][:, :, 1:, 1]
        lengths.append(np.ptp(x, axis=2).mean())
        widths.append(np.ptp(y, axis=2).mean())
        roles = matches["role"][:, :, 1:]
        forwards = np.where(roles == ROLES.index("CF"), x, 0.0).sum(axis=2)
        backs = np.where(roles == ROLES.index("CB"), x, 0.0).sum(axis=2) / 2.0
        ahead.append(((forwards - backs) * (1.0, -1.0)).mean())
        keepers = np.abs(matches["position"][:, :, 0, 0] - (-HALF_LENGTH, HALF_LENGTH))
        assert keepers.max() < 25.0
    assert 25.0 < np.mean(lengths) < 60.0
    assert 20.0 < np.mean(widths) < 60.0
    assert 15.0 < np.mean(ahead) < 50.0


def test_random_actions_of_all_stay_in_bounds() -> None:
    rng = np.random.default_rng(1)
    for scenario in ("11_vs_11_stochastic", "5_vs_5", "1_vs_1_easy", "academy_corner"):
        count = len(find(scenario).left)
        matches = begin(8, 1.0, 0.3, scenario, 0, (count, count))
        for _ in range(300):
            actions = rng.integers(19, size=(8, 2, MAX_PLAYERS))
            advance(matches, actions, 1, np.ones(8, np.bool_))
            for field in ("position", "velocity", "facing", "ball", "ball_velocity", "tired"):
                assert np.isfinite(matches[field]).all()
            assert (np.abs(matches["position"]) <= (HALF_LENGTH + 3.0, HALF_WIDTH + 3.0)).all()
            assert (np.abs(matches["ball"][:, :2]) <= (HALF_LENGTH + 1.0, HALF_WIDTH + 1.0)).all()
            assert (np.hypot(*np.moveaxis(matches["velocity"], -1, 0)) <= 8.0 + 1e-9).all()


def test_a_match_alone_is_the_match_in_a_batch() -> None:
    batch = play(5, 1.0, 0.6, steps=400)
    alone = play(1, 1.0, 0.6, steps=400, seed=3)
    assert batch[3:4].tobytes() == alone.tobytes()


def test_the_expert_wins_a_whole_game_and_leaves_it_as_it_is() -> None:
    matches = begin(1, 1.0, 0.05, "11_vs_11_easy_stochastic", 0, (1, 0))
    actions = np.zeros((1, 2, MAX_PLAYERS), np.int64)
    before = matches.tobytes()
    expert.decide(matches, 5)
    assert matches.tobytes() == before
    while matches["steps"][0] < 1000:
        actions[0, 0, 0] = expert.decide(matches, 5)
        advance(matches, actions, 5, np.ones(1, np.bool_))
    left, right = matches["score"][0].tolist()
    assert left > right


def test_the_expert_speaks_for_every_slot() -> None:
    matches = begin(1, 1.0, 1.0, "5_vs_5", 0, (4, 5))
    actions = np.zeros((1, 2, MAX_PLAYERS), np.int64)
    for _ in range(60):
        for team, count in ((0, 4), (1, 5)):
            for slot in range(count):
                actions[0, team, slot] = expert.decide(matches, 5, team, slot)
        advance(matches, actions, 5, np.ones(1, np.bool_))
    m = matches[0]
    assert m["ended"] == RUNNING
    assert m["passes"].sum() >= 3 and m["completed"].sum() >= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "wanted"),
    [("breakaway", 0.9), ("academy_run_to_score_with_keeper", 0.85), ("academy_pass_and_shoot_with_keeper", 0.6)],
)
def test_the_expert_scores(scenario: str, wanted: float) -> None:
    goals = 0
    for seed in range(20):
        matches = start(find(scenario), np.random.default_rng(seed), 0.06, 0.6)
        actions = np.zeros((1, 2, MAX_PLAYERS), np.int64)
        while matches["ended"][0] == RUNNING:
            actions[0, 0, 0] = expert.decide(matches, 5)
            advance(matches, actions, 5, np.ones(1, np.bool_))
        goals += int(matches["ended"][0] == LEFT_GOAL)
    assert goals / 20 >= wanted


def test_starts_of_a_duel_are_equal_for_both_sides() -> None:
    for seed in range(20):
        (match,) = np.atleast_1d(start(find("duel"), np.random.default_rng(seed), 0.1, (0.0, 0.0), (1, 1)))
        left, right = match["position"][:, :2]
        assert np.array_equal(left, -right) and not match["ball"][:2].any()
        assert not match["wait"].any()
