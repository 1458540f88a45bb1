"""Policies: a conversation in, a reply out."""

from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import gymnasium

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.engines.config import ContextFull, Engine
from agents.seeds import mix
from envs.task.task import Observation, Task


@dataclass
class Seat:
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
    """Answers for a seat; many seats ask at once."""

    def sit(self, task: Task) -> Conversation | None:
        """The memory of a new episode."""
        ...

    async def reply(self, seat: Seat) -> str:
        """The words of a reply; ContextFull where the engine has no room for it."""
        ...

    def at(self, temperature: float) -> Self:
        """The same policy at another sampling temperature; 0 is greedy."""
        ...


@dataclass(frozen=True)
class VLMPolicy:
    """A vision-language model on an engine."""

    chat: Chat | None
    """None: the engine is sent messages, and answers in words."""
    engine: Engine
    temperature: float = 1.0

    def at(self, temperature: float) -> Self:
        """The same policy at another temperature."""
        return replace(self, temperature=temperature)

    def sit(self, task: Task) -> Conversation:
        """An empty conversation with the task's history."""
        return Conversation(self.chat, task.config.history)

    async def reply(self, seat: Seat) -> str:
        """Sample a reply and keep its tokens in the seat's conversation."""
        conversation = seat.conversation
        assert conversation is not None
        words = seat.task.words
        conversation.ask(
            words(seat.observation, first=False), words(seat.observation, first=True), seat.observation.image
        )
        longest = seat.task.config.max_reply_tokens
        prompt = conversation.prompt(mix(seat.seed, seat.turn), longest)
        most, tokens = self.engine.max_context, len(prompt.tokens)
        if most is not None and tokens + longest > most:
            raise ContextFull(f"{tokens} tokens and a reply of up to {longest}, but the engine's context holds {most}")
        completion = await self.engine.generate(prompt, self.temperature)
        conversation.answer(completion)
        seat.reply_tokens, seat.cut = len(completion.tokens) or completion.count, not completion.finished
        if completion.text is not None or self.chat is None:
            return completion.text or ""
        return self.chat.text(completion.tokens)
