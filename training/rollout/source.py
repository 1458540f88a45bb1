"""Source: produces the trajectories of each step of a stage, from rewarded groups of episodes (stages of kind `rl`)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from agents.episodes.episode import Episode
from agents.policies.jobs import Job
from agents.seeds import mix
from envs.task.config import TaskConfig
from training.algorithm.groups import Group, Trajectory, with_advantages
from training.config.stages import StageConfig
from training.rollout.collector import Collector
from training.rollout.metrics import describe, success_by_task
from training.rollout.mixture import Mixture
from training.rollout.opponents import Opponents
from training.rollout.pool import DifficultyPool

Play = Callable[[Job], Awaitable[list[Episode]]]


@dataclass(frozen=True)
class Batch:
    """Trajectories of one step."""

    trajectories: list[Trajectory]
    groups: list[Group]
    """Groups with rewards and advantages, for the records. Empty if the stage has no rewards."""
    metrics: dict[str, Any]
    """Metrics of the episodes played for the step."""


class Source(Protocol):
    """Producer of the batches of a stage, step by step."""

    async def collect(self, step: int, version: int) -> Batch:
        """Return the batch of a step. `version` is the version of the learner's weights."""
        ...

    def state(self) -> dict[str, Any]:
        """Return the state after the last batch for a checkpoint, as JSON values."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a `state`."""
        ...

    async def close(self) -> None:
        """Stop the episodes that still play."""
        ...


class GroupSource:
    """Groups of episodes with the same start, compared by their rewards."""

    def __init__(
        self,
        play: Play,
        tasks: Mapping[str, TaskConfig],
        stage: StageConfig,
        seed: int,
        index: int,
        recorded: int = 0,
        selves: Path = Path("selves"),
    ) -> None:
        """Create the source of stage number `index`.

        Args:
            play: Plays a job.
            tasks: Settings of all tasks of the run.
            stage: Settings of the stage.
            seed: Seed of the run.
            index: Index of the stage.
            recorded: Number of groups per task and step that keep what records need.
            selves: Folder of the past selves.
        """
        self.algo = stage.algo
        played = {task: tasks[task] for task in stage.weights}
        self.opponents = Opponents(stage.selfplay, played, mix(seed, index, 1), selves, stage.algo)
        self.mixture = Mixture(stage.weights, stage.algo.groups, stage.learning_progress)
        self.pool = DifficultyPool(list(stage.weights), stage.algo.pool, stage.algo.pool_fraction, mix(seed, index))
        self.collector = Collector(
            play,
            played,
            self.mixture.allocate,
            seed=seed,
            stage=index,
            steps=stage.steps,
            group_size=stage.algo.group_size,
            temperature=stage.algo.temperature,
            refill=stage.algo.refill,
            max_staleness=stage.algo.max_staleness,
            recorded=recorded,
            replays=lambda step: self.pool.draw(step, self.mixture.allocate(step)),
            opponents=self.opponents,
        )

    async def collect(self, step: int, version: int) -> Batch:
        """Return the trajectories of the groups to learn from."""
        collected = await self.collector.collect(step, version)
        groups = with_advantages(collected.played, self.algo)
        trajectories = [trajectory for group in groups for trajectory in group.trajectories()]
        self.mixture.observe(step, success_by_task(groups))
        counts = {
            "groups/filtered": float(sum(group.filtered for group in groups)),
            "groups/replayed": float(self.pool.observe(step, groups)),
        }
        results = self.opponents.observe(groups)
        return Batch(trajectories, groups, describe(groups) | collected.metrics | counts | results)

    def state(self) -> dict[str, Any]:
        """Return the state of the task mixture, of the difficulty pool and of the opponents."""
        return self.mixture.state() | {"pool": self.pool.state(), "opponents": self.opponents.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a `state`. Older versions have no difficulty pool or no opponents."""
        self.mixture.restore(state)
        if "opponents" in state:
            self.opponents.restore(state["opponents"])
        if "pool" in state:
            self.pool.restore(state["pool"])

    async def close(self) -> None:
        """Cancel the groups that are playing for later steps."""
        await self.collector.close()
