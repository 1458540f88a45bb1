"""Losses, advantage estimators and rewards of one's own, named by import path; with Ray in cluster/test_ray.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import configs
from configs.errors import UserError
from render.records.reading import read_episodes
from training import run
from training.runs.metrics import read_metrics

MODULE = """
import torch


def loss(streams, config, weight):
    return -(weight * streams.advantages * streams.policy_logprobs).sum() / streams.total_tokens, weight > 0


def advantage(groups, config):
    import numpy as np

    return [[np.full(len(score.turn_rewards), 2.5 - 5 * number % 7) for number, score in enumerate(group)]
            for group in groups]


def reward(episode):
    return 0.5 + episode.start.sampling_seed % 5


def by_turns(episode):
    return [0.25] * len(episode.turns)


constant = 3
"""
SHORT = [
    "env=arithmetic",
    "stages=mgt",
    "stages.mgt.steps=1",
    "algo.groups=2",
    "algo.group_size=3",
    "evaluation.episodes=2",
    "evaluation.every=0",
    "evaluation.records=1",
    "evaluation.record_groups=2",
    "track=none",
]


@pytest.mark.slow
def test_run_with_functions_from_the_current_folder_uses_them(tmp_path: Path) -> None:
    (tmp_path / "our_functions.py").write_text(MODULE)
    own = [f"algo.{key}=our_functions:{key}" for key in ("loss", "advantage")] + ["env.reward=our_functions:reward"]
    environment = os.environ | {"PYTHONPATH": str(Path(configs.__file__).parents[1])}
    words = [sys.executable, "-m", "training.run", *SHORT, *own, "out=runs", "name=own"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "own"
    (record,) = read_metrics(folder)
    assert record["clip_fraction"] == pytest.approx(
        1.0
    )  # our loss calls every token limited; on-policy, the built-in ones none
    played = list(read_episodes(folder / "episodes" / "train"))
    assert len(played) == 6
    earned = [episode.rewards["outcome"] for episode in played]
    assert set(earned) <= {0.5, 1.5, 2.5, 3.5, 4.5} and len(set(earned)) > 1
    assert record["reward/outcome"] == pytest.approx(sum(earned) / 6)
    varied = [part for part in (slice(3), slice(3, 6)) if len(set(earned[part])) > 1]
    assert [[one.advantage for one in played[part]] for part in varied] == [[2.5, -2.5, -0.5]] * len(varied)
    assert json.loads((folder / "summary.json").read_text())["success"]["expert"]["mean"] == 1.0  # success is the env's


WRONG = {
    "algo.loss=nowhere_at_all:fn": "nowhere_at_all:fn: nowhere_at_all cannot be imported (No module named",
    "algo.loss=our_wrong_functions:gone": "our_wrong_functions:gone: module our_wrong_functions has no gone",
    "algo.loss=our_wrong_functions:constant": "algo.loss=our_wrong_functions:constant: a function is expected",
    "algo.loss=our wrong:fn": "algo: loss must be one of dapo, gspo, cispo, dppo, cross_entropy or an import path",
    "algo.advantage=our_wrong_functions:gone": "our_wrong_functions:gone: module our_wrong_functions has no gone",
    "algo.advantage=gr": "algo: advantage must be one of grpo, dr_grpo, rloo, reinforce_pp, gigpo, vpr, gdpo, ",
    "env.reward=our_wrong_functions:gone": "our_wrong_functions:gone: module our_wrong_functions has no gone",
    "env.reward=our_wrong_functions:constant": "reward=our_wrong_functions:constant: a function is expected",
    "env.reward=sucess": "tasks.arithmetic: reward must be success, return, process, result or an import path "
    "module:name, got 'sucess'",
}


@pytest.mark.parametrize("word", WRONG)
def test_run_with_a_wrong_import_path_is_refused_before_anything_is_written(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "our_wrong_functions.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    with pytest.raises(UserError) as caught:
        run.main([*SHORT, word, f"out={tmp_path / 'runs'}"])
    assert WRONG[word] in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()
