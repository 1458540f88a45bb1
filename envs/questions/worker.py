"""Killable worker process for work that may hang or use too much memory.

One worker is started on first use, reused, and replaced after a failure. It is a plain child process that exchanges
JSON lines over pipes, so it is safe with threads, forks and a `__main__` without a guard. POSIX only.
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
"""Maximum time in seconds for a new worker to import its modules."""


class OverTime(Exception):  # noqa: N818  an outcome, not a defect
    """The worker exceeded its time or memory limit, or died. The next request starts a new worker."""


class Worker:
    """Answers requests in a separate process. Calls from several threads are serialised.

    Args:
        handler: Python file with `prepare()` (imports) and `handle(request) -> value`, both values JSON. It imports no
            own modules.
        megabytes: Limit of the worker's address space.
    """

    def __init__(self, handler: Path, megabytes: int = 2048) -> None:
        self._handler = handler
        self._megabytes = megabytes
        self._process: subprocess.Popen[bytes] | None = None
        self._forget()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    def ask(self, request: Any, seconds: float) -> Any:
        """Return the handler's value for a request.

        Args:
            request: JSON value passed to the handler.
            seconds: Time limit in seconds.

        Raises:
            OverTime: The worker exceeded its time or memory limit, or died.
            ValueError: The handler raised an exception. The message is its text.
        """
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

    @property
    def pid(self) -> int | None:
        """Process id of the worker; None if none is running. It changes when the worker is replaced."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def close(self) -> None:
        """Stop the worker, if it is running."""
        held = self._lock.acquire(timeout=1)  # a thread waiting for an answer sees its pipe close
        self._kill()
        if held:
            self._lock.release()

    def _start(self) -> "subprocess.Popen[bytes]":
        self._kill()
        # -P: files in the handler's folder must not shadow installed modules.
        command = [sys.executable, "-P", str(CHILD), str(self._handler), str(self._megabytes)]
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # threads use address space
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | single | {"PYTHONHASHSEED": "0"},  # some handlers iterate over sets
        )
        try:
            ready = self._read(self._process, START_SECONDS)
        except OverTime as error:
            raise RuntimeError(f"the worker for {self._handler.name} failed to start: {error}") from None
        if "error" in ready:
            self._kill()
            raise RuntimeError(f"the worker for {self._handler.name} failed to start: {ready['error']}")
        return self._process

    def _read(self, process: "subprocess.Popen[bytes]", seconds: float) -> dict[str, Any]:
        """Return the worker's next line. On failure, kill the worker and raise OverTime."""
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
                except OSError:  # unread data cannot be flushed
                    pass
            self._process = None

    def _forget(self) -> None:
        """Drop the worker in a forked child: it belongs to the parent."""
        if self._process is not None:
            self._process.returncode = 0  # not our child to wait for
        self._process = None
        self._lock = threading.Lock()
