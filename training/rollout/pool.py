"""Difficulty pool: env seeds that are played again because the rewards of their last group differed.

A group with equal rewards (all right or all wrong) has no gradient. Its seed leaves the pool. Seeds with differing
rewards are neither too easy nor too hard for the current policy. Difficulty pools and their admission by the last group
follow prime-rl, which keeps them for a finite set of tasks. Here the seeds are unlimited, so the pool keeps the newest.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.seeds import mix
from training.algorithm.groups import Group


class DifficultyPool:
    """Env seeds of each task to play again.

    Later steps can be drawn before earlier ones are observed. All random choices are hashes of the seed and the step.
    """

    def __init__(self, tasks: Sequence[str], size: int, fraction: float, seed: int) -> None:
        """Create an empty pool.

        Args:
            tasks: Names of the tasks. The order affects the choices.
            size: Maximum number of env seeds per task. 0 turns the pool off.
            fraction: Fraction of a task's groups that replay seeds of the pool.
            seed: Seed of the choices.
        """
        self.tasks = list(tasks)
        self.size = size
        self.fraction = fraction
        self.seed = seed
        self._kept: dict[str, list[int]] = {task: [] for task in tasks}  # oldest first
        self._drawn: dict[int, dict[str, list[int]]] = {}  # step → task → seeds, for steps not yet observed

    def draw(self, step: int, shares: Mapping[str, int]) -> dict[str, list[int]]:
        """Return task → env seeds to play again in a step, all different.

        Repeated calls for a step return the same seeds until the step is observed. The number of seeds is the fraction
        of the groups, rounded up or down at random so that the mean is exact, or less if the pool has fewer seeds.

        Args:
            step: Step of the stage.
            shares: Task → number of groups in the step.
        """
        if step not in self._drawn:
            self._drawn[step] = {task: self._choose(step, task, count) for task, count in shares.items()}
        return {task: list(seeds) for task, seeds in self._drawn[step].items()}

    def _choose(self, step: int, task: str, count: int) -> list[int]:
        key = (self.seed, step, self.tasks.index(task))
        number = int(self.fraction * count + mix(*key) / 2**64)
        return sorted(self._kept[task], key=lambda seed: mix(*key, seed))[:number]

    def observe(self, step: int, groups: Sequence[Group]) -> int:
        """Update the pool with all groups of a step. Return the number of groups that were drawn from the pool."""
        drawn = self._drawn.pop(step, {})
        for group in groups if self.size else ():
            kept = self._kept[group.task]
            if group.seed in kept:
                kept.remove(group.seed)
            if group.varied:
                kept.append(group.seed)
        self._kept = {task: seeds[-self.size :] for task, seeds in self._kept.items()}
        return sum(len(seeds) for seeds in drawn.values())

    def state(self) -> dict[str, Any]:
        """Return the state for a checkpoint, as JSON values."""
        return {"kept": self._kept, "drawn": list(self._drawn.items())}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a `state` of the same tasks."""
        self._kept = {task: list(seeds) for task, seeds in state["kept"].items()}
        self._drawn = {step: {task: list(seeds) for task, seeds in drawn.items()} for step, drawn in state["drawn"]}
