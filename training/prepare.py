"""Tries what a run needs before anything is written: a mistake is one clear line, and leaves no half-made folder."""

import os

import gymnasium

from agents.chat import Chat
from agents.conversation import Conversation
from agents.engines import EngineConfig
from agents.models import LoadedModel, best_device, load_chat, load_model, longest_context
from envs.schema import ConfigError
from envs.task import Task
from envs.task_config import TaskConfig
from training import lora, placement, track
from training.config import Config
from training.local import Cluster, LocalCluster


def prepare(config: Config) -> Chat:
    """How to talk to the model, once the machines' sizes and every task have been tried; ConfigError for a misfit."""
    check_sizes(config)
    track.check(config.track)
    share_cores(config.engine)
    try:
        chat = load_chat(config.model.path)
    except ValueError as error:
        raise ConfigError(f"model.path: {error}") from error
    longest = config.engine.max_context or longest_context(config.model.path)
    for name, settings in config.tasks.items():
        check_task(name, settings, chat, longest)
    return chat


async def start(config: Config) -> Cluster:
    """Learner, engines and players where the config wants them; ConfigError in one line where they cannot start."""
    try:
        if config.cluster.kind == "ray":
            from training.cluster import RayCluster  # heavy, and an extra

            return await RayCluster.start(config.cluster, config.model, config.engine, config.learner, config.tasks)
        model = load("model.path", config.model.path)
        model.vlm.to(best_device())
        return await LocalCluster.start(config, model)
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise ConfigError(f"cluster=ray needs Ray: pip install 'kickoff-rl[ray]' ({error})") from error
    except (ValueError, RuntimeError) as error:  # what does not fit, and what is not installed
        raise ConfigError(str(error)) from error


def check_sizes(config: Config) -> None:
    """ConfigError where the sizes of machines, groups and minibatches do not fit together, or LoRA lacks PEFT."""
    try:
        lora.check(config.learner.lora_rank)
        placement.check(config.cluster, {name: stage.algo for name, stage in config.played.items()}, config.engine)
    except ValueError as error:
        raise ConfigError(str(error)) from error


_MISFITS = (TypeError, KeyError, AttributeError, AssertionError, gymnasium.error.Error)
"""What an env raises for a kwarg of a type that it did not expect."""


def check_task(name: str, settings: TaskConfig, chat: Chat | None, longest: int | None = None) -> None:
    """Try a task with the model that is to play it, if one does, and its context; ConfigError where they do not fit."""
    try:
        _try(name, settings, chat, longest)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    except _MISFITS as error:
        raise ConfigError(f"tasks.{name}: {settings.id} does not work with these kwargs: {error}") from error


def share_cores(engine: EngineConfig) -> None:
    """Give each of the engine's threads its share of the cores: batches run side by side, and so do micro-batches."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(max(1, cores // engine.threads))


def load(key: str, path: str) -> LoadedModel:
    """`load_model` of what the user gave for `key`, with its error as the user's."""
    try:
        return load_model(path)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from error


def _try(name: str, settings: TaskConfig, chat: Chat | None, longest: int | None) -> None:
    """Make the env once, look at its first frame and take a step."""
    task = Task(name, settings)
    env = task.make()
    observation, info = env.reset(seed=0)
    seen = task.observe(env, observation, info)
    if (settings.reward, settings.success) == ("success", "info") and "success" not in info:
        raise ConfigError(
            f"tasks.{name}: {settings.id} does not tell success in its info; set success to terminated or 'return >= 1'"
        )
    task.score(info)
    env.step(env.action_space.sample())
    env.close()
    if chat is None:
        return
    if seen.image is not None:
        chat.pictures.check(*seen.image.shape[:2])
    conversation = Conversation(chat, settings.history)
    conversation.ask(task.words(seen, first=False), task.words(seen, first=True), seen.image)
    prompt = len(conversation.prompt(0, settings.max_reply_tokens).tokens)
    if longest and prompt + settings.max_reply_tokens > longest:
        raise ConfigError(
            f"tasks.{name}: a first prompt of {prompt} tokens and a reply of max_reply_tokens="
            f"{settings.max_reply_tokens} do not fit a context of {longest}; lower max_reply_tokens or the image's size"
        )
