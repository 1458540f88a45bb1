"""Language models as policies."""

from dataclasses import dataclass, replace
from typing import Self

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.chat.types import ContextFull
from agents.engines.base import Engine
from agents.episodes.policy import TurnContext
from agents.seeds import mix
from envs.task.task import Task


@dataclass(frozen=True)
class VLMPolicy:
    """Vision-language model, or a text model, on an engine."""

    chat: Chat | None
    """Chat template, or None for an engine that takes messages and returns text."""
    engine: Engine
    temperature: float = 1.0

    def with_temperature(self, temperature: float) -> Self:
        """Return the same policy with another temperature."""
        return replace(self, temperature=temperature)

    def start_episode(self, task: Task) -> Conversation:
        """Return an empty conversation with the task's history."""
        return Conversation(self.chat, task.config.history)

    async def reply(self, context: TurnContext) -> str:
        """Sample a reply and store its tokens in the context's conversation."""
        conversation = context.conversation
        assert conversation is not None
        ask(context)
        longest = context.task.config.max_reply_tokens
        prompt = conversation.prompt(mix(context.seed, context.turn), longest, context.recorded)
        most, tokens = self.engine.max_context, len(prompt.tokens)
        if most is not None and tokens + longest > most:
            raise ContextFull(
                f"a prompt of {tokens} tokens and a reply of up to {longest} exceed the context of {most}"
            )
        completion = await self.engine.generate(prompt, self.temperature)
        conversation.answer(completion)
        context.reply_tokens, context.cut = len(completion.tokens) or completion.count, not completion.finished
        context.distributions = completion.distributions
        if completion.text is not None or self.chat is None:
            return completion.text or ""
        return self.chat.text(completion.tokens)


def ask(context: TurnContext) -> None:
    """Add the turn's observation to the context's conversation."""
    words, shown = context.task.words, context.observation
    assert context.conversation is not None
    context.conversation.ask(words(shown, first=False), words(shown, first=True), shown.image, shown.more)
