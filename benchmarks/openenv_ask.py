"""Episodes on other people's OpenEnv servers, played through `env=openenv:ADDRESS`.

    python -m benchmarks.openenv_ask [source=FOLDER] [episodes=8]

The servers run in OpenEnv's virtual environment (`openenv_check`): the echo env of the wheel's own template
(`openenv init`) and, if `source` is a clone of https://github.com/huggingface/OpenEnv, its maze, TextArena (guess the
number), Atari (Pong) and MCP echo envs. TextArena and Atari need `pip install textarena ale-py` there. A random policy
plays the held-out starts twice. The table has what the address alone found out, and the rates of the second time.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.policies.scripted import RandomPolicy
from benchmarks.openenv_check import openenv_python
from configs.cli import command, parse_overrides
from configs.errors import UserError
from envs.task.config import load_task
from envs.task.task import Task

SERVERS: dict[str, tuple[str, dict[str, Any]]] = {
    "maze_env": ("maze_env.server.app:app", {}),
    "textarena_env": ("textarena_env.server.app:app", {}),
    "atari_env": ("atari_env.server.app:app", {"kwargs": {"image_field": "screen"}}),
    "echo_env": (
        "echo_env.server.app:app",
        {
            "success": "terminated",
            "kwargs": {
                "action_field": "arguments.message",
                "action_data": {"type": "call_tool", "tool_name": "echo_message"},
            },
        },
    ),
}
"""Folder in envs/ of the repository → application, and the settings that its address alone does not give."""
QUIET = {"TEXTARENA_ENV_ID": "GuessTheNumber-v0", "TEXTARENA_DOWNLOAD_NLTK": "0"}
"""Environment variables of the servers: nothing is downloaded."""


@contextlib.contextmanager
def served(python: str, app: str, folder: Path) -> Iterator[str]:
    """Run an application in a folder and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [python, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen(words, cwd=folder, env={**os.environ, **QUIET, "PYTHONPATH": str(folder)})
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            time.sleep(0.5)
        else:
            raise UserError(f"{app} did not start")
        yield address
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def template(python: str) -> Iterator[str]:
    """Run the env that `openenv init` creates, and yield its address."""
    program = Path(python).with_name("openenv")
    with tempfile.TemporaryDirectory() as folder:
        words = [str(program), "init", "my_echo", "--output-dir", folder]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        with served(python, "server.app:app", Path(folder) / "my_echo") as address:
            yield address


def report(name: str, address: str, own: dict[str, Any], episodes: int) -> None:
    """Play episodes on a server and print a row."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.yaml"
        file.write_text(yaml.safe_dump({"id": f"openenv:{address}", **own}))
        task = Task(name, load_task(str(file)))
    runner = EpisodeRunner(task)
    starts = held_out_starts(TEST_FIRST, episodes)
    first = asyncio.run(runner.play(starts, RandomPolicy()))
    begin = time.perf_counter()
    played = asyncio.run(runner.play(starts, RandomPolicy()))
    seconds = time.perf_counter() - begin
    runner.close()
    config, turns = task.config, sum(len(episode.turns) for episode in played)
    size = "x".join(map(str, config.kwargs.get("image_size", []))) or "none"
    ended = ", ".join(f"{count} {end}" for end, count in sorted(Counter(str(one.ended) for one in played).items()))
    mean = sum(episode.env_return for episode in played) / len(played)
    same = sum(
        [turn.observation.text for turn in one.turns] == [turn.observation.text for turn in other.turns]
        for one, other in zip(first, played, strict=True)
    )
    print(
        f"{name:<14} action {config.kwargs.get('action_field')} ({config.kwargs.get('action_type', 'string')}), image "
        f"{size}, at once {config.episodes_at_once or 'all'}; {ended}; return {mean:.2f}; {turns} turns, "
        f"{turns / seconds:.0f}/s; {same} of {episodes} with the same texts again"
    )
    for problem in {episode.problem for episode in played if episode.problem}:
        print(f"    {problem}")
    if played[0].turns:
        print(f"    first text: {played[0].turns[0].observation.text[:160]!r}")


def main(words: list[str]) -> None:
    """Play on all servers."""
    overrides = parse_overrides(words)
    source, episodes = overrides.pop("source", ""), overrides.pop("episodes", "8")
    if overrides or not episodes.isdecimal() or not int(episodes):
        raise UserError("python -m benchmarks.openenv_ask [source=FOLDER] [episodes=N]")
    if source and not (Path(source) / "envs" / "maze_env").is_dir():
        raise UserError(f"source={source}: there is no envs/maze_env in it")
    python = openenv_python()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(python).with_name("openenv")
        subprocess.run([str(program), "init", "my_echo", "--output-dir", folder], check=True, stdout=subprocess.DEVNULL)
        with served(python, "server.app:app", Path(folder) / "my_echo") as address:
            report("template echo", address, {}, int(episodes))
    for name, (app, own) in SERVERS.items() if source else ():
        with served(python, app, Path(source).resolve() / "envs") as address:
            report(name, address, own, int(episodes))


if __name__ == "__main__":
    command(lambda words: main(list(words)), lambda _: str(__doc__))
