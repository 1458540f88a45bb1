"""The engines as a rollout worker sees them: one engine, elsewhere."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ray.exceptions import RayActorError

from agents.chat.types import Completion, Prompt

if TYPE_CHECKING:
    import torch


class RemoteEngine:
    """All engines as one: an episode stays on its engine, whose cache holds its past; new ones go where load is least.

    A reply that an engine took with it into death is asked for again, from another one or from its replacement.
    """

    def __init__(self, offset: int) -> None:
        self.version = 0
        self.max_context: int | None = None
        self._offset = offset  # workers break ties differently
        self._hosts: dict[int, Any] = {}
        self._load: dict[int, int] = {}
        self._of_episode: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()  # an episode is a task
        self._there = asyncio.Event()

    def connect(self, hosts: Mapping[int, Any], version: int, max_context: int | None) -> None:
        """The engines that can be asked from now on."""
        self._hosts = dict(hosts)
        self.version = version
        self.max_context = max_context
        self._load = {number: self._load.get(number, 0) for number in hosts}
        (self._there.set if hosts else self._there.clear)()

    async def ready(self) -> None:
        """Wait until there is an engine."""
        await self._there.wait()

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """The reply to a prompt, from the engine of this episode."""
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
        """The engine of the episode that asks."""
        task = asyncio.current_task()
        assert task is not None
        number = self._of_episode.get(task)
        if number not in self._hosts:
            number = min(self._hosts, key=lambda n: (self._load[n], (n - self._offset) % (max(self._hosts) + 1)))
            self._of_episode[task] = number
        return number

    async def load_weights(self, weights: "Iterable[tuple[str, torch.Tensor]]", version: int) -> None:
        """Not from here: learners send weights to the engines."""
        raise NotImplementedError("a rollout worker has no weights to give")

    async def sleep(self) -> None:
        """Nothing: the cluster puts engines to sleep."""

    async def wake(self) -> None:
        """Nothing: the cluster wakes engines."""

    async def close(self) -> None:
        """Nothing: the cluster closes engines."""
