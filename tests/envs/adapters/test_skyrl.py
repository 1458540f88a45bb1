"""Episodes in SkyRL-gym itself: the same observations and rewards as ours."""

from typing import Any

import pytest

from envs.task.splits import TEST_FIRST
from tests.envs.adapters.library_fixture import our_episodes, run_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_episodes_are_ours_and_bad_columns_are_one_line() -> None:
    ours = {name: our_episodes(name, range(TEST_FIRST, TEST_FIRST + 2)) for name in ("sokoban", "football", "geometry")}
    jobs: list[dict[str, Any]] = []
    for name, episodes in ours.items():
        for episode in episodes:
            start = {"env": name, "split": "test", "index": episode["seed"] - TEST_FIRST, "seed": None}
            jobs.append({"start": start, "replies": episode["replies"]})
    bad: list[dict[str, Any]] = [
        {},
        {"extra_info": {"env": "sokobann"}},
        {"extra_info": {"env": "sokoban", "sed": 1}},
        {"extra_info": {"env": "sokoban", "seed": -1}},
        {"extra_info": {"env": "sokoban", "settings": {"env.max_turn": 1}}},
    ]
    found = run_in("skyrl-gym==0.4.0", "skyrl_program.py", {"jobs": jobs, "bad": bad})
    theirs = iter(found["played"])
    for episodes in ours.values():
        for episode in episodes:
            metrics = {"success": bool(episode["success"]), "turns": len(episode["replies"])}
            wanted = {key: episode[key] for key in ("seed", "seen", "reward")} | {"metrics": metrics}
            assert next(theirs) == wanted
    starts = (
        "extra_info: env is missing",
        "unknown env 'sokobann'; did you mean 'sokoban'?",
        "unknown extra_info 'sed'; did you mean 'seed'?",
        "seed: ",
        "unknown key env.max_turn; did you mean env.max_turns?",
    )
    for text, opening in zip(found["problems"], starts, strict=True):
        assert text.startswith(opening) and "\n" not in text
