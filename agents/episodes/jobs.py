"""Jobs of episodes, and the runner that plays them with a policy."""

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
    """Number of episodes recorded as video."""
    blind: bool = False
    """Control experiment: the policy sees the images of another episode."""


class Plays(Protocol):
    """Runner of jobs: in this process or on a cluster."""

    async def play(self, job: Job) -> list[Episode]:
        """Play one job. Calls may run concurrently."""
        ...


class JobRunner:
    """Runner of jobs with one policy and the envs of every task. Jobs may run concurrently."""

    def __init__(self, tasks: Mapping[str, TaskConfig], policy: Policy) -> None:
        self.tasks = tasks
        self.policy = policy
        self._runners: dict[str, EpisodeRunner] = {}

    async def play(self, job: Job) -> list[Episode]:
        """Return the episodes of a job, in the order of its starts."""
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
