"""Episodes in verifiers itself: the same observations and rewards as ours."""

from typing import Any

import numpy as np
import pytest

from envs.football.parallel import FootballParallelEnv
from envs.task.config import load_task
from envs.task.splits import TEST_FIRST
from tests.envs.adapters.library_fixture import digest, our_episodes, run_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
LIBRARY = "verifiers==0.4.0"
TASKS: dict[str, dict[str, str]] = {"sokoban": {}, "football": {}, "geometry": {}, "arithmetic": {}}


def jobs_of(name: str, episodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    settings = {f"env.{key}": value for key, value in TASKS[name].items()}
    return [
        {
            "env": name,
            "settings": settings,
            "split": "test",
            "index": one["seed"] - TEST_FIRST,
            "replies": one["replies"],
        }
        for one in episodes
    ]


def test_one_model_sees_our_images_and_gets_our_rewards() -> None:
    ours = {name: our_episodes(name, range(TEST_FIRST, TEST_FIRST + 2), **more) for name, more in TASKS.items()}
    jobs = [job for name, episodes in ours.items() for job in jobs_of(name, episodes)]
    found = iter(run_in(LIBRARY, "verifiers_program.py", jobs))
    for episodes in ours.values():
        for episode in episodes:
            (theirs,) = next(found).values()
            turns = len(episode["replies"])
            assert {key: theirs[key] for key in ("seed", "seen", "reward")} == {
                key: episode[key] for key in ("seed", "seen", "reward")
            }
            assert theirs["messages"] == list(range(1, 2 * turns, 2))  # the whole conversation
            assert theirs["metrics"] == {"success": episode["success"], "turns": turns, "valid_replies": 1.0}
    assert sum(len(one["seen"][0]["images"]) for episodes in ours.values() for one in episodes) == 6
    assert {one["reward"] for one in ours["sokoban"]} == {0.0, 1.0}


def test_two_models_play_football() -> None:
    config = load_task("football")
    names = config.action_parts[0]
    seats = {"player": "left_1", "opponent": "right_1"}
    actions = {
        agent: np.random.default_rng(seat).integers(0, 19, 4).tolist() for seat, agent in enumerate(seats.values())
    }
    env = FootballParallelEnv(**(config.kwargs | {"control": [1, 1]}))
    frames, infos = env.reset(seed=TEST_FIRST)
    wanted: dict[str, list[list[str]]] = {agent: [] for agent in actions}
    for turn in range(4):
        for agent in actions:
            wanted[agent].append([digest(frames[agent].tobytes())])
        frames, _, _, _, infos = env.step({agent: actions[agent][turn] for agent in actions})
    replies = [[f"<think></think><answer>{names[one]}</answer>" for one in actions[agent]] for agent in actions]
    job = {"env": "football", "split": "test", "index": 0, "replies": replies}
    (theirs,) = run_in(
        LIBRARY, "verifiers_program.py", [job | {"settings": {"env.kwargs.control": [1, 1], "env.max_turns": 4}}]
    )
    for seat, agent in seats.items():
        assert [turn["images"] for turn in theirs[seat]["seen"]] == wanted[agent]
        assert theirs[seat]["reward"] == float(infos[agent]["success"])
        assert theirs[seat]["metrics"]["turns"] == 4
    assert wanted["left_1"][0] != wanted["right_1"][0]
