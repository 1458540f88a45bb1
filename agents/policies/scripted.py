"""Scripted players: random, idle and the env's own expert. They answer in words, as a model does."""

from typing import Any, Self

import numpy as np

from agents.episodes.policy import Seat
from agents.seeds import mix
from configs.errors import suggest
from envs.questions.answers import integer
from envs.task.task import Task


class Scripted:
    """What the scripted players share: no memory, and a reply from an action."""

    def sit(self, task: Task) -> None:
        """No memory."""

    def at(self, temperature: float) -> Self:
        """Temperatures change nothing."""
        return self

    async def reply(self, seat: Seat) -> str:
        """A well-formed reply."""
        return self.words(seat)

    def words(self, seat: Seat) -> str:
        """The same at once: nothing has to be waited for."""
        return f"<think>{self.thought(seat)}</think><answer>{self.answer(seat)}</answer>"

    def thought(self, seat: Seat) -> str:
        """A few words for `<think>`."""
        return ""

    def answer(self, seat: Seat) -> str:
        """The action's name, or the answer's text."""
        raise NotImplementedError


class RandomPlayer(Scripted):
    """Random actions, as many as a reply may hold; for questions, a random number of the right answer's length.

    Where the right answer is no whole number, or is not known, it answers 0.
    """

    def answer(self, seat: Seat) -> str:
        """Draw from the seat's own seed."""
        rng = np.random.default_rng(mix(seat.seed, seat.turn))
        config = seat.task.config
        if config.actions:
            draws = range(config.actions_per_reply)
            return ", ".join(
                "+".join(str(rng.choice([name for name in part if name])) for part in config.action_parts)
                for _ in draws
            )
        gold = getattr(seat.env.unwrapped, "expert_action", str)()
        digits = len(str(gold).lstrip("-")) if integer(str(gold)) is not None else 0
        return str(rng.integers(10 ** (digits - 1) if digits > 1 else 0, 10**digits))


class IdlePlayer(Scripted):
    """The task's `idle`, else its first action, which is to do nothing where a game has it; for questions, zero."""

    def answer(self, seat: Seat) -> str:
        """Always the same."""
        if seat.task.config.idle:
            return seat.task.config.idle
        return (
            "+".join(next(filter(None, part)) for part in seat.task.config.action_parts)
            if seat.task.config.actions
            else "0"
        )


class Expert(Scripted):
    """The env's own expert; where a reply may hold several actions, its `expert_plan(most)`, if it has one."""

    def thought(self, seat: Seat) -> str:
        """The expert's few words, if the env has any."""
        think = getattr(seat.env.unwrapped, "expert_thought", None)
        return str(think()) if think else ""

    def answer(self, seat: Seat) -> str:
        """The expert's action or actions in this state."""
        most = seat.task.config.actions_per_reply
        plan = getattr(seat.env.unwrapped, "expert_plan", None) if most > 1 else None
        actions = plan(most) if plan else [expert_action(seat)]
        return ", ".join(seat.task.action_name(action) for action in actions)


def expert_action(seat: Seat) -> Any:
    """The action of the env's expert; ValueError where the env has none."""
    act = getattr(seat.env.unwrapped, "expert_action", None)
    if act is None:
        raise ValueError(f"task {seat.task.name} has no expert: {seat.task.config.id} has no expert_action()")
    return act()


def has_expert(task: Task) -> bool:
    """Whether the task's env has an expert; ValueError in one line where it cannot be made."""
    env = task.make()
    env.close()
    return hasattr(env.unwrapped, "expert_action")


PLAYERS: dict[str, type[Scripted]] = {"random": RandomPlayer, "idle": IdlePlayer, "expert": Expert}


def scripted(name: str) -> Scripted:
    """The scripted player of that name."""
    if name not in PLAYERS:
        raise ValueError(suggest("player", name, PLAYERS))
    return PLAYERS[name]()
