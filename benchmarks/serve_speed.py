"""Speed and robustness of the server (`envs.serve`), with 224-pixel images.

    python -m benchmarks.serve_speed [part=speed,echo,fuzz,vanish,memory] [seconds=10] [sessions=64] [rounds=5]

- `speed`: steps per second of Sokoban and football with all sessions at once, latencies of steps and resets, and the
  CPU time of the server and of the client per step.
- `echo`: the same client with OpenEnv's own server for an env that only echoes, and with ours: the ratio of the rates
  by round. OpenEnv's server runs in the virtual environment of `openenv_check`.
- `fuzz`: 10,000 malformed messages, 100 MB messages and half-open sockets, next to a session that plays.
- `vanish`: 256 clients that vanish in mid-episode.
- `memory`: resident memory of the server over 100,000 episodes.

Rates on a busy machine are too low. The CPU times per step are less affected.
"""

import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.openenv_check import openenv_python
from configs.cli import command, parse_overrides
from configs.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
ANSWERS = {
    "sokoban": ["up", "down", "left", "right"],
    "football": ["right", "top_right", "bottom_right", "sprint", "idle"],
}
PARTS = ("speed", "echo", "fuzz", "vanish", "memory")


class Server(NamedTuple):
    """A running server."""

    url: str
    pid: int

    def cpu(self) -> float:
        """Return the CPU seconds of the server so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """Return the resident memory in MB."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def files(self) -> int:
        """Return the number of open files and sockets."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Load(NamedTuple):
    """Result of one client."""

    rate: float
    """Steps per second."""
    step: list[float]
    """Seconds of each step."""
    reset: list[float]
    """Seconds of each reset."""


@contextmanager
def running(command: list[str], port: int) -> Iterator[Server]:
    """Run a server until the end of the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    try:
        for _ in range(3000):
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                yield Server(f"ws://127.0.0.1:{port}/ws", process.pid)
                return
            time.sleep(0.1)
        raise UserError("the server did not start")
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ours(task: str, *words: str) -> Any:
    """Run our server for a task."""
    port = free_port()
    return running([sys.executable, "-m", "envs.serve", f"env={task}", f"port={port}", "sessions=512", *words], port)


def echo() -> Any:
    """Run OpenEnv's server for an env that echoes."""
    port = free_port()
    return running([openenv_python(), str(ROOT / "benchmarks" / "openenv_echo.py"), str(port)], port)


def opened(server: Server) -> connect:
    """Return a socket of a server."""
    return connect(server.url, compression=None, max_size=2**24, ping_interval=None)


