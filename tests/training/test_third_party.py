"""Envs from outside become trainable by one YAML: the tiny model plays them and learns a few steps."""

import json
import math
from pathlib import Path

import pytest

from render.records.reading import read_episodes
from render.viewer.run import Watched
from training import run
from training.runs.metrics import read_metrics

pytestmark = pytest.mark.slow

RECIPE = """
checkpoint_every: 2
evaluation: {episodes: 4, every: 2, validation_episodes: 4, videos: 1, records: 1}
algo: {groups: 2, group_size: 4, warmup_updates: 1, temperature: 1.5}
stages:
  mgt: {tasks: [env], steps: 2}
"""


@pytest.mark.parametrize("env", ["frozen_lake", "minigrid", "freeway"])
def test_run_on_a_third_party_env_plays_and_trains(env: str, tmp_path: Path) -> None:
    (tmp_path / "few.yaml").write_text(RECIPE)
    words = [f"env={env}", f"recipe={tmp_path / 'few.yaml'}", f"out={tmp_path}", "name=run", "env.max_turns=6"]
    run.main([*words, "env.on_invalid=skip"])
    folder = tmp_path / "run"
    steps = [row for row in read_metrics(folder) if row.get("stage") == "mgt"]
    assert [row["step"] for row in steps] == [1, 2]
    assert all(math.isfinite(row["loss"]) and row["updates"] > 0 for row in steps)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["task"] == env and [stage["steps"] for stage in summary["stages"]] == [2]
    page = Watched([folder]).run()
    assert page["notes"] == [] and [video["name"] for video in page["videos"]] == ["before", "after"]
    for label in ("before", "after"):
        assert summary["success"][label]["n"] == 4 and 0 <= summary["success"][label]["valid"] <= 1
        episodes = list(read_episodes(folder / "episodes" / label))
        assert len(episodes) == 4
        assert all(episode.task == env and 1 <= len(episode.turns) <= 6 for episode in episodes)
        assert sum(all(turn.frame is not None for turn in episode.turns) for episode in episodes) == 1
