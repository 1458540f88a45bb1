"""Places of the episodes that a process plays at the same time, for envs on servers with few sessions."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PATIENCE: Final = 10
"""Maximum number of attempts to start an episode while another process uses all sessions."""

log = logging.getLogger(__name__)


class Places:
    """Limit of the number of episodes at the same time. It shrinks when a server has no session for another one."""

    def __init__(self, most: int | None) -> None:
        """Create the places.

        Args:
            most: Maximum number of episodes, or None for no limit.
        """
        self.most = most
        self._playing = 0
        self._refused = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a place and occupy it."""
        while self.most is not None and self._playing >= self.most:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            try:
                await future
            except BaseException:
                self._wake()
                raise
        self._playing += 1
        try:
            yield
        finally:
            self._playing -= 1
            self._wake()

    def _wake(self) -> None:
        """Wake the first of those that wait."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return

    def refused(self, problem: str) -> bool:
        """Note that the server refused an episode which occupies a place. Return True if it should try again.

        While other episodes are played, one place fewer is left. Otherwise another process uses the sessions. If the
        patience ends, `problem` is logged.
        """
        if self._playing > 1:
            self.most, self._refused = self._playing - 1, 0
            return True
        self.most, self._refused = 1, self._refused + 1
        if self._refused == PATIENCE + 1:
            log.warning("%s. The episodes end until a session is free.", problem)
        return self._refused <= PATIENCE

    def started(self) -> None:
        """Note that an episode could start."""
        self._refused = 0
