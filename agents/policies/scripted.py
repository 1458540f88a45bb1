"""ScriptedPolicy players: random, idle and the env's own expert. They answer in words, as a model does."""

from typing import Any, Self

import numpy as np

from agents.episodes.policy import TurnContext
from agents.seeds import mix
from configs.errors import suggest
from envs.questions.answers import integer
from envs.task.task import Task


class ScriptedPolicy:
    """What the scripted players share: no memory, and a reply from an action."""

    def start_episode(self, task: Task) -> None:
        """No memory."""

    def with_temperature(self, temperature: float) -> Self:
        """Temperatures change nothing."""
        return self

    async def reply(self, context: TurnContext) -> str:
        """A well-formed reply."""
        return self.words(context)

    def words(self, context: TurnContext) -> str:
        """The same at once: nothing has to be waited for."""
        return f"<think>{self.thought(context)}</think><answer>{self.answer(context)}</answer>"

    def thought(self, context: TurnContext) -> str:
        """A few words for `<think>`."""
        return ""

    def answer(self, context: TurnContext) -> str:
        """The action's name, or the answer's text."""
        raise NotImplementedError


class RandomPolicy(ScriptedPolicy):
    """Random actions, as many as a reply may hold; for questions, a random number of the right answer's length.

    Where the right answer is no whole number, or is not known, it answers 0.
    """

    def answer(self, context: TurnContext) -> str:
        """Draw from the context's own seed."""
        rng = np.random.default_rng(mix(context.seed, context.turn))
        config = context.task.config
        if config.actions:
            draws = range(config.actions_per_reply)
            return ", ".join(
                "+".join(str(rng.choice([name for name in part if name])) for part in config.action_parts)
                for _ in draws
            )
        gold = getattr(context.env.unwrapped, "expert_action", str)()
        digits = len(str(gold).lstrip("-")) if integer(str(gold)) is not None else 0
        return str(rng.integers(10 ** (digits - 1) if digits > 1 else 0, 10**digits))


class IdlePolicy(ScriptedPolicy):
    """The task's `idle`, else its first action, which is to do nothing where a game has it; for questions, zero."""

    def answer(self, context: TurnContext) -> str:
        """Always the same."""
        if context.task.config.idle:
            return context.task.config.idle
        return (
            "+".join(next(filter(None, part)) for part in context.task.config.action_parts)
            if context.task.config.actions
            else "0"
        )


class ExpertPolicy(ScriptedPolicy):
    """The env's own expert; where a reply may hold several actions, its `expert_plan(most)`, if it has one."""

    def thought(self, context: TurnContext) -> str:
        """The expert's few words, if the env has any."""
        think = getattr(context.env.unwrapped, "expert_thought", None)
        return str(think()) if think else ""

    def answer(self, context: TurnContext) -> str:
        """The expert's action or actions in this state."""
        most = context.task.config.actions_per_reply
        plan = getattr(context.env.unwrapped, "expert_plan", None) if most > 1 else None
        actions = plan(most) if plan else [expert_action(context)]
        return ", ".join(context.task.action_name(action) for action in actions)


def expert_action(context: TurnContext) -> Any:
    """The action of the env's expert; ValueError where the env has none."""
    act = getattr(context.env.unwrapped, "expert_action", None)
    if act is None:
        raise ValueError(f"task {context.task.name} has no expert: {context.task.config.id} has no expert_action()")
    return act()


def has_expert(task: Task) -> bool:
    """Whether the task's env has an expert; ValueError in one line where it cannot be made."""
    env = task.make()
    env.close()
    return hasattr(env.unwrapped, "expert_action")


SCRIPTED_POLICIES: dict[str, type[ScriptedPolicy]] = {
    "random": RandomPolicy,
    "idle": IdlePolicy,
    "expert": ExpertPolicy,
}


def scripted(name: str) -> ScriptedPolicy:
    """The scripted player of that name."""
    if name not in SCRIPTED_POLICIES:
        raise ValueError(suggest("player", name, SCRIPTED_POLICIES))
    return SCRIPTED_POLICIES[name]()
