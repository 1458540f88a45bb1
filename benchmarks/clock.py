"""A clock for the parts of a program: exclusive seconds of the methods it is told to watch."""

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any


class Clock:
    """Exclusive times of nested calls; each thread nests on its own."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        """`now` tells the time: `time.thread_time` for CPU seconds."""
        self.now = now
        self.seconds: dict[str, float] = defaultdict(float)
        self._local = threading.local()

    def watch(self, part: str | Callable[[], str], owner: Any, name: str) -> None:
        """Time a method of a class or of an object from now on; `part` may be found out at each call."""
        method: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(method)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if not hasattr(self._local, "inner"):
                self._local.inner = [0.0]
            inner: list[float] = self._local.inner
            label = part if isinstance(part, str) else part()
            inner.append(0.0)
            started = self.now()
            try:
                return method(*args, **kwargs)
            finally:
                whole = self.now() - started
                self.seconds[label] += whole - inner.pop()
                inner[-1] += whole

        setattr(owner, name, timed)

    def take(self) -> dict[str, float]:
        """The seconds of each part since the last call."""
        taken = dict(self.seconds)
        self.seconds.clear()
        return taken
