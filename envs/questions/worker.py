"""Work that may hang or burst is done by a worker process, which is killed and replaced when it does.

One worker is started on first use and reused; it is a plain child process that speaks JSON lines over its pipes, so
threads, forks and a `__main__` without a guard do no harm. POSIX only.
"""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

CHILD = Path(__file__).with_name("worker_child.py")

START_SECONDS = 120.0
"""Until a fresh worker has imported what it needs."""


class OverTime(Exception):  # noqa: N818  an outcome, not a defect
    """The worker took too long, too much memory, or died; the next question finds a fresh one."""


class Worker:
    """Answers requests in a process of its own.

    `handler` is a Python file with `prepare()` (imports) and `handle(request) -> value`, both JSON; it imports nothing
    of ours. `megabytes` bounds the worker's address space. Calls from several threads wait for each other.
    """

    def __init__(self, handler: Path, megabytes: int = 2048) -> None:
        self._handler = handler
        self._megabytes = megabytes
        self._process: subprocess.Popen[bytes] | None = None
        self._forget()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    def ask(self, request: Any, seconds: float) -> Any:
        """The handler's value; OverTime as said there, ValueError with its text where the handler raised one."""
        with self._lock:
            process = self._process if self._process and self._process.poll() is None else self._start()
            assert process.stdin is not None
            line = json.dumps({"request": request, "seconds": seconds}) + "\n"
            try:
                process.stdin.write(line.encode())
                process.stdin.flush()
            except OSError:
                self._kill()
                raise OverTime("the worker died") from None
            answer = self._read(process, seconds)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["value"]

    def close(self) -> None:
        """End the worker, if there is one."""
        held = self._lock.acquire(timeout=1)  # whoever waits for an answer learns of it by its pipe
        self._kill()
        if held:
            self._lock.release()

    def _start(self) -> "subprocess.Popen[bytes]":
        self._kill()
        # -P: the handler's folder shadows no installed module.
        command = [sys.executable, "-P", str(CHILD), str(self._handler), str(self._megabytes)]
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # threads cost address space
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | single,
        )
        try:
            ready = self._read(self._process, START_SECONDS)
        except OverTime as error:
            raise RuntimeError(f"the worker for {self._handler.name} does not start: {error}") from None
        if "error" in ready:
            self._kill()
            raise RuntimeError(f"the worker for {self._handler.name} does not start: {ready['error']}")
        return self._process

    def _read(self, process: "subprocess.Popen[bytes]", seconds: float) -> dict[str, Any]:
        """The worker's next line, or OverTime and no worker."""
        assert process.stdout is not None
        end = time.monotonic() + seconds
        line = b""
        while not line.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                self._kill()
                raise OverTime(f"no answer within {seconds:g} s")
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                self._kill()
                raise OverTime("the worker died")
            line += part
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                try:
                    pipe.close()  # type: ignore[union-attr]
                except OSError:  # what it never read cannot be flushed
                    pass
            self._process = None

    def _forget(self) -> None:
        """In a forked child: the worker is the parent's."""
        if self._process is not None:
            self._process.returncode = 0  # not ours to wait for
        self._process = None
        self._lock = threading.Lock()
