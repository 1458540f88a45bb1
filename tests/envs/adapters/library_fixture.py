"""What the tests of adapters share: our own episodes, and programs that run with another library."""

import asyncio
import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.episodes.episode import Episode, Start
from agents.episodes.policy import Policy
from agents.episodes.rewards import rewards_of
from agents.episodes.runner import EpisodeRunner
from agents.policies.scripted import ExpertPolicy, RandomPolicy
from benchmarks.libraries import library_python
from envs.task.config import load_task
from envs.task.task import Task

ROOT = Path(__file__).resolve().parents[3]


def our_episodes(name: str, seeds: Sequence[int], **settings: str) -> list[dict[str, Any]]:
    """Episodes of the expert (even seeds) and of random replies: what was seen, the replies and the rewards."""
    more = {f"env.{key}": value for key, value in settings.items()}
    task = Task(name, load_task(name, {"env.rules": "true"} | more))
    runner = EpisodeRunner(task)

    def play(seed: int) -> Episode:
        policy: Policy = RandomPolicy() if seed % 2 else ExpertPolicy()
        (episode,) = asyncio.run(runner.play([Start(seed, seed)], policy))
        return episode

    played = []
    for episode in map(play, seeds):
        played.append(
            {
                "seed": episode.start.seed,
                "replies": [turn.words for turn in episode.turns],
                "seen": [
                    {
                        "text": task.words(turn.observation, first=number == 0),
                        "images": [digest(image.tobytes()) for image in turn.observation.images],
                    }
                    for number, turn in enumerate(episode.turns)
                ],
                "reward": rewards_of(episode, task.config).parts["outcome"],
                "success": float(episode.success),
            }
        )
    runner.close()
    return played


def digest(pixels: bytes) -> str:
    """Hash of the pixels of an image."""
    return hashlib.sha256(pixels).hexdigest()


def run_in(requirement: str, program: str, given: Any, alone: Sequence[str] = ()) -> Any:
    """The JSON value that a program of this folder prints last, run with a library installed; `given` is its input.

    Without a package index, the test is skipped, or fails where KICKOFF_NO_SKIP is set.
    """
    try:
        python = library_python(requirement, alone=alone)
    except subprocess.CalledProcessError:
        (pytest.fail if os.environ.get("KICKOFF_NO_SKIP") else pytest.skip)(f"pip cannot install {requirement}")
    environment: Mapping[str, str] = os.environ | {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"}
    done = subprocess.run(
        [python, str(Path(__file__).parent / program)],
        input=json.dumps(given), cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])
