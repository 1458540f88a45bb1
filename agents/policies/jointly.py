"""Policies that reply in joint rounds, so that engines of different speed do not change each other's batches.

An engine forms equal batches from equal calls (`agents.engines.transformers`). In a match, the calls of one engine
depend on the replies of another. If both ran on their own, their speeds would decide which calls share a batch, and
batches change replies by rounding.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Self

from agents.chat.conversation import Conversation
from agents.episodes.policy import Policy, TurnContext
from agents.rounds import SerialRounds
from envs.task.task import Task

Reply = Callable[[], Coroutine[Any, Any, str]]


class JointRounds(SerialRounds[Reply, str]):
    """Rounds of replies: all replies of a round start together and are returned together."""

    def __init__(self) -> None:
        super().__init__(_replies)


async def _replies(replies: list[Reply]) -> list[str | BaseException]:
    return await asyncio.gather(*(reply() for reply in replies), return_exceptions=True)


@dataclass(frozen=True)
class JointPolicy:
    """Policy whose replies wait for those of all other policies with the same rounds."""

    policy: Policy
    rounds: JointRounds

    def start_episode(self, task: Task) -> Conversation | None:
        """Start an episode of the policy."""
        return self.policy.start_episode(task)

    def with_temperature(self, temperature: float) -> Self:
        """Return this policy at another temperature."""
        return type(self)(self.policy.with_temperature(temperature), self.rounds)

    async def reply(self, context: TurnContext) -> str:
        """Return the reply of the policy at the end of its round."""
        return await self.rounds.run(lambda: self._reply(context))

    async def _reply(self, context: TurnContext) -> str:
        return await self.policy.reply(context)


def jointly(policy: Policy, rounds: JointRounds) -> Policy:
    """Return a policy that replies in joint rounds if its engine generates in rounds, else the policy itself."""
    return JointPolicy(policy, rounds) if getattr(getattr(policy, "engine", None), "in_rounds", False) else policy