async def ask(socket: ClientConnection, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a message."""
    await socket.send(json.dumps({"type": kind, "data": data}))
    answer: dict[str, Any] = json.loads(await socket.recv())
    return answer


async def load(server: Server, answers: list[str], sessions: int, seconds: float) -> Load:
    """Play random answers in all sessions at once."""
    steps: list[float] = []
    resets: list[float] = []
    end = time.perf_counter() + seconds

    async def play(number: int) -> None:
        chance, seed = random.Random(number), number
        async with opened(server) as socket:
            done = True
            while time.perf_counter() < end:
                begin = time.perf_counter()
                if done:
                    answer = await ask(socket, "reset", {"seed": seed})
                    resets.append(time.perf_counter() - begin)
                    seed += sessions
                else:
                    words = f"<think></think><answer>{chance.choice(answers)}</answer>"
                    answer = await ask(socket, "step", {"message": words})
                    steps.append(time.perf_counter() - begin)
                if answer["type"] == "error":
                    raise RuntimeError(answer["data"]["message"])
                done = answer["data"]["done"]

    begin = time.perf_counter()
    await asyncio.gather(*(play(number) for number in range(sessions)))
    return Load(len(steps) / (time.perf_counter() - begin), steps, resets)


def milliseconds(times: list[float]) -> str:
    """Return the median and the 99th percentile."""
    ordered = sorted(times) or [0.0]
    return f"{1e3 * statistics.median(ordered):.2f} ms median, {1e3 * ordered[int(0.99 * (len(ordered) - 1))]:.1f} ms p99"


def speed(sessions: int, seconds: float, rounds: int) -> None:
    """Print rates, latencies and CPU times."""
    for task, answers in ANSWERS.items():
        with ours(task, "env.kwargs.image_size=[224,224]") as server:
            asyncio.run(load(server, answers, 4, 1.0))
            for count in (1, sessions):
                before, mine = server.cpu(), time.process_time()
                found = asyncio.run(load(server, answers, count, seconds))
                each = 1e3 / max(1, len(found.step) + len(found.reset))
                print(
                    f"{task:<9} {count:>3} sessions: {found.rate:7.0f} steps/s; server {(server.cpu() - before) * each:.2f}, "
                    f"client {(time.process_time() - mine) * each:.2f} CPU ms per request; "
                    f"step {milliseconds(found.step)}; reset {milliseconds(found.reset)}",
                    flush=True,
                )


def compare(sessions: int, seconds: float, rounds: int) -> None:
    """Print the rates of both servers by round, and their ratio."""
    with echo() as theirs, ours("reasoning") as text, ours("sokoban") as images:
        ratios: dict[str, list[float]] = {"reasoning (text)": [], "sokoban (84-pixel images)": []}
        for _ in range(rounds):
            base = asyncio.run(load(theirs, ["a"], sessions, seconds))
            rate = (len(base.step) + len(base.reset)) / seconds
            for (name, found), server in zip(ratios.items(), (text, images), strict=True):
                own = asyncio.run(load(server, ["up"], sessions, seconds))
                found.append((len(own.step) + len(own.reset)) / seconds / rate)
            print(f"OpenEnv's echo: {rate:.0f} requests/s", flush=True)
        for name, found in ratios.items():
            print(f"{name}: {statistics.median(found):.2f}x OpenEnv's echo ({min(found):.2f} to {max(found):.2f})")


def fuzz(sessions: int, seconds: float, rounds: int) -> None:
    """Send malformed messages next to a session that plays."""
    chance = random.Random(0)

    def malformed() -> str | bytes:
        good = {"type": chance.choice(["reset", "step", "state", "mcp", "x"]), "data": {"seed": 1, "message": "up"}}
        text = json.dumps(good)
        place, noise = chance.randrange(len(text)), chance.choice(["", "\0", "[" * 999, "9" * 9999, "NaN", "\\ud800"])
        kinds: list[Any] = [
            text[:place], text[:place] + noise + text[place + 1 :], chance.randbytes(40),
            json.dumps({"type": good["type"], "data": chance.choice([None, 1, [], "x", {"seed": -1}, {"message": 1}])}),
            json.dumps({good["type"]: "type"}),
        ]  # fmt: skip
        return chance.choice(kinds)  # type: ignore[no-any-return]

    async def play(server: Server) -> None:
        kinds: dict[str, int] = {}
        half_open = [socket.create_connection(("127.0.0.1", int(server.url.split(":")[2][:-3]))) for _ in range(50)]
        async with opened(server) as good:
            first = await ask(good, "reset", {"seed": 5, "episode_id": "good"})
            sent = 0
            while sent < 10_000:
                async with opened(server) as bad:
                    with suppress(ConnectionClosed):
                        for _ in range(100):
                            sent += 1
                            await bad.send(malformed())
                            answer = json.loads(await bad.recv())
                            key = answer["data"].get("code", answer["type"]) if answer["type"] == "error" else "answered"
                            kinds[key] = kinds.get(key, 0) + 1
            for size in (10**6, 10**8):
                async with opened(server) as bad:
                    with suppress(ConnectionClosed):
                        await bad.send("x" * size)
                        await bad.recv()
            assert (await ask(good, "step", {"message": "<think></think><answer>up</answer>"}))["type"] == "observation"
            assert await ask(good, "reset", {"seed": 5, "episode_id": "good"}) == first
        for connection in half_open:
            connection.close()
        print(f"{sent} malformed messages, 100 MB, 50 half-open sockets: {kinds}; the other session is undisturbed")

    with ours("sokoban") as server:
        before = server.memory()
        asyncio.run(play(server))
        print(f"memory {before:.0f} to {server.memory():.0f} MB")


def vanish(sessions: int, seconds: float, rounds: int) -> None:
    """Cut 256 sockets in mid-episode."""

    async def cut(server: Server) -> None:
        async def begin(number: int) -> ClientConnection:
            socket = await opened(server)
            await ask(socket, "reset", {"seed": number})
            await socket.send(json.dumps({"type": "step", "data": {"message": "<think></think><answer>up</answer>"}}))
            return socket

        for socket in await asyncio.gather(*(begin(number) for number in range(256))):
            socket.transport.abort()

    with ours("sokoban", "sessions=256") as server:
        for turn in range(4):
            files = server.files()
            asyncio.run(cut(server))
            time.sleep(2)
            print(f"256 clients vanished: open files {files} to {server.files()}, memory {server.memory():.0f} MB")


def memory(sessions: int, seconds: float, rounds: int) -> None:
    """Print the memory of the server over 100,000 episodes."""

    async def episodes(server: Server, first: int, count: int) -> None:
        async def play(number: int) -> None:
            async with opened(server) as socket:
                for seed in range(number, count, sessions):
                    await ask(socket, "reset", {"seed": first + seed})
                    await ask(socket, "step", {"message": "no form"})  # an invalid reply ends the episode

        await asyncio.gather(*(play(number) for number in range(sessions)))

    with ours("sokoban") as server:
        for block in range(10):
            asyncio.run(episodes(server, block * 10_000, 10_000))
            print(f"{(block + 1) * 10_000} episodes: {server.memory():.1f} MB, {server.files()} open files", flush=True)


def main(words: list[str]) -> None:
    """Run the chosen parts."""
    overrides = parse_overrides(words)
    parts = overrides.pop("part", ",".join(PARTS)).split(",")
    sessions, rounds = int(overrides.pop("sessions", "64")), int(overrides.pop("rounds", "5"))
    seconds = float(overrides.pop("seconds", "10"))
    if overrides or not set(parts) <= set(PARTS):
        raise UserError(f"unknown argument; the parts are {', '.join(PARTS)}")
    functions = {"speed": speed, "echo": compare, "fuzz": fuzz, "vanish": vanish, "memory": memory}
    for part in parts:
        functions[part](sessions, seconds, rounds)


if __name__ == "__main__":
    command(lambda words: main(list(words)), lambda _: str(__doc__))
