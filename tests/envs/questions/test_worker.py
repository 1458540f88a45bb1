"""The worker process: it is reused, replaced after a failure, and ends with its parent."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envs.questions.worker import OverTime, Worker

ROOT = Path(__file__).resolve().parents[3]

HANDLER = """
import os, time
kept = [0]
def prepare(): print("noise on stdout")
def handle(request):
    if request == "hang": time.sleep(60)
    if request == "die": os._exit(3)
    if request == "burst": return len(bytearray(4 << 30))
    if request == "raise": raise ValueError("no such thing")
    if request == "pid": return os.getpid()
    kept[0] += 1
    return [kept[0], request]
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    (tmp_path / "handler.py").write_text(HANDLER)
    worker = Worker(tmp_path / "handler.py", megabytes=1024)
    yield worker
    worker.close()


def test_worker_is_reused_for_all_requests(worker: Worker) -> None:
    assert worker.ask("a", 5) == [1, "a"]
    assert worker.ask({"b": "√\n"}, 5) == [2, {"b": "√\n"}]
    with pytest.raises(ValueError, match="no such thing"):
        worker.ask("raise", 5)
    assert worker.ask("c", 5) == [3, "c"]


@pytest.mark.parametrize("accident", ["hang", "die", "burst"])
def test_worker_that_hangs_dies_or_bursts_costs_one_request(worker: Worker, accident: str) -> None:
    pid = worker.ask("pid", 5)
    begin = time.monotonic()
    with pytest.raises(OverTime):
        worker.ask(accident, 0.5)
    assert time.monotonic() - begin < 30  # it would have hung for 60
    assert not Path(f"/proc/{pid}").exists()  # killed and waited for: no zombie
    assert worker.ask("x", 5) == [1, "x"]  # a fresh one


def test_threads_wait_for_each_other(worker: Worker) -> None:
    answers: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda name=name: answers.append((name, worker.ask(name, 5)[1]))) for name in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(name, name) for name in range(8)]


def test_a_forked_child_has_a_worker_of_its_own(worker: Worker) -> None:
    pid = worker.ask("pid", 5)
    child = os.fork()
    if child == 0:
        try:
            own = worker.ask("pid", 5)
            worker.close()
        finally:
            os._exit(0 if own != pid else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert worker.ask("pid", 5) == pid


def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module")
    with pytest.raises(
        RuntimeError, match=r"the worker for broken\.py failed to start: ModuleNotFoundError.*no_such_module"
    ):
        Worker(tmp_path / "broken.py").ask("x", 5)


@pytest.mark.slow
def test_the_worker_ends_with_its_parent() -> None:
    script = (
        "from envs.questions.answers import *; from envs.questions.answers import WORKER\n"
        "assert is_right('\\\\sin 0+x', Formula('x')); print(WORKER.pid)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not Path(f"/proc/{done.stdout.strip()}").exists() and done.stderr == ""
