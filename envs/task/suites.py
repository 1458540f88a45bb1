"""Suites: named groups of tasks, such as `env=games`, and the syntax for selecting tasks."""

import math
from collections.abc import Mapping

from configs.errors import UserError

SUITES: dict[str, list[str] | dict[str, float]] = {
    "all": ["football", "sokoban", "geometry", "visual", "reasoning"],
    "games": ["football", "sokoban"],
    "visual_suite": ["geometry", "visual"],
    "text": ["reasoning", "arithmetic", "algebra"],
    "text_games": ["football_text", "sokoban_text"],
    "third_party": ["frozen_lake", "cliff_walking", "minigrid", "freeway"],
    "academies": [
        "academy_empty_goal_close", "academy_empty_goal", "academy_run_to_score", "academy_run_to_score_with_keeper",
        "academy_pass_and_shoot_with_keeper", "academy_3_vs_1_with_keeper",
    ],
    "sokoban_sizes": [
        "sokoban", "sokoban_7x7_2", "sokoban_10x10_3", "sokoban_10x10_4", "sokoban_13x11_4", "sokoban_13x13_5",
    ],
    "sokoban_global": [
        "sokoban_global_7x7_2", "sokoban_global_7x7_3", "sokoban_global_10x10_3", "sokoban_global_10x10_4",
        "sokoban_global_10x10_5", "sokoban_global_13x11_3", "sokoban_global_13x11_4", "sokoban_global_13x13_5",
    ],
    "football_online": ["football_online_easy", "football_online_hard"],
}  # fmt: skip
"""Suite name → tasks of configs/env. A recipe can redefine a suite (its `suites`)."""

Choice = str | list[str] | dict[str, float]
"""Selection of tasks or suites: `football`, `football,sokoban`, [football, sokoban], or with weights {football: 2,
sokoban: 1}."""


Suite = list[str] | dict[str, float]
"""Members of a suite: a list of tasks, or a mapping from tasks to weights."""


def weigh(choice: Choice, suites: Mapping[str, Suite]) -> dict[str, float]:
    """Return the selected tasks and their weights, in the order of selection.

    The weight of a suite multiplies the weight of each of its tasks. If a task appears twice, its last weight counts.

    Raises:
        UserError: No task is selected, or a weight is not positive and finite.
    """
    weights: dict[str, float] = {}
    for name, weight in _weights(choice).items():
        for task, own in _weights(suites.get(name, [name])).items():
            weights[task] = weight * own
    if not weights or not all(weights):
        raise UserError("at least one task must be named, such as football, or football,sokoban")
    if not all(0 < weight < math.inf for weight in weights.values()):
        raise UserError(f"weights must be greater than 0, got {weights}")
    return weights


def _weights(choice: Choice) -> dict[str, float]:
    if isinstance(choice, str):
        choice = [name.strip() for name in choice.split(",")]
    return choice if isinstance(choice, dict) else dict.fromkeys(choice, 1.0)
