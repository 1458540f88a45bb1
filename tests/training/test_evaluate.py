"""`python -m training.evaluate`: success of one player on held-out episodes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.episodes import Arena
from agents.experts import scripted
from envs.schema import ConfigError
from envs.task import Task
from training import evaluate
from training.config import load
from training.evaluate import held_out
from training.rollout import TEST_FIRST
from training.statistics import wilson


def result(folder: Path, *words: str) -> dict[str, Any]:
    evaluate.main([*words, f"json={folder / 'result.json'}"])
    document: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return document


def test_the_command_line(tmp_path: Path) -> None:
    words = ["env=arithmetic", "policy=random", "episodes=200", "json=result.json"]
    command = [sys.executable, "-m", "training.evaluate", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "written to result.json\n")
    document = json.loads((tmp_path / "result.json").read_text())
    assert document.keys() == {"task", "policy", "temperature", "blind", "success", "return", "valid", "turns"}
    assert (document["task"], document["policy"], document["blind"]) == ("arithmetic", "random", False)
    mean = document["success"]["mean"]
    assert mean < 0.1 and document["return"] == mean  # a guess at two or three digits
    assert document["success"]["ci95"] == list(wilson(round(mean * 200), 200))
    assert (document["valid"], document["turns"]) == (1.0, 1.0)
    assert done.stdout.startswith(f"arithmetic: random succeeds in {mean:.1%} of 200 held-out episodes (95% interval ")


def test_the_scripted_players(tmp_path: Path) -> None:
    assert result(tmp_path, "env=arithmetic", "policy=expert")["success"]["mean"] == 1.0
    assert result(tmp_path, "env=arithmetic")["success"] == {"mean": 1.0, "n": 256, "ci95": list(wilson(256, 256))}
    assert result(tmp_path, "env=arithmetic", "policy=idle")["success"]["mean"] == 0.0
    football = result(tmp_path, "env=football", "policy=random", "episodes=6")
    assert football["success"]["n"] == 6 and 1 <= football["turns"] <= load([]).tasks["football"].max_turns


@pytest.mark.parametrize("env", ["arithmetic", "football"])
def test_the_embedded_model(env: str, tmp_path: Path) -> None:
    words = [f"env={env}", "policy=tiny", "episodes=6", "engine.max_batch=4"]
    once = result(tmp_path, *words)
    assert once == result(tmp_path, *words, "engine.threads=1")
    assert 0 <= once["valid"] <= 1 and once["success"]["n"] == 6
    assert result(tmp_path, *words, "temperature=0")["temperature"] == 0


def test_it_plays_the_test_split() -> None:
    task = Task("arithmetic", load(["env=arithmetic"]).tasks["arithmetic"])
    episodes = held_out(Arena(task), scripted("expert"), 5)
    assert [episode.start.seed for episode in episodes] == [TEST_FIRST + i for i in range(5)]


MISTAKES = {
    "policy=randm": "unknown policy 'randm'; did you mean 'random'? Known: expert, idle, random, ",
    "policy=runs/gone/checkpoint": "policy: model folder 'runs/gone/checkpoint' does not exist",
    "policy=/": "policy: '/' is not a model folder: it has no config.json",
    "episodes=0": "episodes must be at least 1, got 0",
    "temperature=-1": "temperature must not be negative, got -1.0",
    "episode=3": "unknown key episode; did you mean episodes?",
    "json=/nowhere/result.json": "json: the folder of /nowhere/result.json does not exist",
    "env.kwargs.digits=99": "digits must be from 1 to 12, got 99",
    "env.kwargs.digit=3": "kickoff/Arithmetic-v0 does not take these kwargs: ",
}


@pytest.mark.parametrize("word", MISTAKES)
def test_mistakes(word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        evaluate.main(["env=arithmetic", word])
    assert str(caught.value).startswith(MISTAKES[word])
    assert "\n" not in str(caught.value)


def test_one_episode_has_no_other_to_be_shown() -> None:
    with pytest.raises(ConfigError, match="blind needs at least 2 episodes"):
        evaluate.main(["env=football", "policy=random", "episodes=1", "blind=true"])


def test_images_of_another_size() -> None:
    for size in ("[112,112]", "[84,112]"):
        with pytest.raises(ConfigError, match=r"the model sees images of 84x84, got \d+x112"):
            evaluate.main(["env=football", "policy=tiny", "episodes=2", f"env.kwargs.image_size={size}"])
