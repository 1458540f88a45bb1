"""Several processes that serve one port."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.envs.serve.serve_fixture import ask, http, opened, problem, reply, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def two_workers(sessions: int) -> Iterator[tuple[str, "subprocess.Popen[str]", int]]:
    """The address of a server with two processes, the first process, and the id of the second one."""
    command = [sys.executable, "-m", "envs.serve", "env=sokoban", "port=0", "workers=2", f"sessions={sessions}"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        place = process.stdout.readline().split("http://")[1].split("/")[0]
        listening = f":{int(place.partition(':')[2]):04X} 00000000:0000 0A"
        assert until(lambda: Path("/proc/net/tcp").read_text().count(listening) == 2, 240)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        (worker,) = [pid for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
        yield place, process, int(worker)
    finally:
        process.kill()
        process.communicate()


def number_of_sockets(pid: int) -> int:
    """The number of connections of a process."""
    links = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()]
    return sum(link.startswith("socket:") for link in links)


def test_workers_share_the_port_and_the_limit() -> None:
    with two_workers(16) as (place, process, worker), ExitStack() as stack:
        idle = [number_of_sockets(pid) for pid in (process.pid, worker)]
        clients = [stack.enter_context(opened(place)) for _ in range(16)]
        seen = {str(ask(client, "reset", seed=1, episode_id="e")) for client in clients}
        assert len(seen) == 1  # the same start in both processes
        busy = [number_of_sockets(pid) for pid in (process.pid, worker)]
        assert sum(busy) - sum(idle) >= 16
        assert min(now - before for now, before in zip(busy, idle, strict=True)) > 2  # no process has all of them
        assert ask(clients[0], "step", **reply("up"))["data"]["metadata"]["turn"] == 1
        with opened(place) as further:  # the server speaks first, and closes
            refused = json.loads(further.recv(timeout=60))
            assert problem(refused) == ("CAPACITY_REACHED", "all 16 sessions are in use")
        expected = "episodes over HTTP need a server with workers=1; use /ws"
        assert http(place, "POST", "/reset", {"seed": 1}) == (422, {"detail": expected})
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert until(lambda: not Path(f"/proc/{worker}").exists())
        assert process.stderr is not None and process.stderr.read() == "stopped\n"


def test_the_server_stops_with_any_of_its_workers() -> None:
    with two_workers(4) as (_place, process, worker):
        os.kill(worker, signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 2 and "a worker process ended with exit code -9" in errors
        assert errors.count("\n") == 1
    with two_workers(4) as (_, process, worker):
        process.terminate()
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (143, "") and not Path(f"/proc/{worker}").exists()
    with two_workers(4) as (_, process, worker):
        process.kill()
        assert until(lambda: not Path(f"/proc/{worker}").exists(), 60)


def test_workers_do_not_share_a_port_with_another_server() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "envs.serve", "env=sokoban", f"port={port}", "workers=2"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"port={port}: cannot be used at 127.0.0.1" in done.stderr
