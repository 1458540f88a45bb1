"""Opponent of a person in a task with two seats."""

from dataclasses import dataclass
from pathlib import Path

from agents.engines.config import EngineConfig
from agents.episodes.policy import Policy
from agents.policies.model import VLMPolicy
from agents.policies.scripted import has_expert, is_scripted, scripted
from configs.errors import UserError
from envs.task.task import Task


@dataclass(frozen=True)
class Opponent:
    """Policy of the other seat."""

    name: str
    policy: Policy

    async def close(self) -> None:
        """Stop the engine."""
        if isinstance(self.policy, VLMPolicy):
            await self.policy.engine.close()


def check_opponent(name: str, task: Task) -> None:
    """Raise UserError (one line) if an opponent does not exist or cannot play a task."""
    if len(task.config.seats) != 2:
        raise UserError(f"opponent={name} needs a task with two seats, such as env=football_duel")
    if is_scripted(name):
        if name.startswith("expert") and not has_expert(task):
            raise UserError(f"opponent={name}: {task.name} has no expert")
    elif name != "tiny" and not (Path(_model(name)) / "config.json").is_file():
        raise UserError(f"opponent={name}: it must be random, expert, expert:P, tiny, or a run or model folder")


async def load_opponent(name: str) -> Opponent:
    """Return the opponent with a name. A model samples at temperature 1."""
    if is_scripted(name):
        return Opponent(name, scripted(name))
    from agents.engines.factory import make_engine  # slow imports, needed only for models
    from agents.models.load import load_chat

    path = _model(name)
    return Opponent(name, VLMPolicy(load_chat(path), await make_engine(path, EngineConfig(kind="transformers"))))


def _model(name: str) -> str:
    """Return the model folder of a run, or the name itself."""
    return str(Path(name) / "checkpoint") if (Path(name) / "config.yaml").is_file() else name
