"""Mixture: allocates the groups of each step to the tasks, by weight and by learning progress.

Learning progress follows teacher-student curriculum learning (Matiisen et al. 2017, arXiv 1707.00183). The progress of
a task is its absolute change of success, since both learned and forgotten tasks need more episodes. The change is the
difference between a fast and a slow average (Kanitscheider et al. 2021, arXiv 2106.14876). The fraction allocated by
weight is a minimum, so every task is still played and measured.
"""

from collections.abc import Mapping
from typing import Any

FAST, SLOW = 0.3, 0.1
"""Weight of the newest step in the fast and the slow average of success."""


class Mixture:
    """Allocation of each step's groups to the tasks of a stage.

    Later steps can be allocated before earlier ones are observed.
    """

    def __init__(self, weights: Mapping[str, float], groups: int, learning_progress: float = 0.0) -> None:
        """Create the mixture of a stage.

        Args:
            weights: Task → weight, greater than 0.
            groups: Number of groups per step.
            learning_progress: Fraction of the groups allocated by learning progress, from 0 to 1.
        """
        self.weights = {task: weight / sum(weights.values()) for task, weight in weights.items()}
        self.groups = groups
        self.learning_progress = learning_progress
        self._owed = dict.fromkeys(weights, 0.0)  # task → target minus allocated groups so far
        self._asked: dict[int, dict[str, int]] = {}  # step → allocation, for steps not yet observed
        self._success: dict[str, list[float]] = {}  # task → [fast average, slow average]

    def target_fractions(self) -> dict[str, float]:
        """Return task → target fraction of the groups. The fractions sum to 1."""
        progress = {task: weight * self.progress(task) for task, weight in self.weights.items()}
        total = sum(progress.values())
        if not total:
            return dict(self.weights)
        some = self.learning_progress
        return {task: (1 - some) * self.weights[task] + some * progress[task] / total for task in self.weights}

    def progress(self, task: str) -> float:
        """Return the absolute change of a task's success, from 0 to 1."""
        fast, slow = self._success.get(task, [0.0, 0.0])
        return abs(fast - slow)

    def allocate(self, step: int) -> dict[str, int]:
        """Return task → number of groups in a step, `groups` in total.

        Repeated calls for a step return the same allocation until the step is observed. Rounding errors carry over, so
        that over many steps each task gets its target fractions.
        """
        if step not in self._asked:
            deficit = {task: self._owed[task] + self.groups * share for task, share in self.target_fractions().items()}
            shares = dict.fromkeys(deficit, 0)
            for _ in range(self.groups):  # each group to the largest deficit, ties to the first task
                task = max(deficit, key=lambda name: deficit[name])
                shares[task] += 1
                deficit[task] -= 1
            self._owed, self._asked[step] = deficit, shares
        return dict(self._asked[step])

    def observe(self, step: int, success: Mapping[str, float]) -> None:
        """Update the averages with the mean success of a step, by task played."""
        self._asked.pop(step, None)
        for task, value in success.items():
            fast, slow = self._success.get(task, [value, value])
            self._success[task] = [fast + FAST * (value - fast), slow + SLOW * (value - slow)]

    def state(self) -> dict[str, Any]:
        """Return the state for a checkpoint, as JSON values; its keys are the same in all versions."""
        return {"owed": self._owed, "asked": list(self._asked.items()), "success": self._success}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a `state`; raise ValueError if it is from other tasks."""
        if set(state["owed"]) != set(self.weights):
            raise ValueError(f"the state is from {sorted(state['owed'])}, but this stage has {sorted(self.weights)}")
        self._owed = {task: float(state["owed"][task]) for task in self.weights}
        self._asked = {step: dict(shares) for step, shares in state["asked"]}
        self._success = {task: list(seen) for task, seen in state["success"].items()}
