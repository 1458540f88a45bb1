"""Transcripts of football: digits by hand, at most twelve, in every scenario and view."""

import re

import numpy as np
import pytest

from envs.football.env import FootballEnv
from envs.football.scenarios import SCENARIOS
from envs.football.transcript import offset, transcribe
from envs.task.transcript import accuracy
from tests.envs.football.match_fixture import with_ball


@pytest.mark.parametrize(
    ("metres", "digit"),
    [(0.0, "5"), (0.9, "5"), (-0.9, "5"), (1.0, "6"), (-1.0, "4"), (3.0, "7"), (-6.0, "2"), (12.0, "9"), (-40.0, "1")],
)
def test_offsets_by_hand(metres: float, digit: str) -> None:
    assert offset(metres) == digit


def test_digits_by_hand() -> None:
    matches = with_ball(40.0, -4.0)  # the ball is at (40.65, -4), 13.75 m from the goal line
    m = matches[0]
    m["position"][1, 0] = (53.0, -1.5)
    m["position"][1, 1] = (36.0, 3.0)
    m["present"][1, :2] = True
    m["keeper"][1] = 0
    # goal: 13.75 / 2.5 = 5, and 4 m down; own player: at the ball; keeper: 12.35 m right, 2.5 m down;
    # opponent: 4.65 m left, 7 m down; facing right (action 5), no sprint
    assert transcribe(m)[:12] == "5755963850"
    m["sticky"][0, 0, 8] = 1
    m["facing"][0, 1] = -np.pi / 4  # top right, action 4
    m["present"][1] = False
    assert transcribe(m) == "5755000041"
    m["present"][0, 2] = True
    m["position"][0, 2] = (48.0, -20.0)
    assert transcribe(m) == "575500004181"  # the teammate is 7.35 m right, 16 m up


def test_right_team_sees_the_rotated_picture() -> None:
    matches = with_ball(40.0, -4.0)
    other = matches.copy()
    for name in ("position", "present", "facing", "slot", "sticky", "keeper"):
        other[name] = matches[name][:, ::-1]
    other["position"] *= -1
    other["ball"][:, :2] *= -1
    other["facing"] += np.pi
    assert transcribe(other[0], team=1) == transcribe(matches[0])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_has_all_forms(scenario: str) -> None:
    env = FootballEnv(scenario, observation="text", frame_skip=5)
    env.reset(seed=1)
    for _ in range(2):
        before = env.matches.tobytes()
        transcript, work = env.expert_thought("transcript"), env.expert_thought("work")
        assert re.fullmatch(r"\d{10}(\d\d)?", transcript)
        assert work == f"{transcript}:{env.expert_thought('word')}"
        assert accuracy(work, transcript) == 1.0
        assert env.expert_thought() == env.expert_thought("word")
        assert env.matches.tobytes() == before
        env.step(env.expert_action())


def test_states_with_equal_transcripts_mostly_have_equal_intentions() -> None:
    env = FootballEnv("breakaway", observation="text", frame_skip=5, start_noise=0.1, difficulty=0.1)
    found: dict[str, list[str]] = {}
    for seed in range(12):
        env.reset(seed=seed)
        over = False
        while not over:
            action = env.expert_action()
            found.setdefault(env.expert_thought("transcript"), []).append(env.expert_thought("word"))
            _, _, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
    states = sum(len(words) for words in found.values())
    assert sum(max(map(words.count, words)) for words in found.values()) >= 0.9 * states


def test_unknown_forms_are_refused() -> None:
    env = FootballEnv("academy_empty_goal", observation="text")
    env.reset(seed=0)
    with pytest.raises(KeyError, match="picture"):
        env.expert_thought("picture")
