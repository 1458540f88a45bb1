"""Checks before a run writes anything: errors are one line and leave no incomplete run folder."""

import os
from dataclasses import replace
from typing import Any

from agents.chat.template import Chat
from agents.engines.config import SERVER, EngineConfig
from agents.episodes.task_check import check_task
from agents.models.load import LoadedModel, load_chat, load_model, longest_context
from agents.policies.demonstrations import check_demonstrations, is_demonstration_file
from agents.policies.jobs import make_teacher
from agents.policies.scripted import has_expert
from configs.errors import UserError, install_command, suggest
from configs.imports import is_import_path, load_object
from envs.matches.seat import strength_of
from envs.task.task import Task
from training.algorithm.advantages import estimator
from training.algorithm.losses import policy_loss
from training.cluster import placement
from training.cluster.base import Cluster
from training.cluster.local import LocalCluster
from training.config.run import Config
from training.learner import lora
from training.plan import sharing
from training.runs import trackers


def prepare(config: Config) -> Chat:
    """Check cluster sizes, imports, trackers and every task, and return the model's chat format.

    Raises:
        UserError: a check fails.
    """
    check_sizes(config)
    check_imports(config)
    trackers.check(config.track)
    share_cores(config.engine)
    try:
        chat = load_chat(config.model.path)
    except ValueError as error:
        raise UserError(f"model.path: {error}") from error
    longest = config.engine.max_context or longest_context(config.model.path)
    max_pixels = 0 if config.engine.kind == "transformers" else config.engine.vllm.max_pixels
    for name, settings in config.tasks.items():
        check_task(name, settings, chat, longest, max_pixels)
    check_teachers(config, chat)
    check_selfplay(config)
    return chat


async def start_cluster(config: Config) -> Cluster:
    """Start the learner, engines and rollout workers of a config; raise UserError if they cannot start."""
    try:
        if config.cluster.kind == "ray":
            from training.cluster.ray.cluster import RayCluster  # large, and an optional dependency

            parts = (config.cluster, config.model, config.engine, config.learner, config.tasks)
            return await RayCluster.start(*parts, sharing.reserved_bytes(config))
        model = load("model.path", config.model.path)
        engine = sharing.local_engine(config, sharing.this_gpu())
        return await LocalCluster.start(replace(config, engine=engine), model)
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise UserError(f"cluster=ray needs Ray: {install_command('ray')} ({error})") from error
    except (ValueError, RuntimeError) as error:  # sizes that do not fit, and missing packages
        raise UserError(str(error)) from error


def check_sizes(config: Config) -> None:
    """Raise UserError if the sizes of cluster, groups and minibatches are inconsistent, or if LoRA needs PEFT."""
    try:
        lora.check(config.learner.lora_rank)
        placement.check(config.cluster, {name: stage.algo for name, stage in config.played.items()}, config.engine)
    except ValueError as error:
        raise UserError(str(error)) from error


def check_imports(config: Config) -> None:
    """Raise UserError if a loss, estimator or reward of a config cannot be imported or is not a function."""
    found: dict[str, Any] = {}
    for stage in config.played.values():
        found[f"algo.advantage={stage.algo.advantage}"] = estimator(stage.algo.advantage)
        found[f"algo.loss={stage.algo.loss}"] = policy_loss(stage.algo.loss)
    for task in config.tasks.values():
        if is_import_path(task.reward):
            found[f"reward={task.reward}"] = load_object(task.reward)
    for setting, function in found.items():
        if not callable(function):
            raise UserError(f"{setting}: a function is expected, got {type(function).__name__}")


def check_teachers(config: Config, chat: Chat) -> None:
    """Raise UserError if a stage names a teacher for a task that it does not train, or one that cannot teach it."""
    for name, stage in config.played.items():
        for task in stage.teachers:
            if task not in stage.weights:
                raise UserError(f"stages.{name}.teachers: {suggest('task', task, stage.weights)}")
        if stage.kind == "rl":
            continue
        for task in stage.weights:
            teacher = stage.teacher(task)
            try:
                if is_demonstration_file(teacher):
                    check_demonstrations(teacher, chat)
                elif teacher.startswith(SERVER):
                    make_teacher(teacher, config.engine.server)  # checks address and key
            except UserError as error:
                raise UserError(f"stages.{name}.teachers.{task}: {error}") from error
            if teacher == "expert" and not has_expert(Task(task, config.tasks[task])):
                raise UserError(
                    f"stages.{name}: task {task} has no expert; set stages.{name}.teachers={{{task}: random}} to "
                    "teach only the reply format, or name a file of demonstrations"
                )


def check_selfplay(config: Config) -> None:
    """Raise UserError if a stage draws opponents, but none of its tasks has seats, or a task has no expert."""
    for name, stage in config.played.items():
        seated = [task for task in stage.weights if config.tasks[task].seats]
        if stage.selfplay.on and not seated:
            raise UserError(f"stages.{name}.selfplay needs a task with seats, such as football_duel")
        strong = any(strength_of(opponent) for opponent in stage.selfplay.opponents)
        for task in seated if stage.selfplay.scripted and strong else ():
            if not has_expert(Task(task, config.tasks[task])):
                raise UserError(
                    f"stages.{name}.selfplay: task {task} has no expert; set stages.{name}.selfplay.opponents=[random]"
                )
        if stage.algo.advantage == "spiral" and not stage.selfplay.on:
            raise UserError(
                f"stages.{name}.algo.advantage=spiral needs opponents; set stages.{name}.selfplay.current=1"
            )


def share_cores(engine: EngineConfig) -> None:
    """Divide the cores among the engine's threads, since batches and micro-batches run in parallel."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(max(1, cores // engine.threads))


def load(key: str, path: str) -> LoadedModel:
    """Load the model at `path`, the value of the override `key`; raise UserError if that fails."""
    try:
        return load_model(path)
    except ValueError as error:
        raise UserError(f"{key}: {error}") from error
