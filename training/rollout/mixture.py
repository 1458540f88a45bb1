"""Which tasks a step plays: by weight, and by learning progress where the stage asks for it.

Learning progress follows teacher-student curriculum learning (Matiisen et al. 2017, arXiv 1707.00183): a task is worth
its absolute change of success, for what is being learned and what is being forgotten both need play. The change is
that between a fast and a slow average (Kanitscheider et al. 2021, arXiv 2106.14876). The share that goes by weight is
a floor: no task starves, and so each goes on being measured.
"""

from collections.abc import Mapping
from typing import Any

FAST, SLOW = 0.3, 0.1
"""Weight of the newest step in the two averages of success."""


class Mixture:
    """Shares each step's groups out among a stage's tasks; may be asked for later steps before one is observed."""

    def __init__(self, weights: Mapping[str, float], groups: int, learning_progress: float = 0.0) -> None:
        """Start a stage.

        Args:
            weights: Task → weight, greater than 0.
            groups: Groups a step.
            learning_progress: Share of the groups that goes by learning progress, from 0 to 1.
        """
        self.weights = {task: weight / sum(weights.values()) for task, weight in weights.items()}
        self.groups = groups
        self.learning_progress = learning_progress
        self._owed = dict.fromkeys(weights, 0.0)  # groups that a task's share gave it, and it has not played
        self._asked: dict[int, dict[str, int]] = {}  # the shares of steps that have not been observed
        self._success: dict[str, list[float]] = {}  # task → [fast average, slow average]

    def target_fractions(self) -> dict[str, float]:
        """Task → the share of the groups that it should have; they sum up to 1."""
        progress = {task: weight * self.progress(task) for task, weight in self.weights.items()}
        total = sum(progress.values())
        if not total:
            return dict(self.weights)
        some = self.learning_progress
        return {task: (1 - some) * self.weights[task] + some * progress[task] / total for task in self.weights}

    def progress(self, task: str) -> float:
        """How much the task's success is changing, from 0 to 1."""
        fast, slow = self._success.get(task, [0.0, 0.0])
        return abs(fast - slow)

    def allocate(self, step: int) -> dict[str, int]:
        """Task → groups of a step, `groups` in all, the same ones until it is observed.

        Over the steps each task gets exactly the target_fractions that it had when they were first asked for.
        """
        if step not in self._asked:
            deficit = {task: self._owed[task] + self.groups * share for task, share in self.target_fractions().items()}
            shares = dict.fromkeys(deficit, 0)
            for _ in range(self.groups):  # one by one to the task with the largest deficit, the first of equals
                task = max(deficit, key=lambda name: deficit[name])
                shares[task] += 1
                deficit[task] -= 1
            self._owed, self._asked[step] = deficit, shares
        return dict(self._asked[step])

    def observe(self, step: int, success: Mapping[str, float]) -> None:
        """A step was played as `shares` had it, with this mean success (of the tasks that were played)."""
        self._asked.pop(step, None)
        for task, value in success.items():
            fast, slow = self._success.get(task, [value, value])
            self._success[task] = [fast + FAST * (value - fast), slow + SLOW * (value - slow)]

    def state(self) -> dict[str, Any]:
        """Return the state for a checkpoint, as JSON takes it; its keys are those of every earlier version."""
        return {"owed": self._owed, "asked": list(self._asked.items()), "success": self._success}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`; ValueError where it is that of other tasks."""
        if set(state["owed"]) != set(self.weights):
            raise ValueError(f"the state is of {sorted(state['owed'])}, this stage plays {sorted(self.weights)}")
        self._owed = {task: float(state["owed"][task]) for task in self.weights}
        self._asked = {step: dict(shares) for step, shares in state["asked"]}
        self._success = {task: list(seen) for task, seen in state["success"].items()}
