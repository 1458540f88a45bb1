"""The part of `openenv_check` that runs in OpenEnv's virtual environment and imports nothing of Kickoff.

    build/venv-openenv/bin/python benchmarks/openenv_theirs.py PACKAGE KICKOFF_PYTHON

PACKAGE is a folder written by `openenv_check`. `openenv validate` of 0.10.0 implements six of its checks and skips the
others as "grader not implemented in this build", and it skips the network policy of a server that runs as a process.
Any other skipped check fails here. The table measures those of the others that concern the environment, through
OpenEnv's own client, and marks them `client`.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from openenv.core.generic_client import GenericEnvClient
from openenv.validation import ValidationReport, run_validation
from openenv.validation.types import ProviderCapability

SKIPPED = {"grader not implemented in this build", "missing provider capabilities: network_policy"}
"""Reasons for which `openenv validate` skips checks of every package."""


class Server:
    """A running server, in the form of a subject of `openenv validate`."""

    def __init__(self, name: str, python: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [python, "-m", "envs.serve", f"env={name}", f"port={port}"], stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + 300
        while time.monotonic() < end and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.base_url}/health", timeout=5).close()
                return
            except OSError:
                time.sleep(0.2)
        raise SystemExit(f"{name}: the server did not start")

    def inspect(self) -> dict:
        """Return a description of the subject."""
        return {"process": self._process.pid}

    def stop(self) -> None:
        """Stop the server."""
        self._process.terminate()
        self._process.wait(30)


class LocalProvider:
    """A provider of `openenv validate` that starts the server as a process instead of a container."""

    name = "process"
    capabilities = frozenset({ProviderCapability.IMAGE_BUILD})
    supported_network_modes = frozenset({"public"})

    def __init__(self, name: str, python: str) -> None:
        self._arguments = name, python

    def build(self, root: Path, execution: object) -> str:
        """Return a placeholder for the image."""
        return "sha256:" + "0" * 64

    def start(self, spec: object) -> Server:
        """Start the server."""
        return Server(*self._arguments)


def played(client: GenericEnvClient, index: int, replies: list[str]) -> list[tuple]:
    """Return what a client sees in an episode: observation without the episode id, reward, done."""
    result = client.reset(split="test", index=index, episode_id="check")
    seen = [(result.observation, result.reward, result.done)]
    for words in replies:
        if result.done:
            break
        result = client.step({"message": words})
        seen.append((result.observation, result.reward, result.done))
    return seen


def measured(url: str, replies: dict[str, list[list[str]]]) -> list[tuple[str, bool, str]]:
    """Return the checks through OpenEnv's client: name, passed, figures."""
    with GenericEnvClient(base_url=url).sync() as one, GenericEnvClient(base_url=url).sync() as two:
        starts = range(len(replies["expert"]))
        episodes = {label: [played(one, i, texts[i]) for i in starts] for label, texts in replies.items()}
        again = [played(two, i, replies["expert"][i]) for i in starts]
        means = {
            label: statistics.fmean(sum(turn[1] or 0 for turn in episode) for episode in found)
            for label, found in episodes.items()
        }
        same = sum(a == b for a, b in zip(episodes["expert"], again, strict=True))
        first = [json.dumps(episode[0][0]["content"]) for episode in episodes["expert"]]
        mixed = alternating(one, two, replies["expert"])
        groups = [{sum(turn[1] or 0 for turn in found[i]) for found in episodes.values()} for i in starts]
        signal = sum(len(group) > 1 for group in groups)
        one.reset(split="test", index=0, episode_id="check")
        state = one.state()
        one.step({"message": "no form at all"})
    floor, number = max(means["random"], means["idle"]), len(starts)
    return [
        ("runtime.seed_control", len(set(first)) > 1, f"{len(set(first))} different starts of {number}"),
        ("runtime.episode_determinism", same == number, f"{same} of {number} episodes equal in another session"),
        ("runtime.episode_isolation", mixed, "two sessions in alternation see what each sees alone"),
        ("runtime.state", state["episode_id"] == "check" and state["step_count"] == 0, "id and count after reset"),
        ("semantic.oracle_max", means["expert"] >= 0.9, f"expert {means['expert']:.3f}, maximum 1, tolerance 0.1"),
        ("semantic.floor_gap", 1 - floor >= 0.1, f"random {means['random']:.3f}, idle {means['idle']:.3f}"),
        ("semantic.replayability", same == number, f"{same} of {number} transcripts replay"),
        ("statistical.training_signal", signal > 0, f"{signal} of {number} groups have different rewards"),
    ]


def alternating(one: GenericEnvClient, two: GenericEnvClient, replies: list[list[str]]) -> bool:
    """Return True if two sessions that step in turn see the same as one after the other."""
    alone = [played(one, index, replies[index]) for index in (0, 1)]
    clients, seen = (one, two), [[], []]
    for index, client in enumerate(clients):
        result = client.reset(split="test", index=index, episode_id="check")
        seen[index].append((result.observation, result.reward, result.done))
    for turn in range(max(len(replies[0]), len(replies[1]))):
        for index, client in enumerate(clients):
            if turn < len(replies[index]) and not seen[index][-1][2]:
                result = client.step({"message": replies[index][turn]})
                seen[index].append((result.observation, result.reward, result.done))
    return seen == alone


def command_line(*arguments: str) -> tuple[bool, str]:
    """Return the success of an `openenv` command and the last line that it prints."""
    program = Path(sys.executable).with_name("openenv")
    found = subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=300)
    lines = (found.stdout + found.stderr).strip().splitlines() or [""]
    return found.returncode == 0, lines[-1]


def validated(package: Path, python: str) -> ValidationReport:
    """Return the report of `openenv validate`. It is repeated if a busy machine exceeded its limit of five seconds."""
    for _ in range(5):
        report = run_validation(package, provider=LocalProvider(package.name, python))
        if not any("time budget" in line for result in report.results for line in result.evidence):
            break
    return report


def main(package: Path, python: str) -> int:
    """Print all checks of a package and return the number of failed ones."""
    replies = json.loads((package / "replies.json").read_text())
    rows = []
    server = Server(package.name, python)
    try:
        passed, last = command_line("validate", "--url", server.base_url, "--timeout", "60")
        rows.append(("openenv validate --url", passed, last))
        rows += [(f"client: {name}", *rest) for name, *rest in measured(server.base_url, replies)]
    finally:
        server.stop()
    passed, last = command_line("validate", str(package), "--level", "static")
    rows.append(("openenv validate --level static", passed, last))
    report = validated(package, python)
    skipped = [result for result in report.results if result.status.value == "skip" and SKIPPED & {*result.evidence}]
    for result in report.results:
        if result not in skipped:
            rows.append((f"validate: {result.check_id}", result.status.value == "pass", "; ".join(result.evidence)))
    verdict = f"{report.verdict.value}, {len(skipped)} skipped"
    rows.append(("validate: verdict", report.verdict.value != "fail", verdict))
    for name, passed, text in rows:
        print(f"{package.name:<10} {'pass' if passed else 'FAIL'}  {name:<40} {text}", flush=True)
    return sum(not passed for _, passed, _ in rows)


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(1 if main(Path(sys.argv[1]), sys.argv[2]) else 0)
