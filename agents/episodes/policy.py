"""Policies: a conversation in, a reply out."""

from dataclasses import dataclass
from typing import Any, Protocol, Self

import gymnasium

from agents.chat.conversation import Conversation
from envs.task.task import Observation, Task


@dataclass
class TurnContext:
    """One player's place in an episode: what it sees now, and what it remembers."""

    task: Task
    env: gymnasium.Env[Any, Any]
    observation: Observation
    turn: int
    seed: int
    conversation: Conversation | None = None
    """The tokens so far; kept by policies that have tokens."""
    reply_tokens: int = 0
    """Length of the newest reply, told by policies that have tokens."""
    cut: bool = False
    """Whether it was cut off there, unfinished."""


class Policy(Protocol):
    """Answers for a context; many seats ask at once."""

    def start_episode(self, task: Task) -> Conversation | None:
        """The memory of a new episode."""
        ...

    async def reply(self, context: TurnContext) -> str:
        """The words of a reply; ContextFull where the engine has no room for it."""
        ...

    def with_temperature(self, temperature: float) -> Self:
        """The same policy at another sampling temperature; 0 is greedy."""
        ...
