"""Task settings of an evaluation, and notes on settings and starts."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents.episodes.starts import TEST_FIRST, held_out_starts
from configs.cli import nested, split
from configs.schema import build, merge
from envs.task.config import TaskConfig, load_task, task_names
from envs.task.openenv import task_name
from envs.task.task import Task, state_hash
from training.compare.participants import Participant
from training.config.run import Config

_UNSEEN = {"description", "reward", "format_reward", "transcript_reward", "end_when_lost"}
"""Settings that do not affect the results."""


def tasks_of(
    config: Config, trained: Participant | None, overrides: Mapping[str, Any]
) -> tuple[dict[str, TaskConfig], list[str]]:
    """Return the tasks to play.

    A task of the trained policy keeps the settings of its training, changed by overrides. A task file in `env=` is
    always read again.

    Args:
        config: Config of the command.
        trained: First policy that was trained with Kickoff, if any.
        overrides: Command-line overrides by key.

    Returns:
        The task settings by name, and the names of the tasks with the settings of `trained`.
    """
    asked = str(overrides.get("env", ""))
    files = {task_name(file) for file in re.findall(r"[^\s,:\[\]{}'\"]+\.yaml|openenv:[^\s,\[\]{}'\"]+", asked)}
    tasks: dict[str, TaskConfig] = {}
    names = list(trained.envs) if trained is not None and "env" not in overrides else config.envs
    taken = [name for name in names if trained is not None and name in trained.tasks and name not in files]
    for name in names:
        if trained is None or name not in taken:
            tasks[name] = config.tasks[name]
            continue
        of_all, of_one = (split(overrides, group)[0] for group in ("env", f"tasks.{name}"))
        changes = nested({"env": TaskConfig, "tasks": dict[str, TaskConfig]}, of_all | of_one)
        changed = merge(changes.get("env", {}), changes.get("tasks", {}).get(name, {}))
        tasks[name] = build(TaskConfig, merge(dataclasses.asdict(trained.tasks[name]), changed))
    return tasks, taken


def with_test_rows(
    tasks: dict[str, TaskConfig], overrides: Mapping[str, Any]
) -> tuple[dict[str, TaskConfig], list[str]]:
    """Return the tasks with `split=test` instead of `split=train`, and a note for each changed task.

    An explicit override `split=train` is kept.
    """
    notes, kept = [], {}
    for name, task in tasks.items():
        asked = any(f"{prefix}.kwargs.split" in overrides for prefix in ("env", f"tasks.{name}"))
        if task.kwargs.get("split") == "train" and not asked:
            task = dataclasses.replace(task, kwargs=task.kwargs | {"split": "test"})
            notes.append(f"{name} uses split=test instead of split=train, because those rows are training data")
        kept[name] = task
    return kept, notes


def notes_on_settings(
    players: Sequence[Participant], taken: Sequence[str], tasks: Mapping[str, TaskConfig]
) -> list[str]:
    """Return notes on the source of the settings and on differences from training and from configs/env.

    Args:
        players: Participants of the evaluation.
        taken: Names of the tasks with the settings of a trained policy.
        tasks: Task settings by name.
    """
    notes = []
    trained = next((player for player in players if player.tasks), None)
    if trained is not None and taken:
        notes.append(f"settings of {', '.join(taken)} from {trained.source}")
    for player in players:
        for name in tasks:
            if name in player.tasks and (other := _differences(player.tasks[name], tasks[name])):
                notes.append(f"{player.name} was trained with different settings of {name}: {', '.join(other)}")
    changed: dict[str, list[str]] = {}
    for name in tasks:
        if name in task_names() and (other := _differences(load_task(name), tasks[name])):
            changed.setdefault(", ".join(other), []).append(name)
    return notes + [f"changed from configs/env, {', '.join(names)}: {keys}" for keys, names in changed.items()]


def notes_on_starts(players: Sequence[Participant], tasks: Mapping[str, TaskConfig]) -> list[str]:
    """Return notes on held-out starts that also occur in training."""
    notes = []
    for name, task in tasks.items():
        for player in players:
            own = player.tasks.get(name)
            rows = (task.kwargs.get("path"), task.kwargs.get("split"))
            if own and "split" in own.kwargs and rows[0] == own.kwargs.get("path") and rows[1] != "test":
                notes.append(f"{player.name} was trained on rows of {name} (split={rows[1]}): they are not held out")
            if own and (levels := task.kwargs.get("levels")) and levels == own.kwargs.get("levels"):
                notes.append(f"{player.name} was trained on the levels of {name}: they are not held out")
        if _begins_alike(Task(name, task)):
            notes.append(f"{name} starts in the same state from every seed: its starts also occur in training")
    return notes


def as_shipped(name: str, task: TaskConfig) -> bool:
    """Return True if a task is comparable with published results. `max_reply_tokens` may differ."""
    return name in task_names() and set(_differences(load_task(name), task)) <= {"max_reply_tokens"}


def _differences(one: TaskConfig, other: TaskConfig) -> list[str]:
    """Return the keys in which two settings differ."""
    first, second = (_flat(dataclasses.asdict(config)) for config in (one, other))
    keys = dict.fromkeys([*first, *second])
    return [key for key in keys if first.get(key) != second.get(key) and key not in _UNSEEN]


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    kwargs = {f"kwargs.{key}": value for key, value in settings["kwargs"].items()}
    return {key: _plain(value) for key, value in {**settings, **kwargs}.items() if key != "kwargs"}


def _plain(value: Any) -> Any:
    """Return a tuple as a list, as in a file."""
    return list(value) if isinstance(value, tuple) else value


def _begins_alike(task: Task) -> bool:
    """Return True if several held-out seeds give the same start."""
    env = task.make()
    try:
        resets = [env.reset(seed=start.seed) for start in held_out_starts(TEST_FIRST, 4)]
        return len({state_hash(*reset) for reset in resets}) == 1 and not resets[0][1].get("failed")
    finally:
        env.close()
