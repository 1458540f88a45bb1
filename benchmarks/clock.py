"""A clock that measures the exclusive seconds of selected methods."""

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any


class Clock:
    """Exclusive times of nested calls, with separate nesting for each thread."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        """Create a clock.

        Args:
            now: Function that returns the time in seconds, such as `time.thread_time` for CPU seconds.
        """
        self.now = now
        self.seconds: dict[str, float] = defaultdict(float)
        self._local = threading.local()

    def watch(self, part: str | Callable[[], str], owner: Any, name: str) -> None:
        """Measure a method from now on.

        Args:
            part: Name of the part, or a function that returns it at each call.
            owner: Class or object with the method.
            name: Name of the method.
        """
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
        """Return the seconds of each part since the last call."""
        taken = dict(self.seconds)
        self.seconds.clear()
        return taken
