"""Jobs of episodes, and the player that plays them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from agents.episodes.episode import Episode, Start
from agents.episodes.policy import Policy
from agents.episodes.runner import EpisodeRunner
from envs.task.config import TaskConfig
from envs.task.task import Task


@dataclass(frozen=True)
class Job:
    """Episodes to play together."""

    task: str
    starts: tuple[Start, ...]
    temperature: float
    film: int = 0
    """So many of them are filmed."""
    blind: bool = False
    """Control: every player is shown the frame of another."""


class Plays(Protocol):
    """Anything that plays jobs: a player in this process, or a cluster."""

    async def play(self, job: Job) -> list[Episode]:
        """Play one job; many may be under way."""
        ...


class JobRunner:
    """A policy with the envs of every task: plays any number of jobs at once."""

    def __init__(self, tasks: Mapping[str, TaskConfig], policy: Policy) -> None:
        self.tasks = tasks
        self.policy = policy
        self._runners: dict[str, EpisodeRunner] = {}

    async def play(self, job: Job) -> list[Episode]:
        """The episodes of a job, in the order of its starts."""
        if job.task not in self._runners:
            self._runners[job.task] = EpisodeRunner(Task(job.task, self.tasks[job.task]))
        return await self._runners[job.task].play(
            job.starts, self.policy.with_temperature(job.temperature), job.film, job.blind
        )

    def close(self) -> None:
        """Close the envs."""
        for runner in self._runners.values():
            runner.close()
        self._runners.clear()
