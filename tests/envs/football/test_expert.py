"""The expert of football, compared with random and idle play."""

import re
from typing import Any

import numpy as np
import pytest

from envs.football.env import FootballEnv
from envs.football.scenarios import SCENARIOS

WITH_KEEPER = "academy_run_to_score_with_keeper"


def play(env: FootballEnv, seed: int, policy: str, turns: int = 25) -> tuple[bool, float]:
    """Success and return of an episode."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    total = 0.0
    for _ in range(turns):
        action = env.expert_action() if policy == "expert" else int(rng.integers(19)) if policy == "random" else 0
        _, reward, terminated, truncated, info = env.step(action)
        total += reward
        if terminated or truncated:
            break
    return info["success"], total


def success(scenario: str, policy: str, episodes: int, **kwargs: Any) -> float:
    env = FootballEnv(scenario, observation="text", frame_skip=5, **kwargs)
    return sum(play(env, seed, policy)[0] for seed in range(episodes)) / episodes


def test_scoring_pays_one() -> None:
    assert play(FootballEnv("academy_empty_goal", "text", frame_skip=5), 0, "expert") == (True, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", list(SCENARIOS)[:4])
def test_the_expert_scores(scenario: str) -> None:
    assert success(scenario, "expert", 20) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["academy_pass_and_shoot_with_keeper", "academy_3_vs_1_with_keeper"])
def test_the_expert_passes_and_scores(scenario: str) -> None:
    assert success(scenario, "expert", 20) >= 0.8


def test_the_expert_leaves_the_state_alone() -> None:
    env = FootballEnv("academy_3_vs_1_with_keeper", observation="text", frame_skip=5)
    env.reset(seed=1)
    for _ in range(4):
        before = env.matches.tobytes()
        action = env.expert_action()
        assert env.expert_action() == action
        assert re.fullmatch(r"[a-z]+( [a-z]+)?", env.expert_thought())
        assert env.matches.tobytes() == before
        env.step(action)


def test_random_and_idle_play_do_not_score() -> None:
    assert success(WITH_KEEPER, "random", 100) <= 0.05
    for scenario in SCENARIOS:
        assert success(scenario, "idle", 10) == 0.0


@pytest.mark.slow
def test_difficulty_makes_it_harder() -> None:
    def saved(difficulty: float) -> float:
        return 1.0 - success(WITH_KEEPER, "expert", 20, difficulty=difficulty)

    assert saved(0.2) < saved(1.0)
