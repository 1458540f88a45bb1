"""What an evaluation plays: with whose settings, on which starts; and what a reader of its tables has to know."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.episodes.starts import TEST_FIRST, held_out_starts
from configs.cli import nested, split
from configs.schema import build, merge
from envs.task.config import TaskConfig, load_task, task_names
from envs.task.task import Task, state_hash
from training.compare.participants import Participant
from training.config.run import Config

_UNSEEN = {"description", "reward", "format_reward"}
"""Settings that change nothing of what is measured."""


def tasks_of(
    config: Config, trained: Participant | None, overrides: Mapping[str, Any]
) -> tuple[dict[str, TaskConfig], list[str]]:
    """What is played, and which of it as a run played it, with the changes that the words ask for: a file is not."""
    files = {Path(file).stem for file in re.findall(r"[^\s,:\[\]{}'\"]+\.yaml", str(overrides.get("env", "")))}
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
    """The tasks, with the test's rows of a question file in place of training's; and a note on that.

    Who asks for `split=train` in so many words gets it.
    """
    notes, kept = [], {}
    for name, task in tasks.items():
        asked = any(f"{prefix}.kwargs.split" in overrides for prefix in ("env", f"tasks.{name}"))
        if task.kwargs.get("split") == "train" and not asked:
            task = dataclasses.replace(task, kwargs=task.kwargs | {"split": "test"})
            notes.append(f"{name} asks the test split: its settings say split=train, and those rows are trained on")
        kept[name] = task
    return kept, notes


def notes_on_settings(
    players: Sequence[Participant], taken: Sequence[str], tasks: Mapping[str, TaskConfig]
) -> list[str]:
    """Whose settings are played, who was trained with others, and what is not as it is shipped."""
    notes = []
    trained = next((player for player in players if player.tasks), None)
    if trained is not None and taken:
        notes.append(f"settings of {', '.join(taken)} from {trained.source}")
    for player in players:
        for name in tasks:
            if name in player.tasks and (other := _differences(player.tasks[name], tasks[name])):
                notes.append(f"{player.name} was trained with other settings of {name}: {', '.join(other)}")
    changed: dict[str, list[str]] = {}
    for name in tasks:
        if name in task_names() and (other := _differences(load_task(name), tasks[name])):
            changed.setdefault(", ".join(other), []).append(name)
    return notes + [f"not as configs/env has it, {', '.join(names)}: {keys}" for keys, names in changed.items()]


def notes_on_starts(players: Sequence[Participant], tasks: Mapping[str, TaskConfig]) -> list[str]:
    """Where starts that are called held out are not."""
    notes = []
    for name, task in tasks.items():
        for player in players:
            own = player.tasks.get(name)
            rows = (task.kwargs.get("path"), task.kwargs.get("split"))
            if own and "split" in own.kwargs and rows[0] == own.kwargs.get("path") and rows[1] != "test":
                notes.append(f"{player.name} was trained on rows that {name} asks (split={rows[1]}): not held out")
        if _begins_alike(Task(name, task)):
            notes.append(f"{name} begins alike from every seed: its starts are those of training too")
    return notes


def as_shipped(name: str, task: TaskConfig) -> bool:
    """Whether a task is what others have measured: a longer reply is no other task."""
    return name in task_names() and set(_differences(load_task(name), task)) <= {"max_reply_tokens"}


def _differences(one: TaskConfig, other: TaskConfig) -> list[str]:
    """The keys in which two settings differ."""
    first, second = (_flat(dataclasses.asdict(config)) for config in (one, other))
    keys = dict.fromkeys([*first, *second])
    return [key for key in keys if first.get(key) != second.get(key) and key not in _UNSEEN]


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    kwargs = {f"kwargs.{key}": value for key, value in settings["kwargs"].items()}
    return {key: _plain(value) for key, value in {**settings, **kwargs}.items() if key != "kwargs"}


def _plain(value: Any) -> Any:
    """A tuple as a file has it."""
    return list(value) if isinstance(value, tuple) else value


def _begins_alike(task: Task) -> bool:
    """Whether a few held-out seeds give one start."""
    env = task.make()
    try:
        return len({state_hash(*env.reset(seed=start.seed)) for start in held_out_starts(TEST_FIRST, 4)}) == 1
    finally:
        env.close()
