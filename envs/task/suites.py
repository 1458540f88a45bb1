"""Suites: names for groups of tasks, so that `env=games` plays them all; and how a choice of tasks is written."""

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
"""Name → tasks of configs/env. A recipe may give a name other tasks (its `suites`)."""

Choice = str | list[str] | dict[str, float]
"""Tasks or suites: `football`, `football,sokoban`, [football, sokoban], or with weights {football: 2, sokoban: 1}."""


Suite = list[str] | dict[str, float]
"""Tasks that go by one name, or tasks with weights."""


def weigh(choice: Choice, suites: Mapping[str, Suite]) -> dict[str, float]:
    """The tasks of a choice in their order, each with its weight; UserError for none, or a weight of 0.

    The weight of a suite goes to each of its tasks, times the task's own there. A task chosen twice has the later one.
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
