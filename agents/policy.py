"""Policies: a conversation in, a reply out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import gymnasium

from agents.chat import Chat
from agents.conversation import Conversation
from agents.engines import Engine
from agents.sampling import mix
from envs.task import Observation, Task


class ContextFull(Exception):  # noqa: N818  (how an episode may end, no fault)
    """The next prompt and its reply do not fit the engine's context."""

    def __init__(self, prompt: int, reply: int, most: int) -> None:
        super().__init__(prompt, reply, most)  # all of them, so that it can be pickled
        self.prompt = prompt
        self.reply = reply
        self.most = most


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


@dataclass
class Stopwatch:
    """Counts the seconds in which at least one of several things that overlap is going on."""

    seconds: float = 0.0
    _going: int = 0
    _since: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Something is going on."""
        if not self._going:
            self._since = time.perf_counter()
        self._going += 1
        try:
            yield
        finally:
            self._going -= 1
            if not self._going:
                self.seconds += time.perf_counter() - self._since


@dataclass(frozen=True)
class VLMPolicy:
    """A vision-language model on an engine."""

    chat: Chat | None
    """None: the engine is sent messages, and answers in words."""
    engine: Engine
    temperature: float = 1.0
    waiting: Stopwatch = field(default_factory=Stopwatch)
    """Runs while at least one reply is awaited; shared by the copies at other temperatures."""

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
        most = self.engine.max_context
        if most is not None and len(prompt.tokens) + longest > most:
            raise ContextFull(len(prompt.tokens), longest, most)
        with self.waiting.running():
            completion = await self.engine.generate(prompt, self.temperature)
        conversation.answer(completion)
        seat.reply_tokens = len(completion.tokens)
        if completion.text is not None or self.chat is None:
            return completion.text or ""
        return self.chat.text(completion.tokens)
