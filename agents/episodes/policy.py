"""Policy interface: a turn context in, a reply out."""

from dataclasses import dataclass
from typing import Any, Protocol, Self

import gymnasium

from agents.chat.conversation import Conversation
from agents.chat.types import Distributions
from envs.task.task import Observation, Task


@dataclass
class TurnContext:
    """State of one episode for the policy: the current observation and the conversation so far."""

    task: Task
    env: gymnasium.Env[Any, Any]
    observation: Observation
    turn: int
    seed: int
    conversation: Conversation | None = None
    """Conversation so far, for policies with tokens."""
    recorded: bool = False
    """True to keep the distributions of the reply's tokens."""
    reply_tokens: int = 0
    """Length of the newest reply in tokens, set by policies with tokens."""
    cut: bool = False
    """True if the newest reply was cut off at its maximum length."""
    distributions: Distributions | None = None
    """Distributions of the newest reply's tokens, if the engine gives them."""


class Policy(Protocol):
    """Policy that replies to turn contexts. Calls may run concurrently."""

    def start_episode(self, task: Task) -> Conversation | None:
        """Return the conversation of a new episode."""
        ...

    async def reply(self, context: TurnContext) -> str:
        """Return the reply's text. Raise ContextFull if the prompt does not fit the engine's context."""
        ...

    def with_temperature(self, temperature: float) -> Self:
        """Return the same policy with another sampling temperature; 0 is greedy."""
        ...
