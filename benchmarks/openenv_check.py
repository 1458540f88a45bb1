"""Check of the server (`envs.serve`) by OpenEnv's own client and its `openenv validate`.

    python -m benchmarks.openenv_check [env=football,sokoban,geometry,visual,reasoning] [starts=16]

OpenEnv lives in a virtual environment of its own, build/venv-openenv, which the first run creates: openenv 0.10.0 does
not install next to vLLM. For every task, the script serves the task, plays starts of the test split by the expert, by
random and by idle replies through OpenEnv's client, and runs the three forms of `openenv validate`. It prints one row
per check and exits with status 1 if one fails. The part that runs in OpenEnv's environment is `openenv_theirs`.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from agents.episodes.policy import Policy
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.policies.scripted import ExpertPolicy, IdlePolicy, RandomPolicy
from benchmarks.libraries import BUILD, ROOT, library_python
from configs.cli import command, parse_overrides
from configs.errors import UserError
from envs.task.config import load_task
from envs.task.task import Task

VERSION = "0.10.0"
TASKS = "football,sokoban,geometry,visual,reasoning"


def openenv_python() -> str:
    """Return the interpreter of OpenEnv's virtual environment, which is created if it does not exist."""
    return library_python(f"openenv=={VERSION}", shared=False)


def replies(name: str, starts: int) -> dict[str, list[list[str]]]:
    """Return the replies of each policy to the first starts of the test split: policy → [starts][turns]."""
    task = Task(name, load_task(name, {"env.rules": "true"}))
    runner = EpisodeRunner(task)
    policies: dict[str, Policy] = {"expert": ExpertPolicy(), "random": RandomPolicy(), "idle": IdlePolicy()}
    found = {}
    for label, policy in policies.items():
        episodes = asyncio.run(runner.play(held_out_starts(TEST_FIRST, starts), policy))
        found[label] = [[turn.words for turn in episode.turns] for episode in episodes]
    runner.close()
    return found


def write_package(folder: Path, name: str, played: dict[str, list[list[str]]]) -> None:
    """Write an OpenEnv package of one task: the manifest, the plan of the runtime checks, and the replies."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = yaml.safe_load((ROOT / "openenv.yaml").read_text())
    manifest["name"] = name
    manifest["validation"]["execution"]["probe_path"] = "probe.json"
    manifest["validation"]["capabilities"]["oracle"]["location"] = "replies.json"
    (folder / "openenv.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))
    (folder / "Containerfile.serve").write_text((ROOT / "Containerfile.serve").read_text())
    (folder / "replies.json").write_text(json.dumps(played))
    plan: dict[str, Any] = json.loads((ROOT / "envs/serve/probe.json").read_text())
    plan["reset"]["seed"] = TEST_FIRST
    plan["actions"] = [{"message": words} for words in played["expert"][0]]
    (folder / "probe.json").write_text(json.dumps(plan))


def main(words: list[str]) -> None:
    """Check all tasks."""
    overrides = parse_overrides(words)
    names, starts = overrides.pop("env", TASKS).split(","), overrides.pop("starts", "16")
    if overrides or not starts.isdecimal() or int(starts) < 2:
        raise UserError("python -m benchmarks.openenv_check [env=NAME,…] [starts=N], N at least 2")
    python = openenv_python()
    failed = False
    for name in names:
        folder = BUILD / "openenv" / name
        write_package(folder, name, replies(name, int(starts)))
        theirs = [python, str(ROOT / "benchmarks" / "openenv_theirs.py"), str(folder), sys.executable]
        failed |= subprocess.run(theirs, cwd=ROOT).returncode != 0
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    command(lambda words: main(list(words)), lambda _: str(__doc__))
