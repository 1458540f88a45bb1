"""Speed and memory of the server (`envs.serve`).

    python -m benchmarks.serve_speed [part=speed,echo,memory] [seconds=10] [sessions=64] [rounds=5] [workers=1,2]

- `speed`: Sokoban and football with 224-pixel images: steps per second of all sessions at once, latencies of steps and
  resets, and CPU time per request of the server, of the environment alone and of the client. Two free cores cannot play
  more than `2 cores` steps per second: the CPU time of the server and the client per request, on two cores.
- `echo`: the same client with OpenEnv's own server for an env that only echoes (`openenv_echo`, in the virtual
  environment of `openenv_check`), and with ours: ratios of rates and of CPU times, by round.
- `memory`: resident memory and open files of the server over 100,000 episodes, or as many as 100 seconds allow.

Rates and latencies on a busy machine are too low. The CPU times per request are less affected, the ratios least.
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
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.openenv_check import openenv_python
from configs.cli import command, parse_overrides
from configs.errors import UserError
from envs.serve.worlds import Worlds

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
ANSWERS = {
    "sokoban": ["up", "down", "left", "right"],
    "football": ["right", "top_right", "bottom_right", "sprint", "idle"],
}
LARGE = {"env.kwargs.image_size": "[224,224]"}
PARTS = ("speed", "echo", "memory")


class Server(NamedTuple):
    """A running server."""

    url: str
    pid: int

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def cpu(self) -> float:
        """Return the CPU seconds of all processes of the server so far."""
        found = 0
        for pid in self._pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found += int(fields[11]) + int(fields[12])
        return found / TICKS

    def memory(self) -> float:
        """Return the resident memory in MB."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def processes(self) -> int:
        """Return the number of processes that listen."""
        port = int(self.url.split(":")[2].partition("/")[0])
        return Path("/proc/net/tcp").read_text().count(f":{port:04X} 00000000:0000 0A")

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
    server: float
    """CPU milliseconds of the server per request."""
    client: float
    """CPU milliseconds of the client per request."""


