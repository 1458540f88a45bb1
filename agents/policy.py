"""Policies: a conversation in, a reply out."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium

from agents.chat import Chat
from agents.conversation import Conversation
from agents.engines import Engine
from agents.sampling import mix
from envs.task import Observation, Task


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


class Policy(Protocol):
    """Answers for many seats at once."""

    def sit(self, task: Task) -> Conversation | None:
        """The memory of a new episode."""
        ...

    def reply(self, seats: Sequence[Seat]) -> list[str]:
        """The words of a reply for each seat."""
        ...


class VLMPolicy:
    """A vision-language model on an engine."""

    def __init__(self, chat: Chat, engine: Engine, temperature: float = 1.0) -> None:
        self.chat = chat
        self.engine = engine
        self.temperature = temperature
        self.seconds = 0.0
        """Spent waiting for the engine, in total."""

    @contextmanager
    def at_temperature(self, temperature: float) -> Iterator[None]:
        """Play at another temperature for a while; 0 is greedy."""
        usual, self.temperature = self.temperature, temperature
        try:
            yield
        finally:
            self.temperature = usual

    def sit(self, task: Task) -> Conversation:
        """An empty conversation with the task's history."""
        return Conversation(self.chat, task.config.history)

    def reply(self, seats: Sequence[Seat]) -> list[str]:
        """Sample a reply for each seat, and keep its tokens in the seat's conversation."""
        prompts, conversations = [], []
        for seat in seats:
            conversation = seat.conversation
            assert conversation is not None
            words = seat.task.words
            conversation.ask(
                words(seat.observation, first=False), words(seat.observation, first=True), seat.observation.image
            )
            prompts.append(conversation.prompt(mix(seat.seed, seat.turn), seat.task.config.max_reply_tokens))
            conversations.append(conversation)
        started = time.perf_counter()
        completions = self.engine.generate(prompts, self.temperature)
        self.seconds += time.perf_counter() - started
        for conversation, completion in zip(conversations, completions, strict=True):
            conversation.answer(completion)
        return [self.chat.text(completion.tokens) for completion in completions]
