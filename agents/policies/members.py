"""Opponents in matches: scripted policies, and models loaded from folders, such as past selves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from agents.chat.template import Chat
from agents.engines.base import Engine
from agents.engines.config import EngineConfig
from agents.episodes.policy import Policy
from agents.policies.scripted import is_scripted, scripted

LOADED: Final = 16
"""Maximum number of models that stay in memory while they do not play."""


@dataclass
class _Member:
    engine: "asyncio.Task[Engine]"
    jobs: int = 0
    """Number of jobs in which it plays."""


class Members:
    """Opponents by name. A model is loaded once, into a transformers engine of its own.

    Args:
        chat: Chat template of the models, which are of the family of the policy in training.
        config: Engine settings.
    """

    def __init__(self, chat: Chat | None, config: EngineConfig) -> None:
        self._chat = chat
        self._config = replace(config, kind="transformers")
        self._members: dict[str, _Member] = {}

    @asynccontextmanager
    async def policy(self, name: str) -> AsyncIterator[Policy]:
        """Lend an opponent to a job.

        Args:
            name: Name of a scripted policy, or the folder of a model.
        """
        if is_scripted(name):
            yield scripted(name)
            return
        from agents.policies.model import VLMPolicy

        member = self._members.pop(name, None) or _Member(asyncio.ensure_future(self._load(name)))
        self._members[name] = member  # the newest one is last
        member.jobs += 1
        try:
            yield VLMPolicy(self._chat, await asyncio.shield(member.engine))
        finally:
            member.jobs -= 1
            idle = [one for one, kept in self._members.items() if not kept.jobs]
            await self._drop(idle[: max(0, len(self._members) - LOADED)])

    async def close(self) -> None:
        """Stop all engines."""
        await self._drop(list(self._members))

    async def _load(self, path: str) -> Engine:
        from agents.engines.factory import make_engine  # slow imports, needed only for models

        return await make_engine(path, self._config)

    async def _drop(self, names: list[str]) -> None:
        for member in [self._members.pop(name) for name in names]:
            if member.engine.done() and not member.engine.cancelled() and member.engine.exception() is None:
                await member.engine.result().close()
            else:
                member.engine.cancel()
