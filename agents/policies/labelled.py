"""Episodes whose token sequences hold a teacher's replies: demonstrations, and labels on another policy's states.

Labels on the learner's own states are DAgger (Ross et al. 2011, arXiv 1011.0686).
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.chat.types import NO_TOKENS, Completion, TokenSequence
from agents.episodes.policy import Policy, TurnContext
from agents.policies.demonstrations import completion
from agents.policies.model import VLMPolicy, ask
from agents.policies.scripted import RandomPolicy
from agents.seeds import mix
from envs.task.task import Task


@dataclass
class LabelledConversation(Conversation):
    """Conversation with a label for every turn: the reply to learn, which need not be the reply that was played."""

    labels: list[Completion | None] = field(default_factory=list)
    """Label of each turn. None: the teacher's reply was invalid, so nothing is learned from the turn."""
    teacher: Conversation | None = None
    """The same turns as messages, for a teacher on a server."""

    def sequences(self) -> list[TokenSequence]:
        """Return a token sequence for each turn: its context as played, then its label, which alone is trained."""
        found = []
        for turn, label in zip(range(len(self.turns)), self.labels, strict=False):
            if label is None:
                continue
            played = self.turns[turn].completion
            self.turns[turn].completion = label
            found.append(self._sequence(turn, trained_from=turn))
            self.turns[turn].completion = played
        return found


@dataclass(frozen=True)
class LabelledPolicy:
    """Policy that plays as an actor and labels every state that it visits with the teacher's reply."""

    chat: Chat
    """Chat template of the model that learns."""
    teacher: Policy
    """Scripted policy, or a model on a server."""
    actor: VLMPolicy | None = None
    """Policy that plays. None: the teacher plays."""
    noise: float = 0.0
    """Fraction of the turns in which a random action is played instead, from 0 to 1. The label stays the teacher's."""

    def with_temperature(self, temperature: float) -> Self:
        """Return the same policy with an actor of another temperature."""
        actor = self.actor and self.actor.with_temperature(temperature)
        return type(self)(self.chat, self.teacher, actor, self.noise)

    def start_episode(self, task: Task) -> LabelledConversation:
        """Return an empty conversation with the task's history."""
        return LabelledConversation(self.chat, task.config.history, teacher=self.teacher.start_episode(task))

    async def reply(self, context: TurnContext) -> str:
        """Record the teacher's reply as the label, and return the reply to play."""
        conversation = context.conversation
        assert isinstance(conversation, LabelledConversation)
        label = await self.teacher.reply(replace(context, conversation=conversation.teacher))
        if self.actor is not None:
            words = await self.actor.reply(context)
        else:
            words = self._noisy(context) or label
            ask(context)
            conversation.answer(completion(self.chat, words))
        if conversation.teacher is not None:  # replace its own reply by the one that was played
            conversation.teacher.answer(Completion(NO_TOKENS, NO_TOKENS.astype(np.float32), True, NO_TOKENS, words))
        conversation.labels.append(completion(self.chat, label) if context.task.parse(label).valid else None)
        return words

    def _noisy(self, context: TurnContext) -> str:
        """Return a random reply in a fraction `noise` of the turns of a task with named actions, else an empty text."""
        drawn = np.random.default_rng(mix(context.seed, context.turn, 1)).random()
        return RandomPolicy().words(context) if context.task.config.actions and drawn < self.noise else ""
