"""Tries what a run needs before anything is written: a mistake is one clear line, and leaves no half-made folder."""

from agents.models import LoadedModel, load_model
from envs.task import Task, TaskConfig
from training.config import Config
from training.schema import ConfigError


def prepare(config: Config) -> LoadedModel:
    """The model that a config names, once it and every task have been tried; ConfigError where one does not fit."""
    model = load(config.model.path)
    for name, settings in config.tasks.items():
        try:
            _try(name, settings, model)
        except ValueError as error:
            raise ConfigError(str(error)) from error
    return model


def load(path: str) -> LoadedModel:
    """`load_model`, with its error as the user's."""
    try:
        return load_model(path)
    except ValueError as error:
        raise ConfigError(f"model.path: {error}") from error


def _try(name: str, settings: TaskConfig, model: LoadedModel) -> None:
    """Make the env once, and look at its first frame."""
    task = Task(name, settings)
    env = task.make()
    observation, info = env.reset(seed=0)
    image = task.observe(env, observation, info).image
    env.close()
    if image is not None:
        model.vlm.check_size(image)