@contextmanager
def running(words: list[str], port: int) -> Iterator[Server]:
    """Run a server until the end of the block."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=ROOT)
    try:
        for _ in range(3000):
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=60).close()
                break
            time.sleep(0.1)
        else:
            raise UserError("the server did not start")
        yield Server(f"ws://127.0.0.1:{port}/ws", process.pid)
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
    return connect(server.url, compression=None, max_size=2**24, ping_interval=None, open_timeout=120)


def message(kind: str, **data: Any) -> str:
    """Return a message."""
    return json.dumps({"type": kind, "data": data})


async def ask(socket: ClientConnection, text: str) -> dict[str, Any]:
    """Return the data of the answer to a message."""
    await socket.send(text)
    answer: dict[str, Any] = json.loads(await socket.recv())
    if answer["type"] == "error":
        raise RuntimeError(answer["data"]["message"])
    return answer["data"]  # type: ignore[no-any-return]


async def load(server: Server, answers: list[str], sessions: int, seconds: float) -> Load:
    """Play random answers in all sessions at once, from the first reset of all of them on."""
    steps: list[float] = []
    resets: list[float] = []

    async def play(number: int, socket: ClientConnection, end: float) -> None:
        chance, seed, done = random.Random(number), number, False
        while (begin := time.perf_counter()) < end:
            if done:
                seed += sessions
                answer = await ask(socket, message("reset", seed=seed))
            else:
                words = f"<think></think><answer>{chance.choice(answers)}</answer>"
                answer = await ask(socket, message("step", message=words))
            (resets if done else steps).append(time.perf_counter() - begin)
            done = answer["done"]

    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(opened(server)) for _ in range(sessions)]
        await asyncio.gather(*(ask(socket, message("reset", seed=i)) for i, socket in enumerate(sockets)))
        server_cpu, client_cpu, begin = server.cpu(), time.process_time(), time.perf_counter()
        await asyncio.gather(*(play(i, socket, begin + seconds) for i, socket in enumerate(sockets)))
        took, each = time.perf_counter() - begin, 1e3 / max(1, len(steps) + len(resets))
        cpu = (server.cpu() - server_cpu) * each, (time.process_time() - client_cpu) * each
    return Load(len(steps) / took, steps, resets, *cpu)


def environment(task: str, answers: list[str], count: int = 1500) -> float:
    """Return the CPU milliseconds per request of the environment alone, with its observation."""
    world = Worlds([task], LARGE).by_name[task]
    env, chance, done = world.borrow(), random.Random(0), True
    begin = time.process_time()
    for seed in range(count):
        if done:
            world.task.observe(env, *env.reset(seed=seed))
            done = False
        else:
            reply = world.task.parse(f"<think></think><answer>{chance.choice(answers)}</answer>")
            outcome = world.task.play(env, reply)
            world.task.observe(env, outcome.observation, outcome.info)
            done = outcome.terminated or outcome.truncated
    return 1e3 * (time.process_time() - begin) / count


def milliseconds(times: list[float]) -> str:
    """Return the median and the 99th percentile."""
    ordered = [1e3 * seconds for seconds in sorted(times)] or [0.0]
    return f"{statistics.median(ordered):.2f} ms median, {ordered[int(0.99 * (len(ordered) - 1))]:.1f} ms p99"


def speed(sessions: int, seconds: float, rounds: int, workers: list[str]) -> None:
    """Print rates, latencies and CPU times."""
    for task, answers in ANSWERS.items():
        for number in workers:
            with ours(task, f"workers={number}", *(f"{key}={value}" for key, value in LARGE.items())) as server:
                while server.processes() < int(number):
                    time.sleep(0.5)
                asyncio.run(load(server, answers, sessions, 2.0))
                for count in (1, sessions):
                    found = asyncio.run(load(server, answers, count, seconds))
                    alone = environment(task, answers)
                    print(
                        f"{task:<9}{number} workers {count:>3} sessions: {found.rate:6.0f} steps/s, "
                        f"2 cores {2e3 / (found.server + found.client):5.0f}; CPU ms per request: "
                        f"server {found.server:.2f} (environment {alone:.2f}, own share "
                        f"{max(0.0, 1 - alone / found.server):.0%}), client {found.client:.2f}; "
                        f"step {milliseconds(found.step)}; reset {milliseconds(found.reset)}",
                        flush=True,
                    )


def compare(sessions: int, seconds: float, rounds: int, workers: list[str]) -> None:
    """Print the ratio of both servers, by round."""
    with echo() as theirs, ours("reasoning") as text, ours("sokoban") as images:
        rates: dict[str, list[float]] = {"reasoning (text)": [], "sokoban (84-pixel images)": []}
        costs: dict[str, list[float]] = {name: [] for name in rates}
        for _ in range(rounds):
            base = asyncio.run(load(theirs, ["a"], sessions, seconds))
            requests = len(base.step) + len(base.reset)
            for name, server in zip(rates, (text, images), strict=True):
                own = asyncio.run(load(server, ["up"], sessions, seconds))
                rates[name].append((len(own.step) + len(own.reset)) / max(1, requests))
                costs[name].append(base.server / own.server)
            print(f"OpenEnv's echo: {requests / seconds:.0f} requests/s, {base.server:.2f} CPU ms each", flush=True)
        for name in rates:
            rows = [f"{statistics.median(x):.2f} ({min(x):.2f} to {max(x):.2f})" for x in (rates[name], costs[name])]
            print(f"{name}: {rows[0]} times the rate of OpenEnv's echo; {rows[1]} times its requests per CPU second")


def memory(sessions: int, seconds: float, rounds: int, workers: list[str]) -> None:
    """Print the memory of the server over 100,000 episodes."""

    async def episodes(server: Server) -> None:
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(opened(server)) for _ in range(sessions)]
            begin = time.monotonic()

            async def play(number: int, block: int) -> None:
                for seed in range(number, 5_000, sessions):
                    await sockets[number].send(message("reset", seed=block * 5_000 + seed))
                    await sockets[number].send(message("step", message="no form"))  # an invalid reply ends the episode
                    await sockets[number].recv()
                    await sockets[number].recv()

            for block in range(20):
                await asyncio.gather(*(play(number, block) for number in range(sessions)))
                count = f"{(block + 1) * 5_000:>7} episodes"
                print(f"{count}: {server.memory():.1f} MB, {server.files()} open files", flush=True)
                if time.monotonic() - begin > 100:
                    break

    with ours("sokoban") as server:
        asyncio.run(episodes(server))


def main(words: list[str]) -> None:
    """Run the chosen parts."""
    overrides = parse_overrides(words)
    parts = overrides.pop("part", ",".join(PARTS)).split(",")
    sessions, rounds = int(overrides.pop("sessions", "64")), int(overrides.pop("rounds", "5"))
    seconds, workers = float(overrides.pop("seconds", "10")), overrides.pop("workers", "1,2").split(",")
    if overrides or not set(parts) <= set(PARTS):
        raise UserError(f"unknown argument; the parts are {', '.join(PARTS)}")
    functions = {"speed": speed, "echo": compare, "memory": memory}
    for part in parts:
        functions[part](sessions, seconds, rounds, workers)


if __name__ == "__main__":
    command(lambda words: main(list(words)), lambda _: str(__doc__))
