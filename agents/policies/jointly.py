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
from agents.rounds import no_more_calls, settle
from envs.task.task import Task

Call = tuple[Callable[[], Coroutine[Any, Any, str]], "asyncio.Future[str]"]


class JointRounds:
    """Rounds of replies: calls that are made before the event loop is idle start together and return together."""

    def __init__(self) -> None:
        self._waiting: list[Call] = []
        self._round: asyncio.Task[None] | None = None

    async def run(self, reply: Callable[[], Coroutine[Any, Any, str]]) -> str:
        """Return the result of a reply that starts with the next round."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((reply, future))
        self._begin()
        return await future

    def _begin(self) -> None:
        if self._round is None and self._waiting:
            self._round = asyncio.get_running_loop().create_task(self._play())
            self._round.add_done_callback(self._end)

    def _end(self, _: "asyncio.Task[None]") -> None:
        self._round = None
        self._begin()

    async def _play(self) -> None:
        await no_more_calls(lambda: len(self._waiting))
        calls, self._waiting = [call for call in self._waiting if not call[1].done()], []
        results = await asyncio.gather(*(reply() for reply, _ in calls), return_exceptions=True)
        for (_, future), result in zip(calls, results, strict=True):
            settle(future, result)


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
