"""All engines of the cluster behind the interface of one engine, for rollout workers."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ray.exceptions import RayActorError

from agents.chat.types import Completion, Prompt

if TYPE_CHECKING:
    import torch


class RemoteEngine:
    """All engines of the cluster as one engine.

    An episode stays on its engine, to reuse the cached prefix. A new episode goes to the engine with the least load.
    If an engine dies, the pending request is sent to another engine or to the replacement.

    Args:
        offset: Number of the rollout worker. Workers break ties in different orders.
    """

    def __init__(self, offset: int) -> None:
        self.version = 0
        self.max_context: int | None = None
        self._offset = offset
        self._hosts: dict[int, Any] = {}
        self._load: dict[int, int] = {}
        self._of_episode: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()  # an episode is a task
        self._there = asyncio.Event()

    def connect(self, hosts: Mapping[int, Any], version: int, max_context: int | None) -> None:
        """Set the engines to use.

        Args:
            hosts: Engine actors by number.
            version: Version of the engines' weights.
            max_context: Maximum context length in tokens.
        """
        self._hosts = dict(hosts)
        self.version = version
        self.max_context = max_context
        self._load = {number: self._load.get(number, 0) for number in hosts}
        (self._there.set if hosts else self._there.clear)()

    async def ready(self) -> None:
        """Wait until an engine is available."""
        await self._there.wait()

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """Return the reply to a prompt, from the engine of this episode."""
        while True:
            await self.ready()
            number = self._route()
            host = self._hosts[number]
            self._load[number] += 1
            try:
                completion: Completion = await host.generate.remote(prompt, temperature)
                return completion
            except RayActorError:
                if self._hosts.get(number) is host:  # not replaced yet
                    self.connect({n: h for n, h in self._hosts.items() if n != number}, self.version, self.max_context)
            finally:
                if number in self._load:
                    self._load[number] -= 1

    def _route(self) -> int:
        """Return the number of the engine of the current episode."""
        task = asyncio.current_task()
        assert task is not None
        number = self._of_episode.get(task)
        if number not in self._hosts:
            number = min(self._hosts, key=lambda n: (self._load[n], (n - self._offset) % (max(self._hosts) + 1)))
            self._of_episode[task] = number
        return number

    async def load_weights(self, weights: "Iterable[tuple[str, torch.Tensor]]", version: int) -> None:
        """Not supported: learners send weights to the engines."""
        raise NotImplementedError("a rollout worker has no weights to load")

    async def sleep(self) -> None:
        """Do nothing: the cluster puts engines to sleep."""

    async def wake(self) -> None:
        """Do nothing: the cluster wakes engines."""

    async def close(self) -> None:
        """Do nothing: the cluster closes engines."""
