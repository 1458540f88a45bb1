"""Scripted policies: random, idle and the env's own expert. They reply with text, like a model."""

from typing import Any, Self

import numpy as np

from agents.episodes.policy import TurnContext
from agents.seeds import mix
from configs.errors import suggest
from envs.matches.match import random_action
from envs.matches.seat import SeatEnv, strength_of
from envs.questions.answers import integer
from envs.task.config import TaskConfig
from envs.task.task import Task


class ScriptedPolicy:
    """Base of scripted policies, which keep no conversation and turn an action into a reply."""

    def start_episode(self, task: Task) -> None:
        """Do nothing: the policy keeps no conversation."""

    def with_temperature(self, temperature: float) -> Self:
        """Return self: the temperature has no effect."""
        return self

    async def reply(self, context: TurnContext) -> str:
        """Return a well-formed reply."""
        return self.words(context)

    def words(self, context: TurnContext) -> str:
        """Return the reply without waiting."""
        return f"<think>{self.thought(context)}</think><answer>{self.answer(context)}</answer>"

    def thought(self, context: TurnContext) -> str:
        """Return a short text for `<think>`."""
        return ""

    def answer(self, context: TurnContext) -> str:
        """Return the action's name, or the answer's text."""
        raise NotImplementedError


class RandomPolicy(ScriptedPolicy):
    """Random actions, as many as a reply may contain. For questions, a random number with the right answer's length.

    In a match, the action is legal. For questions, the answer is 0 if the right one is unknown or not a whole number.
    An env on a server gives `random_answer`.
    """

    def answer(self, context: TurnContext) -> str:
        """Return random actions or a random number, drawn with the context's seed."""
        rng = np.random.default_rng(mix(context.seed, context.turn))
        config = context.task.config
        seat = context.env.unwrapped
        if isinstance(seat, SeatEnv):
            return context.task.action_name(random_action(seat.match, seat.seat, rng))
        if config.actions:
            draws = range(config.actions_per_reply)
            return ", ".join(
                "+".join(str(rng.choice([name for name in part if name])) for part in config.action_parts)
                for _ in draws
            )
        draw = getattr(context.env.unwrapped, "random_answer", None)
        if draw is not None:
            return str(draw(rng))
        gold = getattr(context.env.unwrapped, "expert_action", str)()
        digits = len(str(gold).lstrip("-")) if integer(str(gold)) is not None else 0
        return str(rng.integers(10 ** (digits - 1) if digits > 1 else 0, 10**digits))


NO_OPS = {"idle", "noop", "no_op", "wait", "stay", "nothing"}
"""Names of actions that do nothing."""


def idle_action(config: TaskConfig) -> str:
    """Return the action of the no-op policy: the task's `idle` action, else its first action. For questions, 0."""
    if config.idle:
        return config.idle
    return "+".join(next(filter(None, part)) for part in config.action_parts) if config.actions else "0"


def does_something(config: TaskConfig) -> bool:
    """Return True if the no-op policy plays an action that probably has an effect."""
    return bool(config.actions) and not config.idle and not {*idle_action(config).lower().split("+")} <= NO_OPS


class IdlePolicy(ScriptedPolicy):
    """The same action in every turn (`idle_action`)."""

    def answer(self, context: TurnContext) -> str:
        """Return the same action every turn."""
        return idle_action(context.task.config)


class ExpertPolicy(ScriptedPolicy):
    """The env's own expert. If a reply may contain several actions, `expert_plan(most)` is used where it exists."""

    def thought(self, context: TurnContext) -> str:
        """Return the expert's reasoning in the task's form, or its usual one if the env has any."""
        form = context.task.config.think
        if form == "none":
            return ""
        if form != "usual":
            return context.task.expert_thought(context.env, form)
        think = getattr(context.env.unwrapped, "expert_thought", None)
        return str(think()) if think else ""

    def answer(self, context: TurnContext) -> str:
        """Return the expert's action or actions in this state."""
        most = context.task.config.actions_per_reply
        plan = getattr(context.env.unwrapped, "expert_plan", None) if most > 1 else None
        actions = plan(most) if plan else [expert_action(context)]
        return ", ".join(context.task.action_name(action) for action in actions)


def expert_action(context: TurnContext) -> Any:
    """Return the action of the env's expert; raise ValueError if the env has no expert."""
    act = getattr(context.env.unwrapped, "expert_action", None)
    if act is None:
        raise ValueError(f"task {context.task.name} has no expert: {context.task.config.id} has no expert_action()")
    return act()


def has_expert(task: Task) -> bool:
    """Return True if the task's env has an expert; raise a one-line ValueError if the env cannot be created."""
    env = task.make()
    env.close()
    return hasattr(env.unwrapped, "expert_action")


class MixedPolicy(ScriptedPolicy):
    """Opponent of a graded difficulty: the expert's action with a probability, else a random one.

    Args:
        strength: Probability of the expert's action, from 0 to 1.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def answer(self, context: TurnContext) -> str:
        """Return the expert's answer or a random one, drawn with the context's seed."""
        drawn = np.random.default_rng(mix(context.seed, context.turn, 2)).random()
        return (ExpertPolicy() if drawn < self.strength else RandomPolicy()).answer(context)


SCRIPTED_POLICIES: dict[str, type[ScriptedPolicy]] = {
    "random": RandomPolicy,
    "idle": IdlePolicy,
    "expert": ExpertPolicy,
}


def is_scripted(name: str) -> bool:
    """Return True for the name of a scripted policy: one of `SCRIPTED_POLICIES`, or `expert:P`."""
    return name in SCRIPTED_POLICIES or strength_of(name) is not None


def scripted(name: str) -> ScriptedPolicy:
    """Return a scripted policy by name. `expert:P` is a `MixedPolicy` of strength P."""
    if name in SCRIPTED_POLICIES:
        return SCRIPTED_POLICIES[name]()
    strength = strength_of(name)
    if strength is None:
        raise ValueError(suggest("policy", name, SCRIPTED_POLICIES))
    return MixedPolicy(strength)
